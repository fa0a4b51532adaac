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

// -----

!x = !lowbit.tensor<3x64, #lowbit.scheme<s8, row scale f32 zero s8>>
func.func @zero_points(%x: tensor<3x64xf32>) -> tensor<3x96xf32> {
  %w = lm.weight "w" : !lowbit.tensor<96x64, #lowbit.scheme<s8, row scale f16>>
  %q = lowbit.quantize %x by <minmax, multiply> : tensor<3x64xf32> -> !x
  // expected-error@+1 {{activations have codes of `s8`, or by a quantizer of `s2` to `s8` under one f32 scale or divisor of the row or of groups, from absmax with a reach of at most 127, in f32}}
  %y = lowbit.linear %q, %w : !x, !lowbit.tensor<96x64, #lowbit.scheme<s8, row scale f16>> -> tensor<3x96xf32>
  return %y : tensor<3x96xf32>
}

// -----

!x = !lowbit.tensor<3x64, #lowbit.scheme<s8, row scale f32>>
func.func @reach(%x: tensor<3x64xf32>) -> tensor<3x96xf32> {
  %w = lm.weight "w" : !lowbit.tensor<96x64, #lowbit.scheme<s8, row scale f16>>
  %q = lowbit.quantize %x by <absmax reach 127.5, multiply> : tensor<3x64xf32> -> !x
  // expected-error@+1 {{activations have codes of `s8`, or by a quantizer of `s2` to `s8` under one f32 scale or divisor of the row or of groups, from absmax with a reach of at most 127, in f32}}
  %y = lowbit.linear %q, %w : !x, !lowbit.tensor<96x64, #lowbit.scheme<s8, row scale f16>> -> tensor<3x96xf32>
  return %y : tensor<3x96xf32>
}

// -----

!x = !lowbit.tensor<3x64, #lowbit.scheme<s4, row scale f32>>
func.func @fewer_bits(%x: tensor<3x64xf32>) -> tensor<3x96xf32> {
  %w = lm.weight "w" : !lowbit.tensor<96x64, #lowbit.scheme<s8, row scale f16>>
  %q = lowbit.quantize %x : tensor<3x64xf32> -> !x
  // expected-error@+1 {{activations have codes of `s8`, or by a quantizer of `s2` to `s8` under one f32 scale or divisor of the row or of groups, from absmax with a reach of at most 127, in f32}}
  %y = lowbit.linear %q, %w : !x, !lowbit.tensor<96x64, #lowbit.scheme<s8, row scale f16>> -> tensor<3x96xf32>
  return %y : tensor<3x96xf32>
}

// -----

!x = !lowbit.tensor<3x64, #lowbit.scheme<s8, tensor scale f32>>
func.func @of_the_tensor(%x: tensor<3x64xf32>) -> tensor<3x96xf32> {
  %w = lm.weight "w" : !lowbit.tensor<96x64, #lowbit.scheme<s8, row scale f16>>
  %q = lowbit.quantize %x by <absmax reach 127, multiply> : tensor<3x64xf32> -> !x
  // expected-error@+1 {{activations have codes of `s8`, or by a quantizer of `s2` to `s8` under one f32 scale or divisor of the row or of groups, from absmax with a reach of at most 127, in f32}}
  %y = lowbit.linear %q, %w : !x, !lowbit.tensor<96x64, #lowbit.scheme<s8, row scale f16>> -> tensor<3x96xf32>
  return %y : tensor<3x96xf32>
}

// -----

!x = !lowbit.tensor<3x64, #lowbit.scheme<s8, row divisor f32>>
func.func @divisor_without_quantizer(%x: tensor<3x64xf32>) -> tensor<3x96xf32> {
  %w = lm.weight "w" : !lowbit.tensor<96x64, #lowbit.scheme<s8, row scale f16>>
  %q = lowbit.quantize %x : tensor<3x64xf32> -> !x
  // expected-error@+1 {{activations have codes of `s8`, or by a quantizer of `s2` to `s8` under one f32 scale or divisor of the row or of groups, from absmax with a reach of at most 127, in f32}}
  %y = lowbit.linear %q, %w : !x, !lowbit.tensor<96x64, #lowbit.scheme<s8, row scale f16>> -> tensor<3x96xf32>
  return %y : tensor<3x96xf32>
}
