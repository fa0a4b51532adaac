// RUN: quant-opt %s --lowbit-verify-quantized --split-input-file --verify-diagnostics

#q4 = #lowbit.scheme<u4 offset 8, group 32 scale f16>
func.func @v1_linear(%x: tensor<?x64xf32>) -> tensor<?x96xf32> {
  %w = lm.weight "w" : !lowbit.tensor<96x64, #q4>
  // expected-error @+1 {{on a low-bit weight: run quantize-model first}}
  %y = lm.linear %x, %w : tensor<?x64xf32>, !lowbit.tensor<96x64, #q4> -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}

// -----

#q4 = #lowbit.scheme<u4 offset 8, group 32 scale f16>
func.func @v1_embed(%tokens: tensor<?xi32>) -> tensor<?x64xf32> {
  %w = lm.weight "w" : !lowbit.tensor<96x64, #q4>
  // expected-error @+1 {{on a low-bit weight: run quantize-model first}}
  %x = lm.embed %tokens, %w : tensor<?xi32>, !lowbit.tensor<96x64, #q4> -> tensor<?x64xf32>
  return %x : tensor<?x64xf32>
}

// -----

#q4 = #lowbit.scheme<u4 offset 8, group 32 scale f16>
func.func @v2(%x: tensor<?x64xf32>, %w: !lowbit.tensor<96x64, #q4>) -> tensor<?x96xf32> {
  // expected-error @+1 {{weight must come from lm.weight}}
  %y = lowbit.linear %x, %w : tensor<?x64xf32>, !lowbit.tensor<96x64, #q4> -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}

// -----

#q4 = #lowbit.scheme<u4 offset 8, group 32 scale f16>
#a8 = #lowbit.scheme<s8, group 32 scale f32>
func.func @v3(%q: !lowbit.tensor<?x64, #a8>) -> tensor<?x96xf32> {
  %w = lm.weight "w" : !lowbit.tensor<96x64, #q4>
  // expected-error @+1 {{activations must come from lowbit.quantize}}
  %y = lowbit.linear %q, %w : !lowbit.tensor<?x64, #a8>, !lowbit.tensor<96x64, #q4> -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}

// -----

#q4 = #lowbit.scheme<u4 offset 8, group 32 scale f16>
func.func @v4(%x: tensor<?x64xf32>) -> tensor<?x96xf32> {
  // expected-error @+1 {{has a permutation exactly where its type is permuted}}
  %w = lm.weight "w" : !lowbit.tensor<96x64, #q4, permuted>
  %y = lowbit.linear %x, %w : tensor<?x64xf32>, !lowbit.tensor<96x64, #q4, permuted> -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}

// -----

func.func @v4_reals() -> tensor<96x64xf32> {
  %p = lm.weight "p" : tensor<64xi32>
  // expected-error @+1 {{has a permutation exactly where its type is permuted}}
  %w = lm.weight "w" permuted %p : tensor<96x64xf32>, tensor<64xi32>
  return %w : tensor<96x64xf32>
}

// -----

!w = !lowbit.tensor<96x64, #lowbit.scheme<u4 offset 8, group 32 scale f16>, permuted>
!q = !lowbit.tensor<?x64, #lowbit.scheme<s8, group 32 scale f32>, permuted>
func.func @v5(%x: tensor<?x64xf32>) -> tensor<?x96xf32> {
  %p = lm.weight "p" : tensor<64xi32>
  %r = lm.weight "r" : tensor<64xi32>
  %w = lm.weight "w" permuted %p : !w, tensor<64xi32>
  %q = lowbit.quantize %x permuted %r : tensor<?x64xf32>, tensor<64xi32> -> !q
  // expected-error @+1 {{activations must have the permutation of their weight}}
  %y = lowbit.linear %q, %w : !q, !w -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}

// -----

!w = !lowbit.tensor<96x64, #lowbit.scheme<u4 offset 8, group 32 scale f16>, permuted>
func.func @v6(%p: tensor<64xi32>) -> !w {
  // expected-error @+1 {{permutation must come from lm.weight or arith.constant}}
  %w = lm.weight "w" permuted %p : !w, tensor<64xi32>
  return %w : !w
}

// -----

!q = !lowbit.tensor<?x64, #lowbit.scheme<s8, group 32 scale f32>, permuted>
func.func @v6_activations(%x: tensor<?x64xf32>, %p: tensor<64xi32>) -> !q {
  // expected-error @+1 {{permutation must come from lm.weight or arith.constant}}
  %q = lowbit.quantize %x permuted %p : tensor<?x64xf32>, tensor<64xi32> -> !q
  return %q : !q
}
