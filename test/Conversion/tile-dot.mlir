// RUN: quant-opt %s --split-input-file --convert-rt-to-llvm | FileCheck %s

// Two blocks of 16 rows times two panels: weights are loaded once for both
// blocks, rows once for both panels. Activations are the signed operand.
module attributes {rt.level = "amx"} {
// CHECK-LABEL: @amx
// CHECK-DAG: %[[S16:.*]] = llvm.mlir.constant(16 : i16)
// CHECK-DAG: %[[S64:.*]] = llvm.mlir.constant(64 : i16)
// CHECK-DAG: %[[ROW:.*]] = llvm.mlir.constant(2304 : i64)
// CHECK-DAG: %[[TWO_PANELS:.*]] = llvm.mlir.constant(128 : i64)
// CHECK-COUNT-4: "llvm.x86.tilezero.internal"(%[[S16]], %[[S64]])
// CHECK: scf.for {{.*}} iter_args(%[[C0:.*]] = {{.*}}, %[[C1:.*]] = {{.*}}, %[[C2:.*]] = {{.*}}, %[[C3:.*]] = {{.*}})
// CHECK: %[[W0:.*]] = llvm.call_intrinsic "llvm.x86.tileloadd64.internal"(%[[S16]], %[[S64]], %{{.*}}, %[[TWO_PANELS]])
// CHECK: %[[W1:.*]] = llvm.call_intrinsic "llvm.x86.tileloadd64.internal"(%[[S16]], %[[S64]], %{{.*}}, %[[TWO_PANELS]])
// CHECK: %[[A0:.*]] = llvm.call_intrinsic "llvm.x86.tileloadd64.internal"(%[[S16]], %[[S64]], %{{.*}}, %[[ROW]])
// CHECK: "llvm.x86.tdpbsud.internal"(%[[S16]], %[[S64]], %[[S64]], %[[C0]], %[[A0]], %[[W0]])
// CHECK: "llvm.x86.tdpbsud.internal"(%[[S16]], %[[S64]], %[[S64]], %[[C1]], %[[A0]], %[[W1]])
// CHECK: %[[A1:.*]] = llvm.call_intrinsic "llvm.x86.tileloadd64.internal"(%[[S16]], %[[S64]], %{{.*}}, %[[ROW]])
// CHECK: "llvm.x86.tdpbsud.internal"(%[[S16]], %[[S64]], %[[S64]], %[[C2]], %[[A1]], %[[W0]])
// CHECK: "llvm.x86.tdpbsud.internal"(%[[S16]], %[[S64]], %[[S64]], %[[C3]], %[[A1]], %[[W1]])
// CHECK-COUNT-4: "llvm.x86.tilestored64.internal"(%[[S16]], %[[S64]], %{{.*}}, %[[TWO_PANELS]], %{{.*}})
// CHECK-NOT: pack.tile_dot
func.func @amx(%a: memref<256x2304xi8>, %work: memref<1x36864xi8>, %row: index, %k: index) {
  %zero = arith.constant 0 : index
  %place = arith.constant 4096 : index
  pack.tile_dot %a[%row, %k], %work[%zero] to %work[%place]
      {rows = 32, panels = 2, quads = 32, range = 255}
    : memref<256x2304xi8>, memref<1x36864xi8>, memref<1x36864xi8>
  return
}
}

// -----

// A group of 32 elements is half a tile, and no loop.
module attributes {rt.level = "amx"} {
// CHECK-LABEL: @half
// CHECK-DAG: %[[S8:.*]] = llvm.mlir.constant(8 : i16)
// CHECK-DAG: %[[S16:.*]] = llvm.mlir.constant(16 : i16)
// CHECK-DAG: %[[S32:.*]] = llvm.mlir.constant(32 : i16)
// CHECK-DAG: %[[S64:.*]] = llvm.mlir.constant(64 : i16)
// CHECK-NOT: scf.for
// CHECK: "llvm.x86.tileloadd64.internal"(%[[S8]], %[[S64]]
// CHECK: "llvm.x86.tileloadd64.internal"(%[[S16]], %[[S32]]
// CHECK: "llvm.x86.tdpbsud.internal"(%[[S16]], %[[S64]], %[[S32]]
func.func @half(%a: memref<256x2304xi8>, %work: memref<1x36864xi8>, %row: index, %k: index) {
  %zero = arith.constant 0 : index
  %place = arith.constant 4096 : index
  pack.tile_dot %a[%row, %k], %work[%zero] to %work[%place]
      {rows = 32, panels = 2, quads = 8, range = 15}
    : memref<256x2304xi8>, memref<1x36864xi8>, memref<1x36864xi8>
  return
}
}

// -----

// usmmla multiplies pairs of rows: two quads of two lanes, zipped, by 8
// activations of two rows; 16 for 4 rows of a panel. Sums are unzipped at the
// end.
module attributes {rt.level = "armv8.6"} {
// CHECK-LABEL: @i8mm
// CHECK: scf.for
// CHECK: vector.shuffle %{{.*}}, %{{.*}} [0, 4, 1, 5] : vector<4xi32>, vector<4xi32>
// CHECK: vector.shuffle %{{.*}}, %{{.*}} [2, 6, 3, 7] : vector<4xi32>, vector<4xi32>
// CHECK-COUNT-16: "llvm.aarch64.neon.usmmla"{{.*}} : (vector<4xi32>, vector<16xi8>, vector<16xi8>) -> vector<4xi32>
// CHECK-NOT: usmmla
// CHECK: scf.yield
// CHECK: vector.shuffle %{{.*}}, %{{.*}} [0, 2, 4, 6] : vector<4xi32>, vector<4xi32>
// CHECK: vector.shuffle %{{.*}}, %{{.*}} [1, 3, 5, 7] : vector<4xi32>, vector<4xi32>
func.func @i8mm(%a: memref<256x2304xi8>, %work: memref<1x36864xi8>, %row: index, %k: index) {
  %zero = arith.constant 0 : index
  %place = arith.constant 4096 : index
  pack.tile_dot %a[%row, %k], %work[%zero] to %work[%place]
      {rows = 4, panels = 1, quads = 32, range = 255}
    : memref<256x2304xi8>, memref<1x36864xi8>, memref<1x36864xi8>
  return
}
}

// -----

// Any other level: a loop of rows and quads.
module attributes {rt.level = "avx512vnni"} {
// CHECK-LABEL: @loop
// CHECK: scf.for
// CHECK: scf.for
// CHECK-COUNT-2: "llvm.x86.avx512.vpdpbusd.512"
// CHECK-NOT: vpdpbusd
func.func @loop(%a: memref<256x2304xi8>, %work: memref<1x36864xi8>, %row: index, %k: index) {
  %zero = arith.constant 0 : index
  %place = arith.constant 4096 : index
  pack.tile_dot %a[%row, %k], %work[%zero] to %work[%place]
      {rows = 32, panels = 2, quads = 8, range = 15}
    : memref<256x2304xi8>, memref<1x36864xi8>, memref<1x36864xi8>
  return
}
}
