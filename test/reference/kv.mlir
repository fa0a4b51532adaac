// RUN: quant-reference-test %s
// Two sequences in one batch, then one more row of the first.

!kv = !lm.kv<layers = 2, heads = 1, dim = 2, element = f32>

func.func @ragged_batch() {
  %q = arith.constant dense<[[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]> : tensor<3x2xf32>
  %k = arith.constant dense<[[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]]> : tensor<3x2xf32>
  %v = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %kv0 = check.store runs [2, 1] visible [1, 2, 1] : !kv
  %kv1 = lm.kv_append %kv0, %k, %v {layer = 1} : !kv, tensor<3x2xf32>
  %a = lm.cached_attention %q, %kv1 {layer = 1, scale = 0.5 : f32} : tensor<3x2xf32>, !kv
  check.expect_close %a, dense<[[1.0, 2.0], [2.46211715726001, 3.4621171572600096], [5.0, 6.0]]> : tensor<3x2xf32> within 1.0e-7

  %q2 = arith.constant dense<[[1.0, 1.0]]> : tensor<1x2xf32>
  %k2 = arith.constant dense<[[0.5, 0.5]]> : tensor<1x2xf32>
  %kv2 = check.store after %kv1 : !kv runs [1, 0] visible [3] : !kv
  %kv3 = lm.kv_append %kv2, %k2, %k2 {layer = 1} : !kv, tensor<1x2xf32>
  %b = lm.cached_attention %q2, %kv3 {layer = 1, scale = 0.5 : f32} : tensor<1x2xf32>, !kv
  check.expect_close %b, dense<[[1.5, 2.1666666666666665]]> : tensor<1x2xf32> within 1.0e-7
  %c = lm.cached_attention %q2, %kv3 {layer = 1, scale = 0.5 : f32, window = 2} : tensor<1x2xf32>, !kv
  check.expect_close %c, dense<[[1.75, 2.25]]> : tensor<1x2xf32> within 1.0e-7
  return
}

// 1 + 2^-11 is half way between two f16: to even.
!half = !lm.kv<layers = 1, heads = 1, dim = 1, element = f16>
func.func @store_rounds_to_its_element() {
  %x = arith.constant dense<1.00048828125> : tensor<1x1xf32>
  %kv0 = check.store runs [1] visible [1] : !half
  %kv1 = lm.kv_append %kv0, %x, %x {layer = 0} : !half, tensor<1x1xf32>
  %a = lm.cached_attention %x, %kv1 {layer = 0, scale = 1.0 : f32} : tensor<1x1xf32>, !half
  check.expect_eq %a, dense<1.0> : tensor<1x1xf32>
  return
}

// 1 + 3 * 2^-8 is half way between two bf16: to even, 1 + 2^-6.
!brain = !lm.kv<layers = 1, heads = 1, dim = 1, element = bf16>
func.func @bf16_store_rounds_to_even() {
  %x = arith.constant dense<1.01171875> : tensor<1x1xf32>
  %kv0 = check.store runs [1] visible [1] : !brain
  %kv1 = lm.kv_append %kv0, %x, %x {layer = 0} : !brain, tensor<1x1xf32>
  %a = lm.cached_attention %x, %kv1 {layer = 0, scale = 1.0 : f32} : tensor<1x1xf32>, !brain
  check.expect_eq %a, dense<1.015625> : tensor<1x1xf32>
  return
}

// Each head of a position has its own scale: 2 and 0.5. 5 / 2 is a tie.
!codes = !lm.kv<layers = 1, heads = 2, dim = 2, element = i8>
func.func @codes_of_a_head_share_a_scale() {
  %x = arith.constant dense<[[254.0, 5.0, -63.5, 0.3]]> : tensor<1x4xf32>
  %kv0 = check.store runs [1] visible [1] : !codes
  %kv1 = lm.kv_append %kv0, %x, %x {layer = 0} : !codes, tensor<1x4xf32>
  %a = lm.cached_attention %x, %kv1 {layer = 0, scale = 1.0 : f32} : tensor<1x4xf32>, !codes
  check.expect_eq %a, dense<[[254.0, 4.0, -63.5, 0.5]]> : tensor<1x4xf32>
  return
}

// 4 bits: 32 elements share a scale, 8 of which are the largest magnitude; the
// group behind is its own. Scales are 1 and 0.25; 8 is clipped to 7, 2.5 is a
// tie.
!nibbles = !lm.kv<layers = 1, heads = 1, dim = 34, element = i4>
func.func @codes_of_four_bits() {
  %x = arith.constant dense<[[8.0, 2.5, -3.0, 0.25, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -5.0, -2.0, 0.8]]> : tensor<1x34xf32>
  %kv0 = check.store runs [1] visible [1] : !nibbles
  %kv1 = lm.kv_append %kv0, %x, %x {layer = 0} : !nibbles, tensor<1x34xf32>
  %a = lm.cached_attention %x, %kv1 {layer = 0, scale = 1.0 : f32} : tensor<1x34xf32>, !nibbles
  check.expect_eq %a, dense<[[7.0, 2.0, -3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -5.0, -2.0, 0.75]]> : tensor<1x34xf32>
  return
}
