// RUN: quant-reference-test %s
// Numerics N1: value = fl(fl(S (c - z)) + M).

!offset = !lowbit.tensor<1x4, #lowbit.scheme<u4 offset 8, group 2 scale f16>>
func.func @offset() {
  %q = check.low_bits dense<[[0, 15, 8, 9]]> : tensor<1x4xi32>, [dense<[[0.5, 2.0]]> : tensor<1x2xf32>] : !offset
  check.expect_codes %q, dense<[[-8, 7, 0, 1]]> : tensor<1x4xi32> of !offset
  %x = lowbit.dequantize %q : !offset -> tensor<1x4xf32>
  check.expect_eq %x, dense<[[-4.0, 3.5, 0.0, 2.0]]> : tensor<1x4xf32>
  return
}

!signed = !lowbit.tensor<1x2, #lowbit.scheme<s4, row scale f32>>
func.func @signed() {
  %q = check.low_bits dense<[[8, 7]]> : tensor<1x2xi32>, [dense<0.25> : tensor<1x1xf32>] : !signed
  %x = lowbit.dequantize %q : !signed -> tensor<1x2xf32>
  check.expect_eq %x, dense<[[-2.0, 1.75]]> : tensor<1x2xf32>
  return
}

!sign = !lowbit.tensor<2x2, #lowbit.scheme<sign, row scale f32>>
func.func @sign() {
  %q = check.low_bits dense<[[0, 1], [1, 1]]> : tensor<2x2xi32>, [dense<[[0.5], [3.0]]> : tensor<2x1xf32>] : !sign
  %x = lowbit.dequantize %q : !sign -> tensor<2x2xf32>
  check.expect_eq %x, dense<[[-0.5, 0.5], [3.0, 3.0]]> : tensor<2x2xf32>
  return
}

!codebook = !lowbit.tensor<1x4, #lowbit.scheme<u2 codebook [-1.0, -0.25, 0.25, 1.0], row scale f32>>
func.func @codebook() {
  %q = check.low_bits dense<[[3, 2, 1, 0]]> : tensor<1x4xi32>, [dense<4.0> : tensor<1x1xf32>] : !codebook
  %x = lowbit.dequantize %q : !codebook -> tensor<1x4xf32>
  check.expect_eq %x, dense<[[4.0, 1.0, -1.0, -4.0]]> : tensor<1x4xf32>
  return
}

// Entries of four values, a last vector of two; a sign for each value. The sign
// of a zero changes nothing.
!vectors = !lowbit.tensor<2x6, #lowbit.scheme<u1 codebook 4 x12345670 signs, row scale f32>>
func.func @vectors_and_signs() {
  %q = check.low_bits dense<[[1, 0], [0, 1]]> : tensor<2x2xi32>
       signs dense<[[0, 1, 0, 1, 0, 1], [1, 1, 0, 0, 0, 1]]> : tensor<2x6xi32>,
       [dense<[[0.5], [2.0]]> : tensor<2x1xf32>] : !vectors
  check.expect_codes %q, dense<[[5, -6, 7, 0, 1, -2], [-1, -2, 3, 4, 5, -6]]> : tensor<2x6xi32> of !vectors
  %x = lowbit.dequantize %q : !vectors -> tensor<2x6xf32>
  check.expect_eq %x, dense<[[2.5, -3.0, 3.5, 0.0, 0.5, -1.0], [-2.0, -4.0, 6.0, 8.0, 10.0, -12.0]]> : tensor<2x6xf32>
  return
}

// S (c + 0.125) where the bit is 0, S (c - 0.125) where it is 1.
!delta = !lowbit.tensor<1x8, #lowbit.scheme<u1 codebook 4 x10ff0f01, row scale f32, group 4 scale u3 delta 0.125>>
func.func @delta() {
  %q = check.low_bits dense<[[0, 1]]> : tensor<1x2xi32>,
       [dense<2.0> : tensor<1x1xf32>, dense<[[4.0, 2.0]]> : tensor<1x2xf32>,
        dense<[[0.0, 1.0]]> : tensor<1x2xf32>] : !delta
  %x = lowbit.dequantize %q : !delta -> tensor<1x8xf32>
  check.expect_eq %x, dense<[[9.0, 1.0, -7.0, -7.0, -0.5, -4.5, -0.5, 3.5]]> : tensor<1x8xf32>
  return
}

!min = !lowbit.tensor<1x2, #lowbit.scheme<u4, group 2 scale f16 min f16>>
func.func @minimum_is_added() {
  %q = check.low_bits dense<[[0, 15]]> : tensor<1x2xi32>,
       [dense<0.5> : tensor<1x1xf32>, dense<-3.0> : tensor<1x1xf32>] : !min
  %x = lowbit.dequantize %q : !min -> tensor<1x2xf32>
  check.expect_eq %x, dense<[[-3.0, 4.5]]> : tensor<1x2xf32>
  return
}

// S = d * sc and M = dmin * m, by super-block and block.
!nested = !lowbit.tensor<1x4, #lowbit.scheme<u4, group 4 scale f16 neg_min f16, group 2 scale u6 neg_min u6>>
func.func @nested_minimum_is_subtracted() {
  %q = check.low_bits dense<[[1, 2, 3, 4]]> : tensor<1x4xi32>,
       [dense<0.5> : tensor<1x1xf32>, dense<0.25> : tensor<1x1xf32>,
        dense<[[2.0, 63.0]]> : tensor<1x2xf32>, dense<[[4.0, 8.0]]> : tensor<1x2xf32>] : !nested
  %x = lowbit.dequantize %q : !nested -> tensor<1x4xf32>
  check.expect_eq %x, dense<[[0.0, 1.0, 92.5, 124.0]]> : tensor<1x4xf32>
  return
}

!zero = !lowbit.tensor<1x5, #lowbit.scheme<u5, group 4 scale f16 zero u5>>
func.func @zero_point_and_tail() {
  %q = check.low_bits dense<[[0, 31, 10, 11, 3]]> : tensor<1x5xi32>,
       [dense<[[0.5, 2.0]]> : tensor<1x2xf32>, dense<[[10.0, 1.0]]> : tensor<1x2xf32>] : !zero
  %x = lowbit.dequantize %q : !zero -> tensor<1x5xf32>
  check.expect_eq %x, dense<[[-5.0, 10.5, 0.0, 0.5, 4.0]]> : tensor<1x5xf32>
  return
}

// 1 + 2^-24 is a tie and rounds down to the even 1: two roundings, not one.
!round = !lowbit.tensor<1x1, #lowbit.scheme<u8, row scale f32 min f32>>
func.func @each_step_rounds() {
  %q = check.low_bits dense<3> : tensor<1x1xi32>,
       [dense<0.333333343> : tensor<1x1xf32>, dense<-1.0> : tensor<1x1xf32>] : !round
  %x = lowbit.dequantize %q : !round -> tensor<1x1xf32>
  check.expect_eq %x, dense<0.0> : tensor<1x1xf32>
  return
}
