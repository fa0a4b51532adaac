// RUN: quant-reference-test %s
// The passes change how a function is computed, and not what:
// RUN: quant-reference-test --passes=lm-rotate-inputs,lm-fold-rotations %s | FileCheck %s
// RUN: quant-reference-test --passes=lm-rotate-heads %s | FileCheck %s --check-prefix=HEADS
// RUN: quant-reference-test --passes=lm-rotate-inputs,lm-fold-rotations,lm-rotate-heads %s

func.func @blocks() {
  %x = arith.constant dense<[[1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 2.0, 0.0]]> : tensor<2x4xf32>
  %whole = lm.rotate columns %x {block = 4} : tensor<2x4xf32> -> tensor<2x4xf32>
  check.expect_eq %whole, dense<[[5.0, -1.0, -2.0, 0.0], [1.0, 1.0, -1.0, -1.0]]> : tensor<2x4xf32>
  %rows = lm.rotate rows %x {block = 2} : tensor<2x4xf32> -> tensor<2x4xf32>
  check.expect_close %rows, dense<[[0.7071067811865476, 1.4142135623730951, 3.5355339059327378, 2.8284271247461903], [0.7071067811865476, 1.4142135623730951, 0.7071067811865476, 2.8284271247461903]]> : tensor<2x4xf32> within 1.0e-7
  return
}

func.func @scales() {
  %x = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %s = arith.constant dense<[2.0, 4.0]> : tensor<2xf32>
  %columns = lm.scale columns %x, %s : tensor<2x2xf32>, tensor<2xf32> -> tensor<2x2xf32>
  check.expect_eq %columns, dense<[[2.0, 8.0], [6.0, 16.0]]> : tensor<2x2xf32>
  %rows = lm.scale rows %x, %s inverse : tensor<2x2xf32>, tensor<2xf32> -> tensor<2x2xf32>
  check.expect_eq %rows, dense<[[0.5, 1.0], [0.75, 1.0]]> : tensor<2x2xf32>
  %vector = lm.scale columns %s, %s : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
  check.expect_eq %vector, dense<[4.0, 16.0]> : tensor<2xf32>
  return
}

// Two heads of values behind attention, then a product.
// CHECK-LABEL: func @layer
// CHECK: lm.rotate columns %{{.*}} {block = 4 : i64}
// CHECK: lm.rotate rows %{{.*}} {block = 2 : i64}
func.func @layer() {
  %x = arith.constant dense<[[1.0, -2.0, 0.5, 4.0], [3.0, 1.0, -1.0, 0.25]]> : tensor<2x4xf32>
  %v = arith.constant dense<[[1.0, 2.0, 0.0, -1.0], [0.5, 0.0, 1.0, 1.0], [2.0, 1.0, 1.0, 0.0], [0.0, -1.0, 3.0, 1.0]]> : tensor<4x4xf32>
  %o = arith.constant dense<[[1.0, 1.0, 2.0, -1.0]]> : tensor<1x4xf32>
  %value = lm.linear %x, %v : tensor<2x4xf32>, tensor<4x4xf32> -> tensor<2x4xf32>
  %a = lm.attention %x, %x, %value {head_dim = 2, scale = 0.25 : f32, masked} : tensor<2x4xf32>, tensor<2x4xf32>
  %y = lm.linear %a, %o : tensor<2x4xf32>, tensor<1x4xf32> -> tensor<2x1xf32>
  check.expect_close %y, dense<[[-8.5], [10.190819050198785]]> : tensor<2x1xf32> within 1.0e-5
  return
}

// Over a store: two heads of queries on one of keys and values.
// HEADS-LABEL: func @store
// HEADS-COUNT-4: lm.rotate columns %{{.*}} {block = 2 : i64}
!kv = !lm.kv<layers = 1, heads = 1, dim = 2, element = f32>
func.func @store() {
  %q = arith.constant dense<[[1.0, 0.0, 2.0, -1.0], [0.0, 2.0, 0.5, 0.25]]> : tensor<2x4xf32>
  %x = arith.constant dense<[[1.0, -2.0], [3.0, 0.5]]> : tensor<2x2xf32>
  %v = arith.constant dense<[[1.0, 2.0], [-1.0, 0.5]]> : tensor<2x2xf32>
  %o = arith.constant dense<[[1.0, 1.0, 2.0, -1.0]]> : tensor<1x4xf32>
  %kv0 = check.store runs [2] visible [1, 2] : !kv
  %value = lm.linear %x, %v : tensor<2x2xf32>, tensor<2x2xf32> -> tensor<2x2xf32>
  %kv1 = lm.kv_append %kv0, %x, %value {layer = 0} : !kv, tensor<2x2xf32>
  %a = lm.cached_attention %q, %kv1 {layer = 0, scale = 0.5 : f32} : tensor<2x4xf32>, !kv
  %y = lm.linear %a, %o : tensor<2x4xf32>, tensor<1x4xf32> -> tensor<2x1xf32>
  check.expect_close %y, dense<[[-9.0], [6.992355626104586]]> : tensor<2x1xf32> within 1.0e-5
  return
}
