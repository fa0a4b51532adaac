// RUN: quant-reference-test %s

func.func @functions() {
  %x = arith.constant dense<[[-30.0, -1.0, 0.0, 0.5, 3.0]]> : tensor<1x5xf32>
  %relu = lm.activate relu %x : tensor<1x5xf32>
  check.expect_eq %relu, dense<[[0.0, 0.0, 0.0, 0.5, 3.0]]> : tensor<1x5xf32>
  %relu2 = lm.activate relu2 %x : tensor<1x5xf32>
  check.expect_eq %relu2, dense<[[0.0, 0.0, 0.0, 0.25, 9.0]]> : tensor<1x5xf32>
  %silu = lm.activate silu %x : tensor<1x5xf32>
  check.expect_close %silu, dense<[[-2.8072868906517896e-12, -0.2689414213699951, 0.0, 0.3112296656009273, 2.8577223804672998]]> : tensor<1x5xf32> within 1.0e-7
  %gelu = lm.activate gelu %x : tensor<1x5xf32>
  check.expect_close %gelu, dense<[[-0.0, -0.15865525393145707, 0.0, 0.34573123063700656, 2.99595030590511]]> : tensor<1x5xf32> within 1.0e-7
  %tanh = lm.activate gelu_tanh %x : tensor<1x5xf32>
  check.expect_close %tanh, dense<[[-0.0, -0.15880800939172324, 0.0, 0.34571400982514394, 2.996362607918227]]> : tensor<1x5xf32> within 1.0e-7
  return
}

func.func @tanh() {
  %x = arith.constant dense<[[-100.0, -0.5, 0.0, 1.0e-4, 100.0]]> : tensor<1x5xf32>
  %y = lm.activate tanh %x : tensor<1x5xf32>
  check.expect_close %y, dense<[[-1.0, -0.46211715726000973, 0.0, 9.999999966666667e-5, 1.0]]> : tensor<1x5xf32> within 1.0e-7
  return
}

func.func @gate() {
  %g = arith.constant dense<[[0.0, 3.0]]> : tensor<1x2xf32>
  %u = arith.constant dense<[[5.0, 2.0]]> : tensor<1x2xf32>
  %h = lm.gate silu %g, %u : tensor<1x2xf32>
  check.expect_close %h, dense<[[0.0, 5.7154447609345995]]> : tensor<1x2xf32> within 1.0e-7
  return
}

func.func @add() {
  %x = arith.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %y = arith.constant dense<[[0.5, -2.0]]> : tensor<1x2xf32>
  %z = lm.add %x, %y : tensor<1x2xf32>
  check.expect_eq %z, dense<[[1.5, 0.0]]> : tensor<1x2xf32>
  return
}

func.func @gather_rows() {
  %x = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %rows = arith.constant dense<[1, 0, 1]> : tensor<3xi32>
  %y = lm.gather_rows %x, %rows : tensor<2x2xf32>, tensor<3xi32> -> tensor<3x2xf32>
  check.expect_eq %y, dense<[[3.0, 4.0], [1.0, 2.0], [3.0, 4.0]]> : tensor<3x2xf32>
  return
}

func.func @mean_rows() {
  %x = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [8.0, -6.0]]> : tensor<3x2xf32>
  %first = arith.constant dense<[0, 0, 2]> : tensor<3xi32>
  %last = arith.constant dense<[2, 1, 2]> : tensor<3xi32>
  %y = lm.mean_rows %x, %first to %last : tensor<3x2xf32>, tensor<3xi32> -> tensor<3x2xf32>
  check.expect_eq %y, dense<[[4.0, 0.0], [2.0, 3.0], [8.0, -6.0]]> : tensor<3x2xf32>
  return
}
