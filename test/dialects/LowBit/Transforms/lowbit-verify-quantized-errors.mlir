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
