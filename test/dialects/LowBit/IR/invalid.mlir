// RUN: quant-opt %s --split-input-file --verify-diagnostics

// expected-error@+1 {{a low-bit tensor has 2 dimensions, but got 1}}
func.func private @tensor_c1() -> !lowbit.tensor<64, #lowbit.scheme<s8, group 32 scale f32>>

// -----

// expected-error@+1 {{a low-bit tensor needs rows and static columns}}
func.func private @tensor_c2() -> !lowbit.tensor<8x?, #lowbit.scheme<s8, group 32 scale f32>>

// -----

!q = !lowbit.tensor<?x32, #lowbit.scheme<s8, group 32 scale f32>>
func.func @quantize_c1(%x: tensor<?x64xf32>) {
  // expected-error@+1 {{columns of the result: expected 64, but got 32}}
  %q = lowbit.quantize %x : tensor<?x64xf32> -> !q
  return
}

// -----

!q = !lowbit.tensor<3x64, #lowbit.scheme<s8, group 32 scale f32>>
func.func @quantize_c1_rows(%x: tensor<2x64xf32>) {
  // expected-error@+1 {{rows of the result: expected 2, but got 3}}
  %q = lowbit.quantize %x : tensor<2x64xf32> -> !q
  return
}

// -----

!q = !lowbit.tensor<2x64, #lowbit.scheme<f16>>
func.func @quantize_c2(%x: tensor<2x64xf32>) {
  // expected-error@+1 {{needs a scheme with codes or bf16, but got #lowbit.scheme<f16>}}
  %q = lowbit.quantize %x : tensor<2x64xf32> -> !q
  return
}

// -----

!q = !lowbit.tensor<2x64, #lowbit.scheme<s8, tensor scale f32>>
func.func @quantize_c3(%x: tensor<2x64xf32>) {
  // expected-error@+1 {{needs scales of rows or groups, but got #lowbit.scheme<s8, tensor scale f32>}}
  %q = lowbit.quantize %x : tensor<2x64xf32> -> !q
  return
}

// -----

!q = !lowbit.tensor<?x64, #lowbit.scheme<s8, group 32 scale f32>>
func.func @dequantize_c1(%q: !q) {
  // expected-error@+1 {{columns of the result: expected 64, but got 32}}
  %x = lowbit.dequantize %q : !q -> tensor<?x32xf32>
  return
}

// -----

!w = !lowbit.tensor<4x64, #lowbit.scheme<u4 offset 8, group 32 scale f16>>
func.func @linear_c1(%x: tensor<?x32xf32>, %w: !w) {
  // expected-error@+1 {{columns of the weight: expected 32, but got 64}}
  %y = lowbit.linear %x, %w : tensor<?x32xf32>, !w -> tensor<?x4xf32>
  return
}

// -----

!w = !lowbit.tensor<4x64, #lowbit.scheme<u4 offset 8, group 32 scale f16>>
func.func @linear_c2(%x: tensor<?x64xf32>, %w: !w) {
  // expected-error@+1 {{columns of the result: expected 4, but got 5}}
  %y = lowbit.linear %x, %w : tensor<?x64xf32>, !w -> tensor<?x5xf32>
  return
}

// -----

!w = !lowbit.tensor<4x64, #lowbit.scheme<u4 offset 8, group 32 scale f16>>
func.func @linear_c2_bias(%x: tensor<?x64xf32>, %w: !w, %b: tensor<5xf32>) {
  // expected-error@+1 {{elements of the bias: expected 4, but got 5}}
  %y = lowbit.linear %x, %w bias %b : tensor<?x64xf32>, !w, tensor<5xf32> -> tensor<?x4xf32>
  return
}

// -----

!w = !lowbit.tensor<4x64, #lowbit.scheme<u4 offset 8, group 32 scale f16>>
func.func @linear_c3(%x: tensor<2x64xf32>, %w: !w) {
  // expected-error@+1 {{rows of the result: expected 2, but got 3}}
  %y = lowbit.linear %x, %w : tensor<2x64xf32>, !w -> tensor<3x4xf32>
  return
}

// -----

!w = !lowbit.tensor<?x64, #lowbit.scheme<u4 offset 8, group 32 scale f16>>
func.func @linear_c3_weight(%x: tensor<2x64xf32>, %w: !w) {
  // expected-error@+1 {{weight must have a static number of rows}}
  %y = lowbit.linear %x, %w : tensor<2x64xf32>, !w -> tensor<2x4xf32>
  return
}

// -----

!w = !lowbit.tensor<96x64, #lowbit.scheme<s8, group 32 scale f16>>
func.func @embed_c1(%tokens: tensor<?xi32>, %table: !w) {
  // expected-error@+1 {{columns of the table: expected 32, but got 64}}
  %x = lowbit.embed %tokens, %table : tensor<?xi32>, !w -> tensor<?x32xf32>
  return
}

// -----

!w = !lowbit.tensor<96x64, #lowbit.scheme<s8, group 32 scale f16>>
func.func @embed_c1_embeddings(%tokens: tensor<?xi32>, %table: !w, %e: tensor<?x32xf32>) {
  // expected-error@+1 {{columns of the embeddings: expected 64, but got 32}}
  %x = lowbit.embed %tokens, %table else %e : tensor<?xi32>, !w, tensor<?x32xf32> -> tensor<?x64xf32>
  return
}

// -----

!w = !lowbit.tensor<96x64, #lowbit.scheme<s8, group 32 scale f16>>
func.func @embed_c2(%tokens: tensor<4xi32>, %table: !w) {
  // expected-error@+1 {{rows of the result: expected 4, but got 5}}
  %x = lowbit.embed %tokens, %table : tensor<4xi32>, !w -> tensor<5x64xf32>
  return
}

// -----

!w = !lowbit.tensor<96x64, #lowbit.scheme<s8, group 32 scale f16>>
func.func @embed_c2_embeddings(%tokens: tensor<4xi32>, %table: !w, %e: tensor<3x64xf32>) {
  // expected-error@+1 {{rows of the embeddings: expected 4, but got 3}}
  %x = lowbit.embed %tokens, %table else %e : tensor<4xi32>, !w, tensor<3x64xf32> -> tensor<4x64xf32>
  return
}

// -----

// expected-error@+1 {{invalid kind of attribute specified}}
func.func private @tensor_needs_scheme() -> !lowbit.tensor<8x64, 4 : i32>

// -----

// expected-error@+1 {{a codebook entry must be a number}}
func.func private @codebook_of_strings() attributes {s = #lowbit.scheme<u1 codebook ["a", "b"], row scale f32>}

// -----

!q = !lowbit.tensor<2x64, #lowbit.scheme<s8, group 32 scale f32>, permuted>
func.func @quantize_c4(%x: tensor<2x64xf32>) {
  // expected-error@+1 {{has a permutation exactly where the result is permuted}}
  %q = lowbit.quantize %x : tensor<2x64xf32> -> !q
  return
}

// -----

!q = !lowbit.tensor<2x64, #lowbit.scheme<s8, group 32 scale f32>>
func.func @quantize_c4_result(%x: tensor<2x64xf32>, %p: tensor<64xi32>) {
  // expected-error@+1 {{has a permutation exactly where the result is permuted}}
  %q = lowbit.quantize %x permuted %p : tensor<2x64xf32>, tensor<64xi32> -> !q
  return
}

// -----

!q = !lowbit.tensor<2x64, #lowbit.scheme<s8, group 32 scale f32>, permuted>
func.func @quantize_c4_length(%x: tensor<2x64xf32>, %p: tensor<63xi32>) {
  // expected-error@+1 {{elements of the permutation: expected 64, but got 63}}
  %q = lowbit.quantize %x permuted %p : tensor<2x64xf32>, tensor<63xi32> -> !q
  return
}

// -----

!q = !lowbit.tensor<2x64, #lowbit.scheme<s8, group 32 scale f32>>
!w = !lowbit.tensor<4x64, #lowbit.scheme<u4 offset 8, group 32 scale f16>, permuted>
func.func @linear_c4(%q: !q, %w: !w) {
  // expected-error@+1 {{activations are permuted exactly where the weight is}}
  %y = lowbit.linear %q, %w : !q, !w -> tensor<2x4xf32>
  return
}

// -----

// expected-error@+1 {{expected 'permuted'}}
func.func private @tensor_sorted() -> !lowbit.tensor<8x64, #lowbit.scheme<s8, group 32 scale f32>, sorted>

// -----

!q = !lowbit.tensor<?x64, #lowbit.scheme<s8, tensor scale f32>>
func.func @quantize_c3_dynamic(%x: tensor<?x64xf32>) {
  // expected-error@+1 {{needs a static number of rows for fields of the tensor, but got #lowbit.scheme<s8, tensor scale f32>}}
  %q = lowbit.quantize %x by <absmax reach 127> : tensor<?x64xf32> -> !q
  return
}

// -----

!q = !lowbit.tensor<2x64, #lowbit.scheme<s4, row scale f32>>
func.func @quantize_c5(%x: tensor<2x64xf32>) {
  // expected-error@+1 {{a clamp lies within the codes, expected -8 to 7, but got -9 to 7}}
  %q = lowbit.quantize %x by <absmax reach 7, clamp -9 7> : tensor<2x64xf32> -> !q
  return
}

// -----

!q = !lowbit.tensor<2x64, #lowbit.scheme<bf16>>
func.func @quantize_c5_floats(%x: tensor<2x64xf32>) {
  // expected-error@+1 {{a quantizer needs a scheme with codes}}
  %q = lowbit.quantize %x by <absmax reach 7> : tensor<2x64xf32> -> !q
  return
}

// -----

func.func @fake_quant_c1(%x: tensor<2x64xf32>) {
  // expected-error@+1 {{zero points are chosen from minmax, and from it alone}}
  %q = lowbit.fake_quant %x by <minmax> in <s4, row scale f32> : tensor<2x64xf32>
  return
}

// -----

func.func @fake_quant_c2_rows(%x: tensor<2x64xf32>, %s: tensor<3x2xf32>) {
  // expected-error@+1 {{rows of given fields: expected 2, but got 3}}
  %q = lowbit.fake_quant %x by <absmax reach 7> in <s4, group 32 scale f32>
       given %s : tensor<2x64xf32>, tensor<3x2xf32>
  return
}

// -----

func.func @fake_quant_c2_groups(%x: tensor<2x70xf32>, %s: tensor<2x3xf32>, %z: tensor<2x2xf32>) {
  // expected-error@+1 {{groups of given fields: expected 3, but got 2}}
  %q = lowbit.fake_quant %x by <minmax> in <s4, group 32 scale f32 zero s4>
       given %s zero %z : tensor<2x70xf32>, tensor<2x3xf32>, tensor<2x2xf32>
  return
}

// -----

func.func @fake_quant_c3(%x: tensor<2x64xf32>, %s: tensor<2x1xf32>) {
  // expected-error@+1 {{given fields belong to integer codes under one level with a scale and no minimum, but got #lowbit.scheme<s8, row divisor f32>}}
  %q = lowbit.fake_quant %x by <absmax reach 127> in <s8, row divisor f32>
       given %s : tensor<2x64xf32>, tensor<2x1xf32>
  return
}

// -----

func.func @fake_quant_c3_zero(%x: tensor<2x64xf32>, %s: tensor<2x1xf32>) {
  // expected-error@+1 {{given zero points belong to a scheme with zero points, but got #lowbit.scheme<s8, row scale f32>}}
  %q = lowbit.fake_quant %x by <absmax reach 127> in <s8, row scale f32>
       given %s zero %s : tensor<2x64xf32>, tensor<2x1xf32>, tensor<2x1xf32>
  return
}

// -----

func.func @fake_quant_c4(%x: tensor<?x64xf32>) {
  // expected-error@+1 {{needs a static number of rows for fields of the tensor}}
  %q = lowbit.fake_quant %x by <absmax reach 127> in <s8, tensor scale f32>
     : tensor<?x64xf32>
  return
}

// -----

func.func @observe_statistic(%x: tensor<2x64xf32>) {
  // expected-error@+2 {{to be one of: min, max, absmax, second_moment}}
  // expected-error@+1 {{failed to parse LowBit_StatisticAttr parameter}}
  %y = lowbit.observe %x as "x" median : tensor<2x64xf32>
  return
}
