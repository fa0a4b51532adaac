// RUN: quant-reference-test %s
// Numerics N3. Every value below is exact, so that equality may be asked for.

!x = !lowbit.tensor<1x8, #lowbit.scheme<s8, group 8 scale f32>>
!w = !lowbit.tensor<2x8, #lowbit.scheme<u4 offset 8, group 4 scale f16>>
func.func @weight_groups_inside_an_activation_group() {
  %x = check.low_bits dense<[[1, 2, 3, 4, 127, -127, 0, 1]]> : tensor<1x8xi32>,
       [dense<0.5> : tensor<1x1xf32>] : !x
  %w = check.low_bits dense<[[9, 9, 9, 9, 8, 8, 8, 8], [15, 0, 8, 8, 15, 0, 8, 8]]> : tensor<2x8xi32>,
       [dense<[[1.0, 4.0], [2.0, 0.25]]> : tensor<2x2xf32>] : !w
  %b = arith.constant dense<[0.0, 1.0]> : tensor<2xf32>
  %y = lowbit.linear %x, %w bias %b : !x, !w, tensor<2xf32> -> tensor<1x2xf32>
  // Row 0: 0.5 * 1 * 10. Row 1: 0.5 * (2 * (7 - 16) + 0.25 * (889 + 1016)) + 1.
  check.expect_eq %y, dense<[[5.0, 230.125]]> : tensor<1x2xf32>
  return
}

!xs = !lowbit.tensor<1x6, #lowbit.scheme<s8, group 2 scale f32>>
!wz = !lowbit.tensor<1x6, #lowbit.scheme<u5, group 4 scale f16 zero u5>>
func.func @zero_points_and_tails() {
  %x = check.low_bits dense<[[1, 1, 2, 2, 3, -3]]> : tensor<1x6xi32>,
       [dense<[[1.0, 0.5, 2.0]]> : tensor<1x3xf32>] : !xs
  %w = check.low_bits dense<[[10, 11, 12, 13, 31, 0]]> : tensor<1x6xi32>,
       [dense<[[1.0, 0.5]]> : tensor<1x2xf32>, dense<[[10.0, 16.0]]> : tensor<1x2xf32>] : !wz
  %y = lowbit.linear %x, %w : !xs, !wz -> tensor<1x1xf32>
  // (0 + 1) + 0.5 (4 + 6) + 2 * 0.5 (45 + 48)
  check.expect_eq %y, dense<99.0> : tensor<1x1xf32>
  %xr = lowbit.dequantize %x : !xs -> tensor<1x6xf32>
  %wr = lowbit.dequantize %w : !wz -> tensor<1x6xf32>
  %yr = lm.linear %xr, %wr : tensor<1x6xf32>, tensor<1x6xf32> -> tensor<1x1xf32>
  check.expect_eq %yr, dense<99.0> : tensor<1x1xf32>
  return
}

!xm = !lowbit.tensor<1x4, #lowbit.scheme<s8, row scale f32>>
!wm = !lowbit.tensor<1x4, #lowbit.scheme<u4, group 4 scale f16 neg_min f16, group 2 scale u6 neg_min u6>>
func.func @minima() {
  %x = check.low_bits dense<[[1, 2, 3, 4]]> : tensor<1x4xi32>, [dense<1.0> : tensor<1x1xf32>] : !xm
  %w = check.low_bits dense<[[1, 2, 3, 4]]> : tensor<1x4xi32>,
       [dense<0.5> : tensor<1x1xf32>, dense<0.25> : tensor<1x1xf32>,
        dense<[[2.0, 63.0]]> : tensor<1x2xf32>, dense<[[4.0, 8.0]]> : tensor<1x2xf32>] : !wm
  %y = lowbit.linear %x, %w : !xm, !wm -> tensor<1x1xf32>
  // The weight is [0, 1, 92.5, 124]: see lowbit-dequantize.mlir.
  check.expect_eq %y, dense<775.5> : tensor<1x1xf32>
  return
}

// The delta is a zero point of the other sign: S P + S A d.
!xd = !lowbit.tensor<1x8, #lowbit.scheme<s8, row scale f32>>
!wd = !lowbit.tensor<1x8, #lowbit.scheme<u1 codebook 4 x12345670 signs, row scale f32, group 4 scale u3 delta 0.125>>
func.func @vectors_signs_and_deltas() {
  %x = check.low_bits dense<[[1, 2, 3, 4, 5, 6, 7, 8]]> : tensor<1x8xi32>, [dense<0.5> : tensor<1x1xf32>] : !xd
  %w = check.low_bits dense<[[1, 0]]> : tensor<1x2xi32>
       signs dense<[[0, 1, 0, 0, 1, 0, 0, 1]]> : tensor<1x8xi32>,
       [dense<2.0> : tensor<1x1xf32>, dense<[[4.0, 1.0]]> : tensor<1x2xf32>,
        dense<[[0.0, 1.0]]> : tensor<1x2xf32>] : !wd
  %y = lowbit.linear %x, %w : !xd, !wd -> tensor<1x1xf32>
  // 0.5 (8 (5 - 12 + 21 + 0) + 8 * 10 / 8 + 2 (-5 + 12 + 21 - 32) - 2 * 26 / 8)
  check.expect_eq %y, dense<53.75> : tensor<1x1xf32>
  %wr = lowbit.dequantize %w : !wd -> tensor<1x8xf32>
  %xr = lowbit.dequantize %x : !xd -> tensor<1x8xf32>
  %yr = lm.linear %xr, %wr : tensor<1x8xf32>, tensor<1x8xf32> -> tensor<1x1xf32>
  check.expect_eq %yr, dense<53.75> : tensor<1x1xf32>
  return
}

!wc = !lowbit.tensor<1x4, #lowbit.scheme<u2 codebook [-1.0, -0.25, 0.25, 1.0], row scale f32>>
func.func @real_codebook_and_real_activations() {
  %c = check.low_bits dense<[[3, 2, 1, 0]]> : tensor<1x4xi32>, [dense<4.0> : tensor<1x1xf32>] : !wc
  %x = arith.constant dense<[[1.0, 2.0, 3.0, 4.0]]> : tensor<1x4xf32>
  %y = lowbit.linear %x, %c : tensor<1x4xf32>, !wc -> tensor<1x1xf32>
  check.expect_eq %y, dense<-13.0> : tensor<1x1xf32>
  %q = check.low_bits dense<[[2, 4, 6, 8]]> : tensor<1x4xi32>, [dense<0.5> : tensor<1x1xf32>] : !xm
  %z = lowbit.linear %q, %c : !xm, !wc -> tensor<1x1xf32>
  check.expect_eq %z, dense<-13.0> : tensor<1x1xf32>
  return
}
