// RUN: quant-opt %s --convert-rt-to-llvm --split-input-file | FileCheck %s

// Offsets are those of qrt_frame in runtime/include/quantrt/abi.h.
module attributes {rt.level = "avx512vnni"} {
// CHECK-LABEL: func @entry
// CHECK-SAME: !llvm.ptr
func.func @entry(%frame: !rt.frame, %worker: index, %workers: index) attributes {rt.arena = array<i64: 4096, 256>} {
  %zero = arith.constant 0 : index
  // weights, then entry 3 of the table
  // CHECK: llvm.load %{{.*}} : !llvm.ptr -> !llvm.ptr
  // CHECK: llvm.getelementptr %{{.*}}[24]
  %w = rt.weight %frame[3] : memref<16xf32>
  // scratch + 4096 + worker * 256 + 64
  // CHECK: llvm.getelementptr %{{.*}}[8]
  // CHECK: llvm.mlir.constant(256 : i64)
  // CHECK: llvm.mlir.constant(4160 : i64)
  %s = rt.scratch %frame[64] private %worker : memref<16xf32>
  %v = vector.load %w[%zero] : memref<16xf32>, vector<16xf32>
  vector.store %v, %s[%zero] : memref<16xf32>, vector<16xf32>
  // host->barrier, called with the team and the worker
  // CHECK: llvm.call %{{.*}}(%{{.*}}, %{{.*}}) : !llvm.ptr, (!llvm.ptr, i32) -> ()
  rt.barrier %frame, %worker
  // host->mark, with the team, the worker and the region
  // CHECK: llvm.mlir.constant(7 : i32)
  // CHECK: llvm.getelementptr %{{.*}}[16]
  // CHECK: llvm.call %{{.*}}(%{{.*}}, %{{.*}}, %{{.*}}) : !llvm.ptr, (!llvm.ptr, i32, i32) -> ()
  rt.mark %frame[7], %worker
  return
}
}

// -----

// One instruction with VNNI.
module attributes {rt.level = "avx512vnni"} {
// CHECK-LABEL: func private @dot
// CHECK: vpdpbusd
func.func private @dot(%sum: memref<16xi32>, %codes: memref<64xi8>, %x: memref<64xi8>) {
  %zero = arith.constant 0 : index
  %s = vector.load %sum[%zero] : memref<16xi32>, vector<16xi32>
  %w = vector.load %codes[%zero] : memref<64xi8>, vector<64xi8>
  %a = vector.load %x[%zero] : memref<64xi8>, vector<64xi8>
  %y = pack.dot4 %s, %w, %a {range = 15} : vector<16xi32>, vector<64xi8>
  vector.store %y, %sum[%zero] : memref<16xi32>, vector<16xi32>
  return
}
}

// -----

// Pairs of bytes, then of words, without it; 256 bits at a time.
module attributes {rt.level = "avx2"} {
// CHECK-LABEL: func private @dot
// CHECK-COUNT-2: pmadd.ub.sw
func.func private @dot(%sum: memref<16xi32>, %codes: memref<64xi8>, %x: memref<64xi8>) {
  %zero = arith.constant 0 : index
  %s = vector.load %sum[%zero] : memref<16xi32>, vector<16xi32>
  %w = vector.load %codes[%zero] : memref<64xi8>, vector<64xi8>
  %a = vector.load %x[%zero] : memref<64xi8>, vector<64xi8>
  %y = pack.dot4 %s, %w, %a {range = 15} : vector<16xi32>, vector<64xi8>
  vector.store %y, %sum[%zero] : memref<16xi32>, vector<16xi32>
  return
}
}
