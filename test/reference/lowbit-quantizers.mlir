// RUN: quant-reference-test %s
// Numerics N9: what lowbit.quantize makes by a quantizer.

!x = !lowbit.tensor<2x4, #lowbit.scheme<s8, row divisor f32>>
!w = !lowbit.tensor<2x4, #lowbit.scheme<ternary, tensor divisor f32>>
#activations = #lowbit.quantizer<absmax reach 127 least 1.0e-05, multiply, clamp -128 127>
#weights = #lowbit.quantizer<absmean reach 1 least 1.0e-05, multiply, clamp -1 1>

// BitLinear: ternary weights under the tensor's absolute mean, activations of 8
// bits by row.
func.func @bitlinear() {
  %x = arith.constant dense<[[127.0, 0.5, 1.5, -2.0], [0.0, 0.0, 254.0, -2.0]]> : tensor<2x4xf32>
  %w = arith.constant dense<[[0.5, -0.5, 1.5, -1.5], [0.75, 1.25, -2.0, 0.0]]> : tensor<2x4xf32>
  %qx = lowbit.quantize %x by #activations : tensor<2x4xf32> -> !x
  %qw = lowbit.quantize %w by #weights : tensor<2x4xf32> -> !w
  check.expect_codes %qx, dense<[[127, 0, 2, -2], [0, 0, 127, -1]]> : tensor<2x4xi32> of !x
  check.expect_field %qx[0, 0], dense<[[1.0], [0.5]]> : tensor<2x1xf32> of !x
  check.expect_codes %qw, dense<[[0, 0, 1, -1], [1, 1, -1, 0]]> : tensor<2x4xi32> of !w
  check.expect_field %qw[0, 0], dense<1.0> : tensor<2x1xf32> of !w
  %y = lowbit.linear %qx, %qw : !x, !w -> tensor<2x2xf32>
  check.expect_eq %y, dense<[[4.0, 125.0], [256.0, -254.0]]> : tensor<2x2xf32>
  return
}

// The same layer as it is trained: x + (q - x), both.
func.func @bitlinear_straight_through() {
  %x = arith.constant dense<[[127.0, 0.5, 1.5, -2.0], [0.0, 0.0, 254.0, -2.0]]> : tensor<2x4xf32>
  %w = arith.constant dense<[[0.5, -0.5, 1.5, -1.5], [0.75, 1.25, -2.0, 0.0]]> : tensor<2x4xf32>
  %vx = lowbit.fake_quant %x by #activations in <s8, row divisor f32> straight_through
      : tensor<2x4xf32>
  %vw = lowbit.fake_quant %w by #weights in <ternary, tensor divisor f32> straight_through
      : tensor<2x4xf32>
  check.expect_eq %vw, dense<[[0.0, 0.0, 1.0, -1.0], [1.0, 1.0, -1.0, 0.0]]> : tensor<2x4xf32>
  %y = lm.linear %vx, %vw : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x2xf32>
  check.expect_eq %y, dense<[[4.0, 125.0], [256.0, -254.0]]> : tensor<2x2xf32>
  return
}

// Two roundings: fl(0.75 - 2^24) = -(2^24 - 1), so the sum is 1.
func.func @straight_through_rounds() {
  %x = arith.constant dense<[[16777216.0, 0.25]]> : tensor<1x2xf32>
  %s = arith.constant dense<[[0.25]]> : tensor<1x1xf32>
  %v = lowbit.fake_quant %x by <absmax reach 3, clamp -3 3> in <s4, row scale f32> given %s
     : tensor<1x2xf32>, tensor<1x1xf32>
  check.expect_eq %v, dense<[[0.75, 0.25]]> : tensor<1x2xf32>
  %t = lowbit.fake_quant %x by <absmax reach 3, clamp -3 3> in <s4, row scale f32> given %s straight_through
     : tensor<1x2xf32>, tensor<1x1xf32>
  check.expect_eq %t, dense<[[1.0, 0.25]]> : tensor<1x2xf32>
  return
}

// TorchAO's int4: +15 would be code 7.5, which has none. A tail of one.
!s4 = !lowbit.tensor<1x5, #lowbit.scheme<s4, group 2 scale f32>>
func.func @symmetric_int4() {
  %x = arith.constant dense<[[15.0, -1.0, -15.0, 3.0, 7.5]]> : tensor<1x5xf32>
  %q = lowbit.quantize %x by <absmax reach 7.5, scale least 1.1754944e-38, multiply>
     : tensor<1x5xf32> -> !s4
  check.expect_codes %q, dense<[[7, 0, -8, 2, 7]]> : tensor<1x5xi32> of !s4
  check.expect_field %q[0, 0], dense<[[2.0, 2.0, 1.0]]> : tensor<1x3xf32> of !s4
  return
}

!zero = !lowbit.tensor<1x3, #lowbit.scheme<s4, row scale f32 zero s4>>
func.func @zero_points() {
  %x = arith.constant dense<[[-5.0, 10.0, 2.4]]> : tensor<1x3xf32>
  %q = lowbit.quantize %x by <minmax, multiply> : tensor<1x3xf32> -> !zero
  check.expect_codes %q, dense<[[-8, 7, -1]]> : tensor<1x3xi32> of !zero
  check.expect_field %q[0, 1], dense<-3.0> : tensor<1x1xf32> of !zero
  %y = lowbit.dequantize %q : !zero -> tensor<1x3xf32>
  check.expect_eq %y, dense<[[-5.0, 10.0, 2.0]]> : tensor<1x3xf32>
  return
}

!span = !lowbit.tensor<1x3, #lowbit.scheme<u4 offset 8, row scale f32 min f32>>
func.func @float_zero_points() {
  %x = arith.constant dense<[[1.0, 16.0, 4.5]]> : tensor<1x3xf32>
  %q = lowbit.quantize %x by <span, scale least 1.0e-06, divide> : tensor<1x3xf32> -> !span
  check.expect_codes %q, dense<[[-8, 7, -4]]> : tensor<1x3xi32> of !span
  check.expect_field %q[0, 1], dense<9.0> : tensor<1x1xf32> of !span
  return
}

// The groups are those of the stored order.
!p = !lowbit.tensor<1x4, #lowbit.scheme<s4, group 2 scale f32>, permuted>
func.func @permuted() {
  %x = arith.constant dense<[[7.0, 14.0, 3.0, 2.0]]> : tensor<1x4xf32>
  %p = arith.constant dense<[0, 2, 1, 3]> : tensor<4xi32>
  %q = lowbit.quantize %x by <absmax reach 7, multiply> permuted %p
     : tensor<1x4xf32>, tensor<4xi32> -> !p
  check.expect_field %q[0, 0], dense<[[1.0, 2.0]]> : tensor<1x2xf32> of !p
  check.expect_codes %q, dense<[[7, 3, 7, 1]]> : tensor<1x4xi32> of !p
  return
}

// Learned ranges: zero points need not be integers.
func.func @given_fields() {
  %x = arith.constant dense<[[1.0, -1.0, 3.0]]> : tensor<1x3xf32>
  %s = arith.constant dense<[[0.5, 0.25]]> : tensor<1x2xf32>
  %z = arith.constant dense<[[0.5, 1.0]]> : tensor<1x2xf32>
  %v = lowbit.fake_quant %x by <minmax, multiply>
       in <s4, group 2 scale f32 zero s4> given %s zero %z
     : tensor<1x3xf32>, tensor<1x2xf32>, tensor<1x2xf32>
  check.expect_eq %v, dense<[[1.0, -1.0, 1.5]]> : tensor<1x3xf32>
  %u = lowbit.fake_quant %x by <absmax reach 7, multiply>
       in <s4, group 2 scale f32> given %s : tensor<1x3xf32>, tensor<1x2xf32>
  check.expect_eq %u, dense<[[1.0, -1.0, 1.75]]> : tensor<1x3xf32>
  return
}

func.func @observed() {
  %x = arith.constant dense<[[1.0, -1.0, 3.0]]> : tensor<1x3xf32>
  %y = lowbit.observe %x as "x" min|max|absmax|second_moment : tensor<1x3xf32>
  check.expect_eq %y, dense<[[1.0, -1.0, 3.0]]> : tensor<1x3xf32>
  return
}
