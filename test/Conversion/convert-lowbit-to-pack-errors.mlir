// RUN: quant-opt %s --split-input-file --verify-diagnostics --convert-lowbit-to-pack

func.func @signs_meet_signs(%x: tensor<?x64xf32>) -> tensor<?x96xf32> {
  %w = lm.weight "w" : !lowbit.tensor<96x64, #lowbit.scheme<s8, row scale f16>>
  %q = lowbit.quantize %x : tensor<?x64xf32> -> !lowbit.tensor<?x64, #lowbit.scheme<sign, row scale f32>>
  // expected-error@+1 {{activations of 1 bit need a scale of the row, and signs in groups of whole words of 32 as weights}}
  %y = lowbit.linear %q, %w : !lowbit.tensor<?x64, #lowbit.scheme<sign, row scale f32>>, !lowbit.tensor<96x64, #lowbit.scheme<s8, row scale f16>> -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}

// -----

func.func @one_scale_for_a_row(%x: tensor<?x64xf32>) -> tensor<?x96xf32> {
  %w = lm.weight "w" : !lowbit.tensor<96x64, #lowbit.scheme<sign, group 32 scale f16>>
  %q = lowbit.quantize %x : tensor<?x64xf32> -> !lowbit.tensor<?x64, #lowbit.scheme<sign, group 32 scale f32>>
  // expected-error@+1 {{activations of 1 bit need a scale of the row}}
  %y = lowbit.linear %q, %w : !lowbit.tensor<?x64, #lowbit.scheme<sign, group 32 scale f32>>, !lowbit.tensor<96x64, #lowbit.scheme<sign, group 32 scale f16>> -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}
