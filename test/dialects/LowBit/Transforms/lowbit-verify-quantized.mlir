// RUN: quant-opt %s --lowbit-verify-quantized | FileCheck %s
// What the quantize stage makes passes, unchanged.

#q4 = #lowbit.scheme<u4 offset 8, group 32 scale f16>
#a8 = #lowbit.scheme<s8, group 32 scale f32>

// CHECK-LABEL: func @codes
func.func @codes(%x: tensor<?x64xf32>) -> tensor<?x96xf32> {
  %w = lm.weight "w" : !lowbit.tensor<96x64, #q4>
  // CHECK: lowbit.quantize
  %q = lowbit.quantize %x : tensor<?x64xf32> -> !lowbit.tensor<?x64, #a8>
  // CHECK: lowbit.linear
  %y = lowbit.linear %q, %w : !lowbit.tensor<?x64, #a8>, !lowbit.tensor<96x64, #q4> -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}

// CHECK-LABEL: func @reals
func.func @reals(%x: tensor<?x64xf32>, %tokens: tensor<?xi32>) -> (tensor<?x96xf32>, tensor<?x64xf32>) {
  %w = lm.weight "w" : !lowbit.tensor<96x64, #q4>
  // CHECK: lowbit.linear
  %y = lowbit.linear %x, %w : tensor<?x64xf32>, !lowbit.tensor<96x64, #q4> -> tensor<?x96xf32>
  // CHECK: lowbit.embed
  %e = lowbit.embed %tokens, %w {scale = 1.0 : f32}
     : tensor<?xi32>, !lowbit.tensor<96x64, #q4> -> tensor<?x64xf32>
  return %y, %e : tensor<?x96xf32>, tensor<?x64xf32>
}

// One permutation by two names of one weight.
// CHECK-LABEL: func @permuted
func.func @permuted(%x: tensor<?x64xf32>) -> tensor<?x96xf32> {
  %p = lm.weight "p" : tensor<64xi32>
  %same = lm.weight "p" : tensor<64xi32>
  %w = lm.weight "w" permuted %p : !lowbit.tensor<96x64, #q4, permuted>, tensor<64xi32>
  %q = lowbit.quantize %x permuted %same : tensor<?x64xf32>, tensor<64xi32> -> !lowbit.tensor<?x64, #a8, permuted>
  // CHECK: lowbit.linear
  %y = lowbit.linear %q, %w
     : !lowbit.tensor<?x64, #a8, permuted>, !lowbit.tensor<96x64, #q4, permuted> -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}
