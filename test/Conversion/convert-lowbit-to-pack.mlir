// RUN: quant-opt %s --convert-lowbit-to-pack --cse | FileCheck %s

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
