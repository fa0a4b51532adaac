// RUN: quant-opt %s --lm-rotate-inputs | FileCheck %s
// RUN: quant-opt %s --lm-rotate-inputs=match=none | FileCheck %s --check-prefix=NONE

// Layers that read one input share its rotation; 96 is 3 x 32.
// CHECK-LABEL: func @shared
// NONE-NOT: lm.rotate
func.func @shared(%x: tensor<?x96xf32>) -> (tensor<?x64xf32>, tensor<?x8xf32>) {
  // CHECK: %[[X:.*]] = lm.rotate columns %arg0 {block = 32 : i64} : tensor<?x96xf32>
  // CHECK: %[[A:.*]] = lm.weight "a"
  %a = lm.weight "a" : !lowbit.tensor<64x96, #lowbit.scheme<bf16>>
  %b = lm.weight "b" : tensor<8x96xf32>
  // CHECK: %[[R:.*]] = lm.rotate columns %[[A]] {block = 32 : i64} : !lowbit.tensor<64x96, {{.*}}> -> tensor<64x96xf32>
  // CHECK: lm.linear %[[X]], %[[R]]
  %y = lm.linear %x, %a : tensor<?x96xf32>, !lowbit.tensor<64x96, #lowbit.scheme<bf16>> -> tensor<?x64xf32>
  // CHECK: lm.linear %[[X]], %{{.*}}
  %z = lm.linear %x, %b : tensor<?x96xf32>, tensor<8x96xf32> -> tensor<?x8xf32>
  return %y, %z : tensor<?x64xf32>, tensor<?x8xf32>
}

// Behind attention no block is longer than a head.
// CHECK-LABEL: func @heads
func.func @heads(%q: tensor<4x64xf32>) -> tensor<4x8xf32> {
  %w = lm.weight "w" : tensor<8x64xf32>
  %a = lm.attention %q, %q, %q {head_dim = 16, scale = 1.0 : f32} : tensor<4x64xf32>, tensor<4x64xf32>
  // CHECK: lm.rotate columns %{{.*}} {block = 16 : i64} : tensor<4x64xf32>
  %y = lm.linear %a, %w : tensor<4x64xf32>, tensor<8x64xf32> -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// 576 = 36 * 16 is one block, of 368 = 23 * 16 the largest is a power of two.
// CHECK-LABEL: func @orders
func.func @orders(%x: tensor<?x576xf32>, %y: tensor<?x368xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %w = lm.weight "w576" : tensor<8x576xf32>
  %v = lm.weight "w368" : tensor<8x368xf32>
  // CHECK-DAG: lm.rotate columns %arg0 {block = 576 : i64}
  // CHECK-DAG: lm.rotate columns %arg1 {block = 16 : i64}
  %a = lm.linear %x, %w : tensor<?x576xf32>, tensor<8x576xf32> -> tensor<?x8xf32>
  %b = lm.linear %y, %v : tensor<?x368xf32>, tensor<8x368xf32> -> tensor<?x8xf32>
  return %a, %b : tensor<?x8xf32>, tensor<?x8xf32>
}

// A table that is also the head would be needed twice; odd columns have no block.
// CHECK-LABEL: func @left_alone
// CHECK-NOT: lm.rotate
func.func @left_alone(%ids: tensor<2xi32>, %odd: tensor<2x7xf32>) -> (tensor<2x8xf32>, tensor<2x3xf32>) {
  %t = lm.weight "t" : tensor<8x16xf32>
  %o = lm.weight "o" : tensor<3x7xf32>
  %x = lm.embed %ids, %t : tensor<2xi32>, tensor<8x16xf32> -> tensor<2x16xf32>
  %y = lm.linear %x, %t : tensor<2x16xf32>, tensor<8x16xf32> -> tensor<2x8xf32>
  %z = lm.linear %odd, %o : tensor<2x7xf32>, tensor<3x7xf32> -> tensor<2x3xf32>
  return %y, %z : tensor<2x8xf32>, tensor<2x3xf32>
}
