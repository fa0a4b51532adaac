// RUN: quant-opt %s --split-input-file --convert-rt-to-llvm | FileCheck %s

// Weights are the unsigned operand of vpdpbusd; one instruction for 64 bytes, no
// saturation up to 255.
module attributes {rt.level = "avx512vnni"} {
// CHECK-LABEL: @vnni
// CHECK-SAME: (%[[SUMS:.*]]: memref<16xi32>, %[[CODES:.*]]: memref<64xi8>, %[[X:.*]]: memref<64xi8>)
// CHECK: %[[SUM:.*]] = vector.load %[[SUMS]]
// CHECK: %[[W:.*]] = vector.load %[[CODES]]
// CHECK: %[[A:.*]] = vector.load %[[X]]
// CHECK: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"(%[[SUM]], %[[W]], %[[A]])
// CHECK-NOT: pack.dot4
func.func private @vnni(%sum: memref<16xi32>, %codes: memref<64xi8>, %x: memref<64xi8>) {
  %zero = arith.constant 0 : index
  %s = vector.load %sum[%zero] : memref<16xi32>, vector<16xi32>
  %w = vector.load %codes[%zero] : memref<64xi8>, vector<64xi8>
  %a = vector.load %x[%zero] : memref<64xi8>, vector<64xi8>
  %y = pack.dot4 %s, %w, %a {range = 255} : vector<16xi32>, vector<64xi8>
  vector.store %y, %sum[%zero] : memref<16xi32>, vector<16xi32>
  return
}
}

// -----

// Without AVX-512, two of the same on halves; no saturation either.
module attributes {rt.level = "avxvnni"} {
// CHECK-LABEL: @vnni256
// CHECK-COUNT-2: "llvm.x86.avx512.vpdpbusd.256"{{.*}} : (vector<8xi32>, vector<32xi8>, vector<32xi8>) -> vector<8xi32>
// CHECK-NOT: pack.dot4
func.func private @vnni256(%sum: memref<16xi32>, %codes: memref<64xi8>, %x: memref<64xi8>) {
  %zero = arith.constant 0 : index
  %s = vector.load %sum[%zero] : memref<16xi32>, vector<16xi32>
  %w = vector.load %codes[%zero] : memref<64xi8>, vector<64xi8>
  %a = vector.load %x[%zero] : memref<64xi8>, vector<64xi8>
  %y = pack.dot4 %s, %w, %a {range = 255} : vector<16xi32>, vector<64xi8>
  vector.store %y, %sum[%zero] : memref<16xi32>, vector<16xi32>
  return
}
}

// -----

// Signed weights: their sign goes to the activation, so that the unsigned operand
// is at most 128 and two products fit 16 bits.
module attributes {rt.level = "avx2"} {
// CHECK-LABEL: @sign_route
// CHECK: %[[A:.*]] = llvm.call_intrinsic "llvm.x86.avx2.psign.b"
// CHECK: %[[W:.*]] = math.absi
// CHECK: llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"(%[[W]], %[[A]])
// CHECK: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
func.func private @sign_route(%sum: memref<16xi32>, %codes: memref<64xi8>, %x: memref<64xi8>) {
  %zero = arith.constant 0 : index
  %s = vector.load %sum[%zero] : memref<16xi32>, vector<16xi32>
  %w = vector.load %codes[%zero] : memref<64xi8>, vector<64xi8>
  %a = vector.load %x[%zero] : memref<64xi8>, vector<64xi8>
  %y = pack.dot4 %s, %w, %a {range = 128, signed_weights} : vector<16xi32>, vector<64xi8>
  vector.store %y, %sum[%zero] : memref<16xi32>, vector<16xi32>
  return
}
}

// -----

// A chain of codes up to 128 leaves no room for sums in 16 bits: every quad goes
// to 32 bits by itself, in two halves of a vector.
module attributes {rt.level = "avx2"} {
// CHECK-LABEL: @no_room
// CHECK-COUNT-4: "llvm.x86.avx2.pmadd.wd"
// CHECK-NOT: "llvm.x86.avx2.pmadd.wd"
func.func private @no_room(%sum: memref<16xi32>, %codes: memref<64xi8>, %x: memref<64xi8>) {
  %zero = arith.constant 0 : index
  %s = vector.load %sum[%zero] : memref<16xi32>, vector<16xi32>
  %w = vector.load %codes[%zero] : memref<64xi8>, vector<64xi8>
  %a = vector.load %x[%zero] : memref<64xi8>, vector<64xi8>
  %t = pack.dot4 %s, %w, %a {range = 128} : vector<16xi32>, vector<64xi8>
  %y = pack.dot4 %t, %w, %a {range = 128} : vector<16xi32>, vector<64xi8>
  vector.store %y, %sum[%zero] : memref<16xi32>, vector<16xi32>
  return
}
}

// -----

// Two quads of codes up to 64 just fit: 2 * 2 * 127 * 64 = 32512.
module attributes {rt.level = "avx2"} {
// CHECK-LABEL: @room_for_two
// CHECK-COUNT-2: "llvm.x86.avx2.pmadd.wd"
// CHECK-NOT: "llvm.x86.avx2.pmadd.wd"
func.func private @room_for_two(%sum: memref<16xi32>, %codes: memref<64xi8>, %x: memref<64xi8>) {
  %zero = arith.constant 0 : index
  %s = vector.load %sum[%zero] : memref<16xi32>, vector<16xi32>
  %w = vector.load %codes[%zero] : memref<64xi8>, vector<64xi8>
  %a = vector.load %x[%zero] : memref<64xi8>, vector<64xi8>
  %t = pack.dot4 %s, %w, %a {range = 64} : vector<16xi32>, vector<64xi8>
  %y = pack.dot4 %t, %w, %a {range = 64} : vector<16xi32>, vector<64xi8>
  vector.store %y, %sum[%zero] : memref<16xi32>, vector<16xi32>
  return
}
}

// -----

// sdot has two signed operands: unsigned codes up to 127 are such as they are.
module attributes {rt.level = "neon"} {
// CHECK-LABEL: @sdot
// CHECK-COUNT-4: "llvm.aarch64.neon.sdot"{{.*}} : (vector<4xi32>, vector<16xi8>, vector<16xi8>) -> vector<4xi32>
// CHECK-NOT: pack.dot4
func.func private @sdot(%sum: memref<16xi32>, %codes: memref<64xi8>, %x: memref<64xi8>) {
  %zero = arith.constant 0 : index
  %s = vector.load %sum[%zero] : memref<16xi32>, vector<16xi32>
  %w = vector.load %codes[%zero] : memref<64xi8>, vector<64xi8>
  %a = vector.load %x[%zero] : memref<64xi8>, vector<64xi8>
  %y = pack.dot4 %s, %w, %a {range = 127} : vector<16xi32>, vector<64xi8>
  vector.store %y, %sum[%zero] : memref<16xi32>, vector<16xi32>
  return
}
}

// -----

// Bytes above 127 would change their sign: they are left alone.
module attributes {rt.level = "neon"} {
// CHECK-LABEL: @too_large
// CHECK: pack.dot4
func.func private @too_large(%sum: memref<16xi32>, %codes: memref<64xi8>, %x: memref<64xi8>) {
  %zero = arith.constant 0 : index
  %s = vector.load %sum[%zero] : memref<16xi32>, vector<16xi32>
  %w = vector.load %codes[%zero] : memref<64xi8>, vector<64xi8>
  %a = vector.load %x[%zero] : memref<64xi8>, vector<64xi8>
  %y = pack.dot4 %s, %w, %a {range = 128} : vector<16xi32>, vector<64xi8>
  vector.store %y, %sum[%zero] : memref<16xi32>, vector<16xi32>
  return
}
}

// -----

// usdot has an unsigned operand, for all bytes.
module attributes {rt.level = "armv8.6"} {
// CHECK-LABEL: @usdot
// CHECK-COUNT-4: "llvm.aarch64.neon.usdot"{{.*}} : (vector<4xi32>, vector<16xi8>, vector<16xi8>) -> vector<4xi32>
// CHECK-NOT: pack.dot4
func.func private @usdot(%sum: memref<16xi32>, %codes: memref<64xi8>, %x: memref<64xi8>) {
  %zero = arith.constant 0 : index
  %s = vector.load %sum[%zero] : memref<16xi32>, vector<16xi32>
  %w = vector.load %codes[%zero] : memref<64xi8>, vector<64xi8>
  %a = vector.load %x[%zero] : memref<64xi8>, vector<64xi8>
  %y = pack.dot4 %s, %w, %a {range = 255} : vector<16xi32>, vector<64xi8>
  vector.store %y, %sum[%zero] : memref<16xi32>, vector<16xi32>
  return
}
}

// -----

module attributes {rt.level = "neon"} {
// CHECK-LABEL: @lookup128
// CHECK-COUNT-4: "llvm.aarch64.neon.tbl1"
func.func private @lookup128(%codes: memref<64xi8>) {
  %zero = arith.constant 0 : index
  %w = vector.load %codes[%zero] : memref<64xi8>, vector<64xi8>
  %v = pack.lookup %w in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15] : vector<64xi8>
  vector.store %v, %codes[%zero] : memref<64xi8>, vector<64xi8>
  return
}
}

// -----

// A table of 16 entries is one shuffle of bytes for each vector of the level.
module attributes {rt.level = "avx512vnni"} {
// CHECK-LABEL: @lookup512
// CHECK-COUNT-1: "llvm.x86.avx512.pshuf.b.512"
func.func private @lookup512(%codes: memref<64xi8>) {
  %zero = arith.constant 0 : index
  %w = vector.load %codes[%zero] : memref<64xi8>, vector<64xi8>
  %v = pack.lookup %w in [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113] : vector<64xi8>
  vector.store %v, %codes[%zero] : memref<64xi8>, vector<64xi8>
  return
}
}

// -----

module attributes {rt.level = "avx2"} {
// CHECK-LABEL: @lookup256
// CHECK-COUNT-2: "llvm.x86.avx2.pshuf.b"
func.func private @lookup256(%codes: memref<64xi8>) {
  %zero = arith.constant 0 : index
  %w = vector.load %codes[%zero] : memref<64xi8>, vector<64xi8>
  %v = pack.lookup %w in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15] : vector<64xi8>
  vector.store %v, %codes[%zero] : memref<64xi8>, vector<64xi8>
  return
}
}
