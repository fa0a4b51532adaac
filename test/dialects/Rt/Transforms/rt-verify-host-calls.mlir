// RUN: quant-opt %s --rt-verify-host-calls | FileCheck %s
// What the loops stage makes passes, unchanged.

// CHECK-LABEL: func private @copy
func.func private @copy(%from: memref<16xf32>, %to: memref<16xf32>) {
  %zero = arith.constant 0 : index
  %v = vector.load %from[%zero] : memref<16xf32>, vector<16xf32>
  vector.store %v, %to[%zero] : memref<16xf32>, vector<16xf32>
  return
}

// CHECK-LABEL: func @f
func.func @f(%frame: !rt.frame, %worker: index, %workers: index) {
  %x = rt.argument %frame[0] : memref<16xf32>
  %y = rt.argument %frame[1] : memref<16xf32>
  // CHECK: call @copy
  call @copy(%x, %y) : (memref<16xf32>, memref<16xf32>) -> ()
  return
}
