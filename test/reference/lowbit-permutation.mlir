// RUN: quant-reference-test %s
// Columns stored in another order: groups follow it, results do not.

!q = !lowbit.tensor<1x4, #lowbit.scheme<s8, group 2 scale f32>, permuted>
func.func @groups_of_the_stored_order() {
  %p = arith.constant dense<[3, 0, 1, 2]> : tensor<4xi32>
  %x = arith.constant dense<[[127.0, 254.0, -508.0, 0.0]]> : tensor<1x4xf32>
  %q = lowbit.quantize %x permuted %p : tensor<1x4xf32>, tensor<4xi32> -> !q
  // Stored: 0, 127 | 254, -508.
  check.expect_codes %q, dense<[[0, 127, 64, -127]]> : tensor<1x4xi32> of !q
  %y = lowbit.dequantize %q : !q -> tensor<1x4xf32>
  check.expect_eq %y, dense<[[127.0, 256.0, -508.0, 0.0]]> : tensor<1x4xf32>
  return
}

!w = !lowbit.tensor<2x4, #lowbit.scheme<u4 offset 8, group 2 scale f16>, permuted>
func.func @linear_and_embed() {
  %p = arith.constant dense<[2, 0, 3, 1]> : tensor<4xi32>
  // Stored: -8, 7 | 40, -64 and 14, -16 | 0.5, 4.
  %reals = arith.constant dense<[[7.0, -64.0, -8.0, 40.0], [-16.0, -4.0, 14.0, 0.5]]> : tensor<2x4xf32>
  %w = lowbit.quantize %reals permuted %p : tensor<2x4xf32>, tensor<4xi32> -> !w
  %same = lowbit.dequantize %w : !w -> tensor<2x4xf32>
  check.expect_eq %same, dense<[[7.0, -64.0, -8.0, 40.0], [-16.0, -4.0, 14.0, 0.5]]> : tensor<2x4xf32>
  %x = arith.constant dense<[[127.0, 1.0, -127.0, -2.0]]> : tensor<1x4xf32>
  %y = lowbit.linear %x, %w : tensor<1x4xf32>, !w -> tensor<1x2xf32>
  // 889 - 64 + 1016 - 80; -2032 - 4 - 1778 - 1.
  check.expect_eq %y, dense<[[1761.0, -3815.0]]> : tensor<1x2xf32>
  // The rows of x in stored order, -127, 127 | -2, 1: only the last is rounded, to
  // 64 * (2 / 127).
  %q = lowbit.quantize %x permuted %p : tensor<1x4xf32>, tensor<4xi32> -> !q
  check.expect_codes %q, dense<[[-127, 127, -127, 64]]> : tensor<1x4xi32> of !q
  %z = lowbit.linear %q, %w : !q, !w -> tensor<1x2xf32>
  check.expect_close %z, dense<[[1760.496063, -3815.031496]]> : tensor<1x2xf32> within 1.0e-6
  %l = lm.linear %x, %w : tensor<1x4xf32>, !w -> tensor<1x2xf32>
  check.expect_eq %l, dense<[[1761.0, -3815.0]]> : tensor<1x2xf32>
  %tokens = arith.constant dense<[1, 0]> : tensor<2xi32>
  %e = lowbit.embed %tokens, %w : tensor<2xi32>, !w -> tensor<2x4xf32>
  check.expect_eq %e, dense<[[-16.0, -4.0, 14.0, 0.5], [7.0, -64.0, -8.0, 40.0]]> : tensor<2x4xf32>
  return
}
