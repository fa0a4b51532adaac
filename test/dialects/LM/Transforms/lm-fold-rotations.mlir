// RUN: quant-opt %s --lm-fold-rotations | FileCheck %s

// CHECK-LABEL: func @pair
func.func @pair(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK-NEXT: return %arg0
  %a = lm.rotate columns %x {block = 8} : tensor<?x8xf32> -> tensor<?x8xf32>
  %b = lm.rotate columns %a {block = 8} : tensor<?x8xf32> -> tensor<?x8xf32>
  return %b : tensor<?x8xf32>
}

// Other blocks are other rotations.
// CHECK-LABEL: func @other_block
func.func @other_block(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK-COUNT-2: lm.rotate
  %a = lm.rotate columns %x {block = 8} : tensor<?x8xf32> -> tensor<?x8xf32>
  %b = lm.rotate columns %a {block = 4} : tensor<?x8xf32> -> tensor<?x8xf32>
  return %b : tensor<?x8xf32>
}

// Through the attention, within heads, into the rows of the values' weight.
!kv = !lm.kv<layers = 1, heads = 2, dim = 4, element = f16>
// CHECK-LABEL: func @values
func.func @values(%x: tensor<?x8xf32>, %kv: !kv) -> (tensor<?x16xf32>, !kv) {
  // CHECK: %[[W:.*]] = lm.weight "v"
  // CHECK: %[[R:.*]] = lm.rotate rows %[[W]] {block = 4 : i64}
  %w = lm.weight "v" : tensor<8x8xf32>
  // CHECK: %[[V:.*]] = lm.linear %arg0, %[[R]]
  %v = lm.linear %x, %w : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
  %q = lm.weight "q" : tensor<16x8xf32>
  %y = lm.linear %x, %q : tensor<?x8xf32>, tensor<16x8xf32> -> tensor<?x16xf32>
  // CHECK: lm.kv_append %arg1, %arg0, %[[V]]
  %kv1 = lm.kv_append %kv, %x, %v {layer = 0} : !kv, tensor<?x8xf32>
  %a = lm.cached_attention %y, %kv1 {layer = 0, scale = 1.0 : f32} : tensor<?x16xf32>, !kv
  // CHECK-NOT: lm.rotate columns
  %r = lm.rotate columns %a {block = 4} : tensor<?x16xf32> -> tensor<?x16xf32>
  return %r, %kv1 : tensor<?x16xf32>, !kv
}

// Somebody else reads what is not rotated; a bias would have to be rotated too.
// CHECK-LABEL: func @stays
func.func @stays(%x: tensor<?x8xf32>, %bias: tensor<8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK-COUNT-2: lm.rotate columns
  %w = lm.weight "w" : tensor<8x8xf32>
  %y = lm.linear %x, %w : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
  %r = lm.rotate columns %y {block = 8} : tensor<?x8xf32> -> tensor<?x8xf32>
  %z = lm.linear %x, %w bias %bias : tensor<?x8xf32>, tensor<8x8xf32>, tensor<8xf32> -> tensor<?x8xf32>
  %s = lm.rotate columns %z {block = 8} : tensor<?x8xf32> -> tensor<?x8xf32>
  return %y, %r, %s : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}
