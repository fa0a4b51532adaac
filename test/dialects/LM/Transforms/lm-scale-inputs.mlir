// RUN: quant-opt %s --lm-scale-inputs --canonicalize | FileCheck %s

// CHECK-LABEL: func @norm
// CHECK-DAG: %[[F:.*]] = lm.weight "norm.factors" : tensor<64xf32>
// CHECK-DAG: %[[G:.*]] = lm.weight "norm"
// CHECK: %[[H:.*]] = lm.scale columns %[[G]], %[[F]] inverse
// CHECK: %[[X:.*]] = lm.rms_norm %arg0, %[[H]]
// CHECK: %[[A:.*]] = lm.scale columns %{{.*}}, %[[F]] : !lowbit.tensor<96x64, {{.*}}>, tensor<64xf32> -> tensor<96x64xf32>
// CHECK: lm.linear %[[X]], %[[A]]
// CHECK: lm.scale columns %{{.*}}, %[[F]] : tensor<8x64xf32>
func.func @norm(%y: tensor<?x64xf32>) -> (tensor<?x96xf32>, tensor<?x8xf32>) {
  %g = lm.weight "norm" : tensor<64xf32>
  %a = lm.weight "a" : !lowbit.tensor<96x64, #lowbit.scheme<bf16>>
  %b = lm.weight "b" : tensor<8x64xf32>
  %x = lm.rms_norm %y, %g {epsilon = 1.0e-5 : f32} : tensor<?x64xf32>, tensor<64xf32>
  %q = lm.linear %x, %a : tensor<?x64xf32>, !lowbit.tensor<96x64, #lowbit.scheme<bf16>> -> tensor<?x96xf32>
  %r = lm.linear %x, %b : tensor<?x64xf32>, tensor<8x64xf32> -> tensor<?x8xf32>
  return %q, %r : tensor<?x96xf32>, tensor<?x8xf32>
}

// What makes the product's input is the `up` of a gate: its rows are divided.
// CHECK-LABEL: func @gate
// CHECK-DAG: %[[F:.*]] = lm.weight "up.factors" : tensor<32xf32>
// CHECK-DAG: %[[U:.*]] = lm.weight "up" :
// CHECK: %[[V:.*]] = lm.scale rows %[[U]], %[[F]] inverse
// CHECK: lm.linear %arg0, %[[V]]
// CHECK: lm.scale columns %{{.*}}, %[[F]] : tensor<8x32xf32>
func.func @gate(%x: tensor<?x64xf32>) -> tensor<?x8xf32> {
  %u = lm.weight "up" : tensor<32x64xf32>
  %g = lm.weight "gate" : tensor<32x64xf32>
  %d = lm.weight "down" : tensor<8x32xf32>
  %a = lm.linear %x, %g : tensor<?x64xf32>, tensor<32x64xf32> -> tensor<?x32xf32>
  %b = lm.linear %x, %u : tensor<?x64xf32>, tensor<32x64xf32> -> tensor<?x32xf32>
  %h = lm.gate silu %a, %b : tensor<?x32xf32>
  %y = lm.linear %h, %d : tensor<?x32xf32>, tensor<8x32xf32> -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// Somebody else reads the norm; a head that is a table too; heads' norms.
// CHECK-LABEL: func @left_alone
// CHECK-NOT: lm.scale
func.func @left_alone(%y: tensor<2x64xf32>, %ids: tensor<2xi32>) -> (tensor<2x8xf32>, tensor<2x64xf32>, tensor<2x64xf32>, tensor<2x8xf32>) {
  %g = lm.weight "norm" : tensor<64xf32>
  %h = lm.weight "head_norm" : tensor<16xf32>
  %w = lm.weight "w" : tensor<8x64xf32>
  %v = lm.weight "v" : tensor<8x64xf32>
  %t = lm.weight "t" : tensor<64x64xf32>
  %x = lm.rms_norm %y, %g {epsilon = 1.0e-5 : f32} : tensor<2x64xf32>, tensor<64xf32>
  %a = lm.linear %x, %w : tensor<2x64xf32>, tensor<8x64xf32> -> tensor<2x8xf32>
  %e = lm.embed %ids, %t : tensor<2xi32>, tensor<64x64xf32> -> tensor<2x64xf32>
  %b = lm.linear %e, %t : tensor<2x64xf32>, tensor<64x64xf32> -> tensor<2x64xf32>
  %n = lm.rms_norm %y, %h {epsilon = 1.0e-5 : f32} : tensor<2x64xf32>, tensor<16xf32>
  %c = lm.linear %n, %v : tensor<2x64xf32>, tensor<8x64xf32> -> tensor<2x8xf32>
  return %a, %x, %b, %c : tensor<2x8xf32>, tensor<2x64xf32>, tensor<2x64xf32>, tensor<2x8xf32>
}
