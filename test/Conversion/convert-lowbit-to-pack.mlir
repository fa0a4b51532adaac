// RUN: quant-opt %s --convert-lowbit-to-pack --cse | FileCheck %s

// CHECK: #[[NARROW:.*]] = #lowbit.quantizer<absmax reach 7.5, multiply, clamp -8 7>

#q4 = #lowbit.scheme<u4 offset 8, group 32 scale f16>
#a8 = #lowbit.scheme<s8, group 32 scale f32>

// CHECK-LABEL: func @linear
func.func @linear(%x: tensor<?x64xf32>) -> tensor<?x96xf32> {
  // CHECK: %[[W:.*]] = pack.weight "w" : <96x64,
  %w = lm.weight "w" : !lowbit.tensor<96x64, #q4>
  // CHECK: %[[R:.*]] = pack.pack_rows %{{.*}} -> <64, bits = 8, group = 32, scale_groups = 1>
  %q = lowbit.quantize %x : tensor<?x64xf32> -> !lowbit.tensor<?x64, #a8>
  // CHECK: pack.linear %[[R]], %[[W]]
  // CHECK-NOT: lowbit.
  %y = lowbit.linear %q, %w : !lowbit.tensor<?x64, #a8>, !lowbit.tensor<96x64, #q4> -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}

// In the exact mode the rows hold reals.
// CHECK-LABEL: func @reals
func.func @reals(%x: tensor<?x64xf32>) -> tensor<?x96xf32> {
  %w = lm.weight "w" : !lowbit.tensor<96x64, #q4>
  // CHECK: pack.pack_rows %{{.*}} -> <64, bits = 32, group = 32,
  // CHECK: pack.linear
  %y = lowbit.linear %x, %w : tensor<?x64xf32>, !lowbit.tensor<96x64, #q4> -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}

// Signs have one scale for the row.
// CHECK-LABEL: func @signs
func.func @signs(%x: tensor<?x64xf32>) -> tensor<?x96xf32> {
  %w = lm.weight "s" : !lowbit.tensor<96x64, #lowbit.scheme<sign, group 32 scale f16>>
  // CHECK: pack.pack_rows %{{.*}} -> <64, bits = 1, group = 32, scale_groups = 0>
  %q = lowbit.quantize %x : tensor<?x64xf32> -> !lowbit.tensor<?x64, #lowbit.scheme<sign, row scale f32>>
  %y = lowbit.linear %q, %w : !lowbit.tensor<?x64, #lowbit.scheme<sign, row scale f32>>, !lowbit.tensor<96x64, #lowbit.scheme<sign, group 32 scale f16>> -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}

// CHECK-LABEL: func @residual
func.func @residual(%x: tensor<?x64xf32>, %before: tensor<?x96xf32>) -> tensor<?x96xf32> {
  %w = lm.weight "w" : !lowbit.tensor<96x64, #q4>
  %q = lowbit.quantize %x : tensor<?x64xf32> -> !lowbit.tensor<?x64, #a8>
  %y = lowbit.linear %q, %w : !lowbit.tensor<?x64, #a8>, !lowbit.tensor<96x64, #q4> -> tensor<?x96xf32>
  // CHECK: pack.linear {{.*}} residual %{{.*}}
  // CHECK-NOT: lm.add
  %z = lm.add %before, %y : tensor<?x96xf32>
  return %z : tensor<?x96xf32>
}

// The product has another use: the sum stays.
// CHECK-LABEL: func @two_uses
func.func @two_uses(%x: tensor<?x64xf32>, %before: tensor<?x96xf32>) -> (tensor<?x96xf32>, tensor<?x96xf32>) {
  %w = lm.weight "w" : !lowbit.tensor<96x64, #q4>
  %q = lowbit.quantize %x : tensor<?x64xf32> -> !lowbit.tensor<?x64, #a8>
  %y = lowbit.linear %q, %w : !lowbit.tensor<?x64, #a8>, !lowbit.tensor<96x64, #q4> -> tensor<?x96xf32>
  // CHECK-NOT: residual
  // CHECK: lm.add
  %z = lm.add %before, %y : tensor<?x96xf32>
  return %y, %z : tensor<?x96xf32>, tensor<?x96xf32>
}

// Two weights with the same groups share their rows.
// CHECK-LABEL: func @shared_rows
func.func @shared_rows(%x: tensor<?x64xf32>) -> (tensor<?x96xf32>, tensor<?x32xf32>) {
  %w = lm.weight "w" : !lowbit.tensor<96x64, #q4>
  %v = lm.weight "v" : !lowbit.tensor<32x64, #q4>
  // CHECK-COUNT-1: pack.pack_rows
  // CHECK-NOT: pack.pack_rows
  %q = lowbit.quantize %x : tensor<?x64xf32> -> !lowbit.tensor<?x64, #a8>
  %y = lowbit.linear %q, %w : !lowbit.tensor<?x64, #a8>, !lowbit.tensor<96x64, #q4> -> tensor<?x96xf32>
  %z = lowbit.linear %q, %v : !lowbit.tensor<?x64, #a8>, !lowbit.tensor<32x64, #q4> -> tensor<?x32xf32>
  return %y, %z : tensor<?x96xf32>, tensor<?x32xf32>
}

// CHECK-LABEL: func @embed
func.func @embed(%tokens: tensor<?xi32>) -> tensor<?x64xf32> {
  %w = lm.weight "w" : !lowbit.tensor<96x64, #q4>
  // CHECK: pack.embed
  %x = lowbit.embed %tokens, %w {scale = 1.0 : f32} : tensor<?xi32>, !lowbit.tensor<96x64, #q4> -> tensor<?x64xf32>
  return %x : tensor<?x64xf32>
}

// Panels keep the stored order; rows are made in it, and shared by weights of one
// permutation alone.
// CHECK-LABEL: func @permuted
func.func @permuted(%x: tensor<?x64xf32>) -> (tensor<?x96xf32>, tensor<?x32xf32>, tensor<?x32xf32>) {
  // CHECK-DAG: %[[P:.*]] = lm.weight "p" : tensor<64xi32>
  // CHECK-DAG: %[[R:.*]] = lm.weight "r" : tensor<64xi32>
  %p = lm.weight "p" : tensor<64xi32>
  %r = lm.weight "r" : tensor<64xi32>
  // CHECK: pack.weight "w" : <96x64,
  %w = lm.weight "w" permuted %p : !lowbit.tensor<96x64, #q4, permuted>, tensor<64xi32>
  %v = lm.weight "v" permuted %p : !lowbit.tensor<32x64, #q4, permuted>, tensor<64xi32>
  %u = lm.weight "u" permuted %r : !lowbit.tensor<32x64, #q4, permuted>, tensor<64xi32>
  %q = lowbit.quantize %x permuted %p : tensor<?x64xf32>, tensor<64xi32> -> !lowbit.tensor<?x64, #a8, permuted>
  %s = lowbit.quantize %x permuted %r : tensor<?x64xf32>, tensor<64xi32> -> !lowbit.tensor<?x64, #a8, permuted>
  // CHECK: %[[XP:.*]] = pack.pack_rows %{{.*}} permuted %[[P]] : tensor<?x64xf32>, tensor<64xi32> -> <64, bits = 8,
  // CHECK: pack.linear %[[XP]],
  // CHECK-NEXT: pack.linear %[[XP]],
  // CHECK: %[[XR:.*]] = pack.pack_rows %{{.*}} permuted %[[R]]
  // CHECK: pack.linear %[[XR]],
  %y = lowbit.linear %q, %w
     : !lowbit.tensor<?x64, #a8, permuted>, !lowbit.tensor<96x64, #q4, permuted> -> tensor<?x96xf32>
  %z = lowbit.linear %q, %v
     : !lowbit.tensor<?x64, #a8, permuted>, !lowbit.tensor<32x64, #q4, permuted> -> tensor<?x32xf32>
  %t = lowbit.linear %s, %u
     : !lowbit.tensor<?x64, #a8, permuted>, !lowbit.tensor<32x64, #q4, permuted> -> tensor<?x32xf32>
  return %y, %z, %t : tensor<?x96xf32>, tensor<?x32xf32>, tensor<?x32xf32>
}

// Real activations of the same x: in order for one weight, permuted for the other.
// CHECK-LABEL: func @permuted_reals
func.func @permuted_reals(%x: tensor<?x64xf32>) -> (tensor<?x96xf32>, tensor<?x96xf32>) {
  // CHECK: %[[P:.*]] = lm.weight "p"
  %p = lm.weight "p" : tensor<64xi32>
  %w = lm.weight "w" permuted %p : !lowbit.tensor<96x64, #q4, permuted>, tensor<64xi32>
  %v = lm.weight "v" : !lowbit.tensor<96x64, #q4>
  // CHECK: pack.pack_rows %{{.*}} permuted %[[P]] : tensor<?x64xf32>, tensor<64xi32> -> <64, bits = 32,
  %y = lowbit.linear %x, %w : tensor<?x64xf32>, !lowbit.tensor<96x64, #q4, permuted> -> tensor<?x96xf32>
  // CHECK: pack.pack_rows %{{[a-z0-9]*}} : tensor<?x64xf32> -> <64, bits = 32,
  %z = lowbit.linear %x, %v : tensor<?x64xf32>, !lowbit.tensor<96x64, #q4> -> tensor<?x96xf32>
  return %y, %z : tensor<?x96xf32>, tensor<?x96xf32>
}

// A table that is also the head: one copy of the panels.
// CHECK-LABEL: func @permuted_embed
func.func @permuted_embed(%tokens: tensor<?xi32>) -> tensor<?x96xf32> {
  // CHECK: %[[P:.*]] = lm.weight "p"
  %p = lm.weight "p" : tensor<64xi32>
  %w = lm.weight "w" permuted %p : !lowbit.tensor<96x64, #q4, permuted>, tensor<64xi32>
  // CHECK: %[[W:.*]] = pack.weight "w"
  // CHECK: %[[X:.*]] = pack.embed %{{.*}}, %[[W]] permuted %[[P]] :
  %x = lowbit.embed %tokens, %w : tensor<?xi32>, !lowbit.tensor<96x64, #q4, permuted> -> tensor<?x64xf32>
  // CHECK: %[[R:.*]] = pack.pack_rows %[[X]] permuted %[[P]]
  // CHECK: pack.linear %[[R]], %[[W]]
  %y = lowbit.linear %x, %w : tensor<?x64xf32>, !lowbit.tensor<96x64, #q4, permuted> -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}

// A quantizer goes with the rows; layers that want the same of x share them.
#bits = #lowbit.scheme<ternary, tensor divisor f32>
#codes = #lowbit.scheme<s8, row divisor f32>
#by = #lowbit.quantizer<absmax reach 127 least 1.0e-05, multiply, clamp -128 127>
// CHECK-LABEL: func @quantizer
func.func @quantizer(%x: tensor<?x64xf32>) -> (tensor<?x96xf32>, tensor<?x96xf32>) {
  %w = lm.weight "t" : !lowbit.tensor<96x64, #bits>
  // CHECK: %[[R:.*]] = pack.pack_rows %{{.*}} by #quantizer divisor : tensor<?x64xf32> -> <64, bits = 8, group = 0, scale_groups = 0>
  %q = lowbit.quantize %x by #by : tensor<?x64xf32> -> !lowbit.tensor<?x64, #codes>
  // CHECK: pack.linear %[[R]]
  %y = lowbit.linear %q, %w : !lowbit.tensor<?x64, #codes>, !lowbit.tensor<96x64, #bits> -> tensor<?x96xf32>
  %v = lm.weight "u" : !lowbit.tensor<96x64, #bits>
  // CHECK: pack.linear %[[R]]
  %z = lowbit.linear %q, %v : !lowbit.tensor<?x64, #codes>, !lowbit.tensor<96x64, #bits> -> tensor<?x96xf32>
  return %y, %z : tensor<?x96xf32>, tensor<?x96xf32>
}

// The same x by another quantizer is other rows.
// CHECK-LABEL: func @two_quantizers
func.func @two_quantizers(%x: tensor<?x64xf32>) -> (tensor<?x96xf32>, tensor<?x96xf32>) {
  %w = lm.weight "t" : !lowbit.tensor<96x64, #bits>
  // CHECK: pack.pack_rows
  // CHECK: pack.pack_rows
  %q = lowbit.quantize %x by #by : tensor<?x64xf32> -> !lowbit.tensor<?x64, #codes>
  %p = lowbit.quantize %x : tensor<?x64xf32> -> !lowbit.tensor<?x64, #lowbit.scheme<s8, row scale f32>>
  %y = lowbit.linear %q, %w : !lowbit.tensor<?x64, #codes>, !lowbit.tensor<96x64, #bits> -> tensor<?x96xf32>
  %z = lowbit.linear %p, %w : !lowbit.tensor<?x64, #lowbit.scheme<s8, row scale f32>>, !lowbit.tensor<96x64, #bits> -> tensor<?x96xf32>
  return %y, %z : tensor<?x96xf32>, tensor<?x96xf32>
}

// Codes of 4 bits lie in bytes: the clamp says how many there are.
// CHECK-LABEL: func @four_bits
func.func @four_bits(%x: tensor<?x64xf32>) -> tensor<?x96xf32> {
  %w = lm.weight "w4" : !lowbit.tensor<96x64, #lowbit.scheme<s8, row scale f16>>
  // CHECK: pack.pack_rows %{{.*}} by #[[NARROW]] : tensor<?x64xf32> -> <64, bits = 8, group = 0, scale_groups = 0>
  %q = lowbit.quantize %x by <absmax reach 7.5, multiply> : tensor<?x64xf32> -> !lowbit.tensor<?x64, #lowbit.scheme<s4, row scale f32>>
  %y = lowbit.linear %q, %w : !lowbit.tensor<?x64, #lowbit.scheme<s4, row scale f32>>, !lowbit.tensor<96x64, #lowbit.scheme<s8, row scale f16>> -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}
