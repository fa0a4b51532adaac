// RUN: quant-reference-test %s

func.func @bias() {
  %x = arith.constant dense<[[1.0, 2.0, 3.0], [0.5, 0.0, -1.0]]> : tensor<2x3xf32>
  %w = arith.constant dense<[[1.0, 0.0, 0.0], [1.0, 1.0, 1.0]]> : tensor<2x3xf32>
  %b = arith.constant dense<[10.0, -1.0]> : tensor<2xf32>
  %y = lm.linear %x, %w bias %b : tensor<2x3xf32>, tensor<2x3xf32>, tensor<2xf32> -> tensor<2x2xf32>
  check.expect_eq %y, dense<[[11.0, 5.0], [10.5, -1.5]]> : tensor<2x2xf32>
  return
}

// An f32 sum would lose the 1.
func.func @sums_in_f64() {
  %x = arith.constant dense<[[1.0e+8, 1.0, -1.0e+8]]> : tensor<1x3xf32>
  %w = arith.constant dense<1.0> : tensor<1x3xf32>
  %y = lm.linear %x, %w : tensor<1x3xf32>, tensor<1x3xf32> -> tensor<1x1xf32>
  check.expect_eq %y, dense<1.0> : tensor<1x1xf32>
  return
}

!w = !lowbit.tensor<1x4, #lowbit.scheme<ternary, tensor scale f32>>
func.func @low_bit_weight() {
  %x = arith.constant dense<[[1.0, 2.0, 3.0, 4.0]]> : tensor<1x4xf32>
  %w = check.low_bits dense<[[0, 1, 2, 2]]> : tensor<1x4xi32>, [dense<0.5> : tensor<1x1xf32>] : !w
  %y = lm.linear %x, %w : tensor<1x4xf32>, !w -> tensor<1x1xf32>
  check.expect_eq %y, dense<3.0> : tensor<1x1xf32>
  return
}
