// RUN: quant-opt %s '--lm-add-low-rank=weights=a=4,table=2' | FileCheck %s

// CHECK-LABEL: func @linear
// CHECK: %[[Y:.*]] = lm.linear %arg0, %{{.*}} : tensor<?x64xf32>, !lowbit.tensor<96x64, {{.*}}> -> tensor<?x96xf32>
// CHECK: %[[R:.*]] = lm.weight "a.right" : tensor<4x64xf32>
// CHECK: %[[H:.*]] = lm.linear %arg0, %[[R]] : tensor<?x64xf32>, tensor<4x64xf32> -> tensor<?x4xf32>
// CHECK: %[[L:.*]] = lm.weight "a.left" : tensor<96x4xf32>
// CHECK: %[[D:.*]] = lm.linear %[[H]], %[[L]] : tensor<?x4xf32>, tensor<96x4xf32> -> tensor<?x96xf32>
// CHECK: %[[Z:.*]] = lm.add %[[Y]], %[[D]] : tensor<?x96xf32>
// CHECK: %[[O:.*]] = lm.linear %arg0, %{{.*}} : tensor<?x64xf32>, tensor<8x64xf32> -> tensor<?x8xf32>
// CHECK: return %[[Z]], %[[O]]
func.func @linear(%x: tensor<?x64xf32>) -> (tensor<?x96xf32>, tensor<?x8xf32>) {
  %a = lm.weight "a" : !lowbit.tensor<96x64, #lowbit.scheme<bf16>>
  %b = lm.weight "b" : tensor<8x64xf32>
  %y = lm.linear %x, %a : tensor<?x64xf32>, !lowbit.tensor<96x64, #lowbit.scheme<bf16>> -> tensor<?x96xf32>
  %z = lm.linear %x, %b : tensor<?x64xf32>, tensor<8x64xf32> -> tensor<?x8xf32>
  return %y, %z : tensor<?x96xf32>, tensor<?x8xf32>
}

// A bias stays where it is; a lookup is no product.
// CHECK-LABEL: func @tied
// CHECK: %[[E:.*]] = lm.embed
// CHECK: %[[Y:.*]] = lm.linear %[[E]], %{{.*}} bias %{{.*}} :
// CHECK: lm.weight "table.right" : tensor<2x16xf32>
// CHECK: lm.weight "table.left" : tensor<32x2xf32>
// CHECK: %[[Z:.*]] = lm.add %[[Y]], %{{.*}} : tensor<?x32xf32>
// CHECK: return %[[Z]]
func.func @tied(%tokens: tensor<?xi32>) -> tensor<?x32xf32> {
  %t = lm.weight "table" : tensor<32x16xf32>
  %b = lm.weight "bias" : tensor<32xf32>
  %x = lm.embed %tokens, %t : tensor<?xi32>, tensor<32x16xf32> -> tensor<?x16xf32>
  %y = lm.linear %x, %t bias %b : tensor<?x16xf32>, tensor<32x16xf32>, tensor<32xf32> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
