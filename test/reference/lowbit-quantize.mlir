// RUN: quant-reference-test %s
// Numerics N2: scale = fl(a / 127), code = rn(fl(x * fl(127 / a))).

!s8 = !lowbit.tensor<1x6, #lowbit.scheme<s8, group 4 scale f32>>
func.func @groups_with_tail() {
  %x = arith.constant dense<[[127.0, -1.0, 0.4, 63.6, -254.0, 3.0]]> : tensor<1x6xf32>
  %q = lowbit.quantize %x : tensor<1x6xf32> -> !s8
  check.expect_codes %q, dense<[[127, -1, 0, 64, -127, 2]]> : tensor<1x6xi32> of !s8
  check.expect_field %q[0, 0], dense<[[1.0, 2.0]]> : tensor<1x2xf32> of !s8
  return
}

// 0.5, 1.5, 2.5 and -2.5 are ties: to even.
!tie = !lowbit.tensor<1x5, #lowbit.scheme<s8, row scale f32>>
func.func @ties_to_even() {
  %x = arith.constant dense<[[127.0, 0.5, 1.5, 2.5, -2.5]]> : tensor<1x5xf32>
  %q = lowbit.quantize %x : tensor<1x5xf32> -> !tie
  check.expect_codes %q, dense<[[127, 0, 2, 2, -2]]> : tensor<1x5xi32> of !tie
  return
}

!away = !lowbit.tensor<1x4, #lowbit.scheme<s8, row scale f32, round nearest_away>>
func.func @ties_away() {
  %x = arith.constant dense<[[127.0, 0.5, 2.5, -2.5]]> : tensor<1x4xf32>
  %q = lowbit.quantize %x : tensor<1x4xf32> -> !away
  check.expect_codes %q, dense<[[127, 1, 3, -3]]> : tensor<1x4xi32> of !away
  return
}

!zero = !lowbit.tensor<2x2, #lowbit.scheme<s8, row scale f32>>
func.func @zero_and_tiny_rows() {
  %x = arith.constant dense<[[0.0, -0.0], [1.0e-38, -1.0e-40]]> : tensor<2x2xf32>
  %q = lowbit.quantize %x : tensor<2x2xf32> -> !zero
  check.expect_codes %q, dense<0> : tensor<2x2xi32> of !zero
  check.expect_field %q[0, 0], dense<0.0> : tensor<2x1xf32> of !zero
  return
}

!s4 = !lowbit.tensor<1x3, #lowbit.scheme<s4, row scale f32>>
func.func @four_bits() {
  %x = arith.constant dense<[[-14.0, 3.0, 14.0]]> : tensor<1x3xf32>
  %q = lowbit.quantize %x : tensor<1x3xf32> -> !s4
  check.expect_codes %q, dense<[[-7, 2, 7]]> : tensor<1x3xi32> of !s4
  check.expect_field %q[0, 0], dense<2.0> : tensor<1x1xf32> of !s4
  return
}

// The scale reaches 4, the entries and signs are the nearest.
!vectors = !lowbit.tensor<1x8, #lowbit.scheme<u1 codebook 4 x11114210 signs, row scale f32>>
func.func @vectors_and_signs() {
  %x = arith.constant dense<[[8.0, -4.0, 2.2, 0.1, -2.0, 2.1, 1.9, -2.0]]> : tensor<1x8xf32>
  %q = lowbit.quantize %x : tensor<1x8xf32> -> !vectors
  check.expect_field %q[0, 0], dense<2.0> : tensor<1x1xf32> of !vectors
  check.expect_codes %q, dense<[[4, -2, 1, 0, -1, 1, 1, -1]]> : tensor<1x8xi32> of !vectors
  return
}

// The mean magnitude; both zeros are positive.
!sign = !lowbit.tensor<2x6, #lowbit.scheme<sign, group 4 scale f32>>
func.func @signs() {
  %x = arith.constant dense<[[1.0, -3.0, 0.0, -0.0, -0.5, 0.25],
                             [-8.0, 2.0, -2.0, 4.0, -0.0, -1.0e-40]]> : tensor<2x6xf32>
  %q = lowbit.quantize %x : tensor<2x6xf32> -> !sign
  check.expect_codes %q, dense<[[1, -1, 1, 1, -1, 1], [-1, 1, -1, 1, 1, -1]]> : tensor<2x6xi32> of !sign
  check.expect_field %q[0, 0], dense<[[1.0, 0.375], [4.0, 5.0e-41]]> : tensor<2x2xf32> of !sign
  return
}

// 2^24 and sixteen ones: every lane has one of them, and lane 0 loses its own.
!order = !lowbit.tensor<1x17, #lowbit.scheme<sign, row scale f32>>
func.func @order_of_magnitudes() {
  %x = arith.constant dense<[[16777216.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, -1.0]]> : tensor<1x17xf32>
  %q = lowbit.quantize %x : tensor<1x17xf32> -> !order
  // fl(16777230 / 17)
  check.expect_field %q[0, 0], dense<986895.875> : tensor<1x1xf32> of !order
  return
}

// Ties to even; denormals become zero.
!bf16 = !lowbit.tensor<1x4, #lowbit.scheme<bf16>>
func.func @bf16() {
  %x = arith.constant dense<[[1.00390625, 1.01171875, -1.0e-39, -3.0]]> : tensor<1x4xf32>
  %q = lowbit.quantize %x : tensor<1x4xf32> -> !bf16
  %y = lowbit.dequantize %q : !bf16 -> tensor<1x4xf32>
  check.expect_eq %y, dense<[[1.0, 1.015625, 0.0, -3.0]]> : tensor<1x4xf32>
  return
}
