// RUN: quant-reference-test %s

func.func @masked() {
  %q = arith.constant dense<[[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]> : tensor<3x2xf32>
  %k = arith.constant dense<[[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]]> : tensor<3x2xf32>
  %v = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %a = lm.attention %q, %k, %v {head_dim = 2, scale = 0.5 : f32, masked} : tensor<3x2xf32>, tensor<3x2xf32>
  check.expect_close %a, dense<[[1.0, 2.0], [2.46211715726001, 3.4621171572600096], [4.074315362108683, 5.074315362108683]]> : tensor<3x2xf32> within 1.0e-7
  %b = lm.attention %q, %k, %v {head_dim = 2, scale = 0.5 : f32} : tensor<3x2xf32>, tensor<3x2xf32>
  check.expect_close %b, dense<[[3.398569010674311, 4.398569010674311], [4.1504207652088825, 5.150420765208883], [4.074315362108683, 5.074315362108683]]> : tensor<3x2xf32> within 1.0e-7
  return
}

// Rows 1 and 2 see two rows each; row 2 no longer sees the first.
func.func @windowed() {
  %q = arith.constant dense<[[1.0], [0.0], [0.0]]> : tensor<3x1xf32>
  %v = arith.constant dense<[[1.0], [3.0], [7.0]]> : tensor<3x1xf32>
  %a = lm.attention %q, %v, %v {head_dim = 1, scale = 1.0 : f32, masked, window = 2} : tensor<3x1xf32>, tensor<3x1xf32>
  check.expect_eq %a, dense<[[1.0], [2.0], [5.0]]> : tensor<3x1xf32>
  return
}

// Query heads 0 and 1 read key head 0, 2 and 3 read 1. One position: its value.
func.func @grouped_heads() {
  %q = arith.constant dense<1.0> : tensor<1x4xf32>
  %k = arith.constant dense<[[2.0, 3.0]]> : tensor<1x2xf32>
  %v = arith.constant dense<[[5.0, 7.0]]> : tensor<1x2xf32>
  %a = lm.attention %q, %k, %v {head_dim = 1, scale = 1.0 : f32} : tensor<1x4xf32>, tensor<1x2xf32>
  check.expect_eq %a, dense<[[5.0, 5.0, 7.0, 7.0]]> : tensor<1x4xf32>
  return
}

// Scores of 1000 must not overflow.
func.func @large_scores() {
  %q = arith.constant dense<[[1000.0]]> : tensor<1x1xf32>
  %kv0 = check.store runs [1] visible [1] : !lm.kv<layers = 1, heads = 1, dim = 1, element = f32>
  %kv = lm.kv_append %kv0, %q, %q {layer = 0} : !lm.kv<layers = 1, heads = 1, dim = 1, element = f32>, tensor<1x1xf32>
  %a = lm.cached_attention %q, %kv {layer = 0, scale = 1.0 : f32} : tensor<1x1xf32>, !lm.kv<layers = 1, heads = 1, dim = 1, element = f32>
  check.expect_eq %a, dense<1000.0> : tensor<1x1xf32>
  return
}
