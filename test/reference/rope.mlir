// RUN: quant-reference-test %s

func.func @table() {
  %p = arith.constant dense<[0, 3, 1000000]> : tensor<3xi32>
  %r = lm.rope_table %p {base = 1.0e+4 : f32} : tensor<3xi32> -> tensor<3x4xf32>
  check.expect_close %r, dense<[[1.0, 1.0, 0.0, 0.0],
      [-0.9899924966004454, 0.9995500337489875, 0.1411200080598672, 0.02999550020249566],
      [0.9367521275331447, -0.9521553682590148, -0.34999350217129294, -0.30561438888825215]]> : tensor<3x4xf32> within 1.0e-7
  return
}

func.func @table_scaled() {
  %p = arith.constant dense<[8]> : tensor<1xi32>
  %f = arith.constant dense<[2.0, 4.0]> : tensor<2xf32>
  %r = lm.rope_table %p factors %f {base = 1.0e+2 : f32, frequency_scale = 0.25 : f32, magnitude = 2.0 : f32}
     : tensor<1xi32>, tensor<2xf32> -> tensor<1x4xf32>
  check.expect_close %r, dense<[[1.0806046117362795, 1.9975005207899326, 1.682941969615793, 0.09995833854135666]]> : tensor<1x4xf32> within 1.0e-7
  return
}

// A quarter turn: (a, b) becomes (-b, a); the fourth element of a head stays.
func.func @styles() {
  %x = arith.constant dense<[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]]> : tensor<1x10xf32>
  %r = arith.constant dense<[[0.0, 0.0, 1.0, 1.0]]> : tensor<1x4xf32>
  %h = lm.rope halves %x, %r {head_dim = 5} : tensor<1x10xf32>, tensor<1x4xf32>
  check.expect_eq %h, dense<[[-3.0, -4.0, 1.0, 2.0, 5.0, -8.0, -9.0, 6.0, 7.0, 10.0]]> : tensor<1x10xf32>
  %p = lm.rope pairs %x, %r {head_dim = 5} : tensor<1x10xf32>, tensor<1x4xf32>
  check.expect_eq %p, dense<[[-2.0, 1.0, -4.0, 3.0, 5.0, -7.0, 6.0, -9.0, 8.0, 10.0]]> : tensor<1x10xf32>
  return
}
