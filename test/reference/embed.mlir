// RUN: quant-reference-test %s

func.func @tokens() {
  %tokens = arith.constant dense<[2, 0]> : tensor<2xi32>
  %table = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %x = lm.embed %tokens, %table : tensor<2xi32>, tensor<3x2xf32> -> tensor<2x2xf32>
  check.expect_eq %x, dense<[[5.0, 6.0], [1.0, 2.0]]> : tensor<2x2xf32>
  return
}

// A given row is taken as it is: `scale` is the table's.
func.func @embeddings() {
  %tokens = arith.constant dense<[1, -1]> : tensor<2xi32>
  %table = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %rows = arith.constant dense<[[7.0, 7.0], [8.0, 9.0]]> : tensor<2x2xf32>
  %x = lm.embed %tokens, %table else %rows {scale = 10.0 : f32}
     : tensor<2xi32>, tensor<2x2xf32>, tensor<2x2xf32> -> tensor<2x2xf32>
  check.expect_eq %x, dense<[[30.0, 40.0], [8.0, 9.0]]> : tensor<2x2xf32>
  return
}

!table = !lowbit.tensor<2x4, #lowbit.scheme<s8, group 2 scale f16>>
func.func @low_bit() {
  %tokens = arith.constant dense<[1]> : tensor<1xi32>
  %table = check.low_bits dense<[[1, 2, 3, 4], [-1, 127, 0, 5]]> : tensor<2x4xi32>,
           [dense<[[1.0, 1.0], [0.5, 2.0]]> : tensor<2x2xf32>] : !table
  %x = lowbit.embed %tokens, %table {scale = 2.0 : f32} : tensor<1xi32>, !table -> tensor<1x4xf32>
  check.expect_eq %x, dense<[[-1.0, 127.0, 0.0, 20.0]]> : tensor<1x4xf32>
  return
}
