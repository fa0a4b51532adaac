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

// -----

// One instruction for both products of a lane.
module attributes {rt.level = "avx512bf16"} {
// CHECK-LABEL: @pairs
// CHECK-COUNT-1: "llvm.x86.avx512bf16.dpbf16ps.512"{{.*}} : (vector<16xf32>, vector<32xbf16>, vector<32xbf16>) -> vector<16xf32>
// CHECK-NOT: pack.dot2
func.func private @pairs(%sum: memref<16xf32>, %weights: memref<32xbf16>, %x: memref<32xbf16>) {
  %zero = arith.constant 0 : index
  %s = vector.load %sum[%zero] : memref<16xf32>, vector<16xf32>
  %w = vector.load %weights[%zero] : memref<32xbf16>, vector<32xbf16>
  %a = vector.load %x[%zero] : memref<32xbf16>, vector<32xbf16>
  %y = pack.dot2 %s, %w, %a : vector<16xf32>, vector<32xbf16>
  vector.store %y, %sum[%zero] : memref<16xf32>, vector<16xf32>
  return
}
// CHECK-LABEL: @words
// CHECK: "llvm.x86.avx512.permvar.hi.512"
func.func private @words(%codes: memref<32xi16>) {
  %zero = arith.constant 0 : index
  %i = vector.load %codes[%zero] : memref<32xi16>, vector<32xi16>
  %v = pack.lookup_words %i in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
                                16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31] : vector<32xi16>
  vector.store %v, %codes[%zero] : memref<32xi16>, vector<32xi16>
  return
}
}

// -----

// Without it the lower halves are shifted to f32, the upper ones masked.
module attributes {rt.level = "avx512vnni"} {
// CHECK-LABEL: @widened
// CHECK-DAG: %[[MASK:.*]] = arith.constant dense<-65536> : vector<16xi32>
// CHECK-DAG: %[[UP:.*]] = arith.constant dense<16> : vector<16xi32>
// CHECK-COUNT-2: arith.shli %{{.*}}, %[[UP]]
// CHECK: math.fma
// CHECK-COUNT-2: arith.andi %{{.*}}, %[[MASK]]
// CHECK: math.fma
// CHECK-NOT: pack.dot2
func.func private @widened(%sum: memref<16xf32>, %weights: memref<32xbf16>, %x: memref<32xbf16>) {
  %zero = arith.constant 0 : index
  %s = vector.load %sum[%zero] : memref<16xf32>, vector<16xf32>
  %w = vector.load %weights[%zero] : memref<32xbf16>, vector<32xbf16>
  %a = vector.load %x[%zero] : memref<32xbf16>, vector<32xbf16>
  %y = pack.dot2 %s, %w, %a : vector<16xf32>, vector<32xbf16>
  vector.store %y, %sum[%zero] : memref<16xf32>, vector<16xf32>
  return
}
}

// -----

// Signs times signs: the bits that differ, counted by one instruction.
module attributes {rt.level = "avx512bf16"} {
// CHECK-LABEL: @count_words
// CHECK-SAME: (%[[SUMS:.*]]: memref<16xi32>, %[[CODES:.*]]: memref<16xi32>, %[[X:.*]]: memref<16xi32>)
// CHECK: %[[SUM:.*]] = vector.load %[[SUMS]]
// CHECK: %[[W:.*]] = vector.load %[[CODES]]
// CHECK: %[[A:.*]] = vector.load %[[X]]
// CHECK: %[[XOR:.*]] = arith.xori %[[W]], %[[A]] : vector<16xi32>
// CHECK: %[[COUNT:.*]] = math.ctpop %[[XOR]] : vector<16xi32>
// CHECK: arith.addi %[[SUM]], %[[COUNT]]
// CHECK-NOT: pack.xor_popcount
func.func private @count_words(%sum: memref<16xi32>, %codes: memref<16xi32>, %x: memref<16xi32>) {
  %zero = arith.constant 0 : index
  %s = vector.load %sum[%zero] : memref<16xi32>, vector<16xi32>
  %w = vector.load %codes[%zero] : memref<16xi32>, vector<16xi32>
  %a = vector.load %x[%zero] : memref<16xi32>, vector<16xi32>
  %y = pack.xor_popcount %s, %w, %a : vector<16xi32>
  vector.store %y, %sum[%zero] : memref<16xi32>, vector<16xi32>
  return
}
}

// -----

// Without it bytes are counted; those of a chain are summed before their lanes.
module attributes {rt.level = "avxvnni"} {
// CHECK-LABEL: @count_bytes
// CHECK-COUNT-3: math.ctpop %{{.*}} : vector<64xi8>
// CHECK-COUNT-2: "llvm.x86.avx512.vpdpbusd.256"
// CHECK-NOT: vpdpbusd
// CHECK-NOT: pack.xor_popcount
func.func private @count_bytes(%sum: memref<16xi32>, %codes: memref<16xi32>, %x: memref<16xi32>) {
  %zero = arith.constant 0 : index
  %s = vector.load %sum[%zero] : memref<16xi32>, vector<16xi32>
  %w = vector.load %codes[%zero] : memref<16xi32>, vector<16xi32>
  %a = vector.load %x[%zero] : memref<16xi32>, vector<16xi32>
  %t = pack.xor_popcount %s, %w, %a : vector<16xi32>
  %u = pack.xor_popcount %t, %a, %a : vector<16xi32>
  %y = pack.xor_popcount %u, %w, %w : vector<16xi32>
  vector.store %y, %sum[%zero] : memref<16xi32>, vector<16xi32>
  return
}
}

// -----

// Three words are two, of bits that count once and twice, by two instructions.
module attributes {rt.level = "avx512vnni"} {
// CHECK-LABEL: @add_bits
// CHECK-DAG: %[[ODD:.*]] = arith.constant 150 : i32
// CHECK-DAG: %[[TWO:.*]] = arith.constant 232 : i32
// CHECK-DAG: arith.constant dense<2> : vector<64xi8>
// CHECK-DAG: "llvm.x86.avx512.pternlog.d.512"(%{{.*}}, %{{.*}}, %{{.*}}, %[[ODD]])
// CHECK-DAG: "llvm.x86.avx512.pternlog.d.512"(%{{.*}}, %{{.*}}, %{{.*}}, %[[TWO]])
// CHECK-COUNT-2: "llvm.x86.avx512.vpdpbusd.512"
// CHECK-NOT: vpdpbusd
// CHECK-NOT: pack.xor_popcount
func.func private @add_bits(%sum: memref<16xi32>, %codes: memref<16xi32>, %x: memref<16xi32>) {
  %zero = arith.constant 0 : index
  %s = vector.load %sum[%zero] : memref<16xi32>, vector<16xi32>
  %w = vector.load %codes[%zero] : memref<16xi32>, vector<16xi32>
  %a = vector.load %x[%zero] : memref<16xi32>, vector<16xi32>
  %t = pack.xor_popcount %s, %w, %a : vector<16xi32>
  %u = pack.xor_popcount %t, %a, %s : vector<16xi32>
  %y = pack.xor_popcount %u, %w, %s : vector<16xi32>
  vector.store %y, %sum[%zero] : memref<16xi32>, vector<16xi32>
  return
}
}

// -----

module attributes {rt.level = "neon"} {
// CHECK-LABEL: @count_and_sdot
// CHECK: math.ctpop %{{.*}} : vector<64xi8>
// CHECK-COUNT-4: "llvm.aarch64.neon.sdot"
// CHECK-NOT: pack.xor_popcount
func.func private @count_and_sdot(%sum: memref<16xi32>, %codes: memref<16xi32>, %x: memref<16xi32>) {
  %zero = arith.constant 0 : index
  %s = vector.load %sum[%zero] : memref<16xi32>, vector<16xi32>
  %w = vector.load %codes[%zero] : memref<16xi32>, vector<16xi32>
  %a = vector.load %x[%zero] : memref<16xi32>, vector<16xi32>
  %y = pack.xor_popcount %s, %w, %a : vector<16xi32>
  vector.store %y, %sum[%zero] : memref<16xi32>, vector<16xi32>
  return
}
}
