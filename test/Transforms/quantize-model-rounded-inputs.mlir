// RUN: quant-opt %s --quantize-model --lowbit-verify-quantized | FileCheck %s
// RUN: quant-opt %s --quantize-model=activations=f32 | FileCheck %s

// Activations that the model itself rounds: their codes meet weights of
// integers, whatever the option says of others.

#ternary = #lowbit.scheme<ternary, tensor divisor f32>
#wide = #lowbit.scheme<u4 offset 8, group 64 scale f16>
#real = #lowbit.scheme<f16>
#row = #lowbit.scheme<s8, row divisor f32>
#groups = #lowbit.scheme<s8, group 32 scale f32>
#zero = #lowbit.scheme<s8, row scale f32 zero s8>

// CHECK-LABEL: func @shared
func.func @shared(%x: tensor<?x128xf32>) -> (tensor<?x96xf32>, tensor<?x96xf32>) {
  // CHECK-NOT: lowbit.fake_quant
  // CHECK: %[[Q:.*]] = lowbit.quantize %arg0 by #{{.*}} : tensor<?x128xf32> -> <?x128, #{{.*}}>
  // CHECK-NOT: lowbit.quantize
  // CHECK: lowbit.linear %[[Q]],
  // CHECK: lowbit.linear %[[Q]],
  %v = lm.weight "v" : !lowbit.tensor<96x128, #ternary>
  %w = lm.weight "w" : !lowbit.tensor<96x128, #wide>
  %r = lowbit.fake_quant %x by <absmax reach 127.0 least 1.0e-05, multiply, clamp -128 127> in #row : tensor<?x128xf32>
  %y = lm.linear %r, %v : tensor<?x128xf32>, !lowbit.tensor<96x128, #ternary> -> tensor<?x96xf32>
  %z = lm.linear %r, %w : tensor<?x128xf32>, !lowbit.tensor<96x128, #wide> -> tensor<?x96xf32>
  return %y, %z : tensor<?x96xf32>, tensor<?x96xf32>
}

// Weights of reals, groups that do not cover the weight's, zero points, codes
// of -128: the rounded reals.
// CHECK-LABEL: func @reals
func.func @reals(%x: tensor<?x128xf32>) -> tensor<?x128xf32> {
  // CHECK-NOT: lowbit.quantize
  // CHECK: %[[A:.*]] = lowbit.fake_quant
  // CHECK: %[[B:.*]] = lowbit.fake_quant
  // CHECK: lowbit.linear %[[A]],
  // CHECK: lowbit.linear %[[B]],
  // CHECK: %[[C:.*]] = lowbit.fake_quant
  // CHECK: lowbit.linear %[[C]],
  // CHECK: %[[D:.*]] = lowbit.fake_quant
  // CHECK: lowbit.linear %[[D]],
  %ternary = lm.weight "t" : !lowbit.tensor<96x128, #ternary>
  %wide = lm.weight "w" : !lowbit.tensor<96x96, #wide>
  %real = lm.weight "r" : !lowbit.tensor<128x96, #real>
  %a = lowbit.fake_quant %x by <minmax, multiply> in #zero : tensor<?x128xf32>
  %b = lowbit.fake_quant %x by <absmax reach 127.5, multiply> in <s8, row scale f32> : tensor<?x128xf32>
  %c = lm.linear %a, %ternary : tensor<?x128xf32>, !lowbit.tensor<96x128, #ternary> -> tensor<?x96xf32>
  %d = lm.linear %b, %ternary : tensor<?x128xf32>, !lowbit.tensor<96x128, #ternary> -> tensor<?x96xf32>
  %s = lm.add %c, %d : tensor<?x96xf32>
  %e = lowbit.fake_quant %s by <absmax reach 127.0, multiply> in #groups : tensor<?x96xf32>
  %f = lm.linear %e, %wide : tensor<?x96xf32>, !lowbit.tensor<96x96, #wide> -> tensor<?x96xf32>
  %g = lowbit.fake_quant %f by <absmax reach 127.0, multiply> in #row : tensor<?x96xf32>
  %h = lm.linear %g, %real : tensor<?x96xf32>, !lowbit.tensor<128x96, #real> -> tensor<?x128xf32>
  return %h : tensor<?x128xf32>
}
