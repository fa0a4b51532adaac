// RUN: not quant-reference-test %s 2>&1 | FileCheck %s
// What types cannot promise is reported at the op, never an abort.

// CHECK: error: 'lm.embed' op index out of range: expected 0 to 1, but got 2
func.func @embed_token_too_large() {
  %tokens = arith.constant dense<[2]> : tensor<1xi32>
  %table = arith.constant dense<1.0> : tensor<2x2xf32>
  %x = lm.embed %tokens, %table : tensor<1xi32>, tensor<2x2xf32> -> tensor<1x2xf32>
  return
}

// CHECK: error: 'lm.embed' op index out of range: expected 0 to 1, but got -1
func.func @embed_without_embeddings() {
  %tokens = arith.constant dense<[-1]> : tensor<1xi32>
  %table = arith.constant dense<1.0> : tensor<2x2xf32>
  %x = lm.embed %tokens, %table : tensor<1xi32>, tensor<2x2xf32> -> tensor<1x2xf32>
  return
}

// CHECK: error: 'lm.gather_rows' op index out of range: expected 0 to 0, but got 1
func.func @gather_rows() {
  %rows = arith.constant dense<[1]> : tensor<1xi32>
  %x = arith.constant dense<1.0> : tensor<1x2xf32>
  %y = lm.gather_rows %x, %rows : tensor<1x2xf32>, tensor<1xi32> -> tensor<1x2xf32>
  return
}

// CHECK: error: 'lm.mean_rows' op rows end before they begin: expected at least 1, but got 0
func.func @mean_rows() {
  %first = arith.constant dense<[1]> : tensor<1xi32>
  %last = arith.constant dense<[0]> : tensor<1xi32>
  %x = arith.constant dense<1.0> : tensor<2x2xf32>
  %y = lm.mean_rows %x, %first to %last : tensor<2x2xf32>, tensor<1xi32> -> tensor<1x2xf32>
  return
}

// CHECK: error: 'lm.cached_attention' op every row must see a position, and none that layer 0 lacks
func.func @attention_without_positions() {
  %q = arith.constant dense<1.0> : tensor<1x2xf32>
  %kv = check.store runs [1] visible [1] : !lm.kv<layers = 1, heads = 1, dim = 2, element = f32>
  %a = lm.cached_attention %q, %kv {layer = 0, scale = 1.0 : f32}
     : tensor<1x2xf32>, !lm.kv<layers = 1, heads = 1, dim = 2, element = f32>
  return
}

// CHECK: error: 'lm.kv_append' op operands must have the same number of rows: expected 1, but got 2
func.func @rows_of_the_batch() {
  %k = arith.constant dense<1.0> : tensor<2x2xf32>
  %kv = check.store runs [1] visible [1] : !lm.kv<layers = 1, heads = 1, dim = 2, element = f32>
  %a = lm.kv_append %kv, %k, %k {layer = 0}
     : !lm.kv<layers = 1, heads = 1, dim = 2, element = f32>, tensor<2x2xf32>
  return
}

// CHECK: error: 'lm.weight' op has no weight of this name and type
func.func @weight() {
  %w = lm.weight "w" : tensor<2xf32>
  return
}

// CHECK: error: calls nest too deeply to be evaluated: expected at most 64
func.func @endless() {
  func.call @endless() : () -> ()
  return
}

// CHECK: error: 'check.expect_eq' op element 1: expected 3, but got 2
func.func @expectation() {
  %x = arith.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  check.expect_eq %x, dense<[[1.0, 3.0]]> : tensor<1x2xf32>
  return
}

!q = !lowbit.tensor<1x4, #lowbit.scheme<s8, group 2 scale f32>, permuted>

// CHECK: error: 'lowbit.quantize' op permutation: expected each column from 0 to 3 once, but got 2 twice
func.func @no_permutation() {
  %p = arith.constant dense<[2, 0, 2, 1]> : tensor<4xi32>
  %x = arith.constant dense<1.0> : tensor<1x4xf32>
  %q = lowbit.quantize %x permuted %p : tensor<1x4xf32>, tensor<4xi32> -> !q
  return
}

// CHECK: error: 'lowbit.linear' op activations must have the permutation of their weight
func.func @another_permutation() {
  %p = arith.constant dense<[2, 0, 3, 1]> : tensor<4xi32>
  %r = arith.constant dense<[0, 2, 3, 1]> : tensor<4xi32>
  %x = arith.constant dense<1.0> : tensor<1x4xf32>
  %q = lowbit.quantize %x permuted %p : tensor<1x4xf32>, tensor<4xi32> -> !q
  %w = lowbit.quantize %x permuted %r : tensor<1x4xf32>, tensor<4xi32> -> !q
  %y = lowbit.linear %q, %w : !q, !q -> tensor<1x1xf32>
  return
}

// CHECK: 0 passed, 11 failed
