// RUN: quant-opt %s --lm-rotate-heads --split-input-file --verify-diagnostics | FileCheck %s
// Behind rotations of inputs the values are rotated already:
// RUN: quant-opt %s --lm-rotate-inputs --lm-fold-rotations --lm-rotate-heads --split-input-file --verify-diagnostics | FileCheck %s --check-prefix=BOTH

!kv = !lm.kv<layers = 2, heads = 2, dim = 24, element = i4>

// 24 is 3 x 8. Keys and values in front of the store, queries and results
// around attention; another layer's readers are its own.
// CHECK-LABEL: func @layer
// CHECK-SAME: (%[[Q:.*]]: tensor<?x96xf32>, %[[K:.*]]: tensor<?x48xf32>, %[[V:[^:]*]]: tensor<?x48xf32>
// CHECK: %[[K1:.*]] = lm.rotate columns %[[K]] {block = 8 : i64}
// CHECK: %[[V1:.*]] = lm.rotate columns %[[V]] {block = 8 : i64}
// CHECK: %[[KV:.*]] = lm.kv_append %{{.*}}, %[[K1]], %[[V1]] {layer = 1 : i64}
// CHECK: %[[Q1:.*]] = lm.rotate columns %[[Q]] {block = 8 : i64}
// CHECK: %[[A:.*]] = lm.cached_attention %[[Q1]], %[[KV]]
// CHECK: %[[R:.*]] = lm.rotate columns %[[A]] {block = 8 : i64}
// CHECK: return %[[R]], %[[KV]]
func.func @layer(%q: tensor<?x96xf32>, %k: tensor<?x48xf32>, %v: tensor<?x48xf32>, %kv: !kv)
    -> (tensor<?x96xf32>, !kv) {
  %kv1 = lm.kv_append %kv, %k, %v {layer = 1} : !kv, tensor<?x48xf32>
  %a = lm.cached_attention %q, %kv1 {layer = 1, scale = 0.25 : f32} : tensor<?x96xf32>, !kv
  return %a, %kv1 : tensor<?x96xf32>, !kv
}

// BOTH-LABEL: func @folded
// BOTH: lm.rotate rows %{{.*}} {block = 8 : i64}
// BOTH: %[[V:.*]] = lm.linear
// BOTH: %[[K:.*]] = lm.rotate columns %{{.*}} {block = 8 : i64}
// BOTH: %[[KV:.*]] = lm.kv_append %{{.*}}, %[[K]], %[[V]]
// BOTH: %[[Q:.*]] = lm.rotate columns %{{.*}} {block = 8 : i64}
// BOTH: %[[A:.*]] = lm.cached_attention %[[Q]], %[[KV]]
// BOTH: lm.linear %[[A]], %{{.*}}
func.func @folded(%x: tensor<?x48xf32>, %q: tensor<?x96xf32>, %kv: !kv) -> (tensor<?x16xf32>, !kv) {
  %wv = lm.weight "v" : tensor<48x48xf32>
  %wo = lm.weight "o" : tensor<16x96xf32>
  %v = lm.linear %x, %wv : tensor<?x48xf32>, tensor<48x48xf32> -> tensor<?x48xf32>
  %kv1 = lm.kv_append %kv, %x, %v {layer = 0} : !kv, tensor<?x48xf32>
  %a = lm.cached_attention %q, %kv1 {layer = 0, scale = 0.25 : f32} : tensor<?x96xf32>, !kv
  %y = lm.linear %a, %wo : tensor<?x96xf32>, tensor<16x96xf32> -> tensor<?x16xf32>
  return %y, %kv1 : tensor<?x16xf32>, !kv
}

// -----

!odd = !lm.kv<layers = 1, heads = 1, dim = 7, element = i8>

func.func @odd(%q: tensor<?x7xf32>, %kv: !odd) -> (tensor<?x7xf32>, !odd) {
  // expected-error@+1 {{heads of 7 elements cannot be rotated: expected an even number}}
  %kv1 = lm.kv_append %kv, %q, %q {layer = 0} : !odd, tensor<?x7xf32>
  %a = lm.cached_attention %q, %kv1 {layer = 0, scale = 0.25 : f32} : tensor<?x7xf32>, !odd
  return %a, %kv1 : tensor<?x7xf32>, !odd
}
