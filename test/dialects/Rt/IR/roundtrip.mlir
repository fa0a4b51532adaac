// RUN: quant-opt %s --verify-roundtrip | FileCheck %s
// The example of every op's description, in the order of RtOps.td.

// CHECK-LABEL: func @weight(%{{.*}}: !rt.frame)
func.func @weight(%frame: !rt.frame) -> memref<36x5760xi8> {
  // CHECK: rt.weight %{{.*}}[3] : memref<36x5760xi8>
  %w = rt.weight %frame[3] : memref<36x5760xi8>
  return %w : memref<36x5760xi8>
}

// CHECK-LABEL: func @scratch
func.func @scratch(%frame: !rt.frame, %worker: index) -> (memref<256x576xf32>, memref<1x576xf32>) {
  // CHECK: rt.scratch %{{.*}}[4096] : memref<256x576xf32>
  %x = rt.scratch %frame[4096] : memref<256x576xf32>
  // CHECK: rt.scratch %{{.*}}[0] private %{{.*}} : memref<1x576xf32>
  %y = rt.scratch %frame[0] private %worker : memref<1x576xf32>
  return %x, %y : memref<256x576xf32>, memref<1x576xf32>
}

// CHECK-LABEL: func @argument
func.func @argument(%frame: !rt.frame) -> memref<1x784xf32> {
  // CHECK: rt.argument %{{.*}}[0] : memref<1x784xf32>
  %x = rt.argument %frame[0] : memref<1x784xf32>
  return %x : memref<1x784xf32>
}

// CHECK-LABEL: func @text
func.func @text(%frame: !rt.frame) -> memref<256xi32> {
  // CHECK: rt.text %{{.*}} "tokens" : memref<256xi32>
  %tokens = rt.text %frame "tokens" : memref<256xi32>
  return %tokens : memref<256xi32>
}

// CHECK-LABEL: func @text_size
func.func @text_size(%frame: !rt.frame) -> index {
  // CHECK: rt.text_size %{{.*}} "rows"
  %rows = rt.text_size %frame "rows"
  return %rows : index
}

// CHECK-LABEL: func @run
func.func @run(%frame: !rt.frame, %i: index) -> memref<1073741824xi32> {
  // CHECK: %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} = rt.run %{{.*}}, %{{.*}} : memref<1073741824xi32>
  %first, %count, %kv_length, %pages = rt.run %frame, %i : memref<1073741824xi32>
  return %pages : memref<1073741824xi32>
}

// CHECK-LABEL: func @barrier
func.func @barrier(%frame: !rt.frame, %worker: index) {
  // CHECK: rt.barrier %{{.*}}, %{{.*}}
  rt.barrier %frame, %worker
  return
}

// CHECK-LABEL: func @mark
func.func @mark(%frame: !rt.frame, %worker: index) {
  // CHECK: rt.mark %{{.*}}[2], %{{.*}}
  rt.mark %frame[2], %worker
  return
}
