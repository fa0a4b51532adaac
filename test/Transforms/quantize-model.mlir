// RUN: quant-opt %s --quantize-model | FileCheck %s --check-prefixes=CHECK,INT8
// RUN: quant-opt %s --quantize-model=activations=f32 | FileCheck %s --check-prefixes=CHECK,F32
// RUN: quant-opt %s --quantize-model=activations=int8-pow2 | FileCheck %s --check-prefixes=CHECK,POW2
// RUN: quant-opt %s --quantize-model=activations=per-token | FileCheck %s --check-prefixes=CHECK,TOKEN
// RUN: quant-opt %s --quantize-model=activations=int4 | FileCheck %s --check-prefixes=CHECK,INT4
// RUN: quant-opt %s --quantize-model=activations=int4-per-token | FileCheck %s --check-prefixes=CHECK,INT4ROW
// RUN: quant-opt %s --quantize-model=activations=binary | FileCheck %s --check-prefixes=CHECK,BINARY
// RUN: quant-opt %s --quantize-model=activations=bf16 | FileCheck %s --check-prefixes=CHECK,BF16

#q4 = #lowbit.scheme<u4 offset 8, group 32 scale f16>
#q6 = #lowbit.scheme<u6 offset 32, group 256 scale f16, group 16 scale s8>
#wide = #lowbit.scheme<s4, group 64 scale f16>

// INT8-DAG: #[[A32:.*]] = #lowbit.scheme<s8, group 32 scale f32>
// INT8-DAG: #[[A64:.*]] = #lowbit.scheme<s8, group 64 scale f32>
// POW2-DAG: #[[P32:.*]] = #lowbit.scheme<s8, group 32 scale e8m0>
// TOKEN-DAG: #[[ROW:.*]] = #lowbit.scheme<s8, row scale f32>
// INT4-DAG: #[[FOUR:.*]] = #lowbit.scheme<s4, group 32 scale f32>
// INT4-DAG: #[[A32:.*]] = #lowbit.scheme<s8, group 32 scale f32>
// INT4-DAG: #[[BY:.*]] = #lowbit.quantizer<absmax reach 8.0, scale least 1.1754944e-38, multiply, clamp -8 7>
// INT4ROW-DAG: #[[FROW:.*]] = #lowbit.scheme<s4, row scale f32>
// INT4ROW-DAG: #[[ROW:.*]] = #lowbit.scheme<s8, row scale f32>
// BINARY-DAG: #[[A32:.*]] = #lowbit.scheme<s8, group 32 scale f32>
// BINARY-DAG: #[[SIGN:.*]] = #lowbit.scheme<sign, row scale f32>

// CHECK-LABEL: func @linear
func.func @linear(%x: tensor<?x64xf32>) -> tensor<?x96xf32> {
  %w = lm.weight "w" : !lowbit.tensor<96x64, #q4>
  // INT8: lowbit.quantize %{{.*}} -> <?x64, #[[A32]]>
  // INT4: lowbit.quantize %{{.*}} by #[[BY]] : {{.*}} -> <?x64, #[[FOUR]]>
  // INT4ROW: lowbit.quantize %{{.*}} by #{{.*}} -> <?x64, #[[FROW]]>
  // BINARY: lowbit.quantize %{{.*}} -> <?x64, #[[A32]]>
  // POW2: lowbit.quantize %{{.*}} -> <?x64, #[[P32]]>
  // TOKEN: lowbit.quantize %{{.*}} -> <?x64, #[[ROW]]>
  // BF16: lowbit.quantize %{{.*}} -> <?x64, #[[BF16:.*]]>
  // F32-NOT: lowbit.quantize
  // CHECK: lowbit.linear
  // CHECK-NOT: lm.linear
  %y = lm.linear %x, %w : tensor<?x64xf32>, !lowbit.tensor<96x64, #q4> -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}

// A weight's group that is longer than 32 is the activation's too.
// CHECK-LABEL: func @long_groups
func.func @long_groups(%x: tensor<?x128xf32>) -> tensor<?x96xf32> {
  %w = lm.weight "w64" : !lowbit.tensor<96x128, #wide>
  // INT8: lowbit.quantize %{{.*}} -> <?x128, #[[A64]]>
  %y = lm.linear %x, %w : tensor<?x128xf32>, !lowbit.tensor<96x128, #wide> -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}

// One that is shorter is not. Codes of 6 bits do not meet 4.
// CHECK-LABEL: func @short_groups
func.func @short_groups(%x: tensor<?x256xf32>) -> tensor<?x96xf32> {
  %w = lm.weight "w16" : !lowbit.tensor<96x256, #q6>
  // INT4: lowbit.quantize %arg0 : {{.*}} -> <?x256, #[[A32]]>
  // INT4ROW: lowbit.quantize %arg0 : {{.*}} -> <?x256, #[[ROW]]>
  // INT8: lowbit.quantize %{{.*}} -> <?x256, #[[A32]]>
  %y = lm.linear %x, %w : tensor<?x256xf32>, !lowbit.tensor<96x256, #q6> -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}

// Signs meet signs if their groups are whole words.
// CHECK-LABEL: func @signs
func.func @signs(%x: tensor<?x192xf32>) -> (tensor<?x96xf32>, tensor<?x96xf32>, tensor<?x96xf32>) {
  %v = lm.weight "s0" : !lowbit.tensor<96x192, #lowbit.scheme<sign, row scale f16>>
  %w = lm.weight "s64" : !lowbit.tensor<96x192, #lowbit.scheme<sign, group 64 scale f16>>
  %u = lm.weight "s48" : !lowbit.tensor<96x192, #lowbit.scheme<sign, group 48 scale f16>>
  // BINARY-DAG: %[[S:.*]] = lowbit.quantize %{{.*}} -> <?x192, #[[SIGN]]>
  // BINARY-DAG: %[[B:.*]] = lowbit.quantize %{{.*}} -> <?x192, #{{.*}}>
  // BINARY: lowbit.linear %[[S]],
  // BINARY: lowbit.linear %[[S]],
  // BINARY: lowbit.linear %[[B]],
  %a = lm.linear %x, %v : tensor<?x192xf32>, !lowbit.tensor<96x192, #lowbit.scheme<sign, row scale f16>> -> tensor<?x96xf32>
  %b = lm.linear %x, %w : tensor<?x192xf32>, !lowbit.tensor<96x192, #lowbit.scheme<sign, group 64 scale f16>> -> tensor<?x96xf32>
  %c = lm.linear %x, %u : tensor<?x192xf32>, !lowbit.tensor<96x192, #lowbit.scheme<sign, group 48 scale f16>> -> tensor<?x96xf32>
  return %a, %b, %c : tensor<?x96xf32>, tensor<?x96xf32>, tensor<?x96xf32>
}

// Floats keep real activations.
// CHECK-LABEL: func @float_weights
func.func @float_weights(%x: tensor<?x64xf32>) -> tensor<?x96xf32> {
  %w = lm.weight "wf" : !lowbit.tensor<96x64, #lowbit.scheme<f16>>
  // CHECK-NOT: lowbit.quantize
  // CHECK: lowbit.linear %{{.*}}, %{{.*}} : tensor<?x64xf32>
  %y = lm.linear %x, %w : tensor<?x64xf32>, !lowbit.tensor<96x64, #lowbit.scheme<f16>> -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}

// Those of bf16 meet rows of bf16.
// CHECK-LABEL: func @bf16_weights
func.func @bf16_weights(%x: tensor<?x64xf32>) -> tensor<?x96xf32> {
  %w = lm.weight "wb" : !lowbit.tensor<96x64, #lowbit.scheme<bf16>>
  // BF16: lowbit.quantize
  // INT8-NOT: lowbit.quantize
  // CHECK: lowbit.linear
  %y = lm.linear %x, %w : tensor<?x64xf32>, !lowbit.tensor<96x64, #lowbit.scheme<bf16>> -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}

// CHECK-LABEL: func @embed
func.func @embed(%tokens: tensor<?xi32>) -> tensor<?x64xf32> {
  %w = lm.weight "w" : !lowbit.tensor<96x64, #q4>
  // CHECK: lowbit.embed
  %x = lm.embed %tokens, %w : tensor<?xi32>, !lowbit.tensor<96x64, #q4> -> tensor<?x64xf32>
  return %x : tensor<?x64xf32>
}

// Codes are shared by layers of one permutation alone, behind what they read.
// CHECK-LABEL: func @permuted
func.func @permuted(%x: tensor<?x64xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK: %[[P:.*]] = lm.weight "p"
  %p = lm.weight "p" : tensor<64xi32>
  // INT8-NEXT: %[[XP:.*]] = lowbit.quantize %{{.*}} permuted %[[P]] : tensor<?x64xf32>, tensor<64xi32> -> <?x64, #[[A32]], permuted>
  // CHECK: %[[R:.*]] = lm.weight "r"
  // INT8-NEXT: %[[XR:.*]] = lowbit.quantize %{{.*}} permuted %[[R]]
  %r = lm.weight "r" : tensor<64xi32>
  // INT8-NOT: lowbit.quantize
  %a = lm.weight "a" permuted %p : !lowbit.tensor<8x64, #q4, permuted>, tensor<64xi32>
  %b = lm.weight "b" permuted %r : !lowbit.tensor<8x64, #q4, permuted>, tensor<64xi32>
  %c = lm.weight "c" permuted %p : !lowbit.tensor<8x64, #q4, permuted>, tensor<64xi32>
  %d = lm.weight "d" : !lowbit.tensor<8x64, #q4>
  // INT8: lowbit.linear %[[XP]],
  %ya = lm.linear %x, %a : tensor<?x64xf32>, !lowbit.tensor<8x64, #q4, permuted> -> tensor<?x8xf32>
  // INT8: lowbit.linear %[[XR]],
  %yb = lm.linear %x, %b : tensor<?x64xf32>, !lowbit.tensor<8x64, #q4, permuted> -> tensor<?x8xf32>
  // INT8: lowbit.linear %[[XP]],
  %yc = lm.linear %x, %c : tensor<?x64xf32>, !lowbit.tensor<8x64, #q4, permuted> -> tensor<?x8xf32>
  // F32: lowbit.linear %{{.*}}, %{{.*}} : tensor<?x64xf32>, <8x64, #{{.*}}, permuted>
  %yd = lm.linear %x, %d : tensor<?x64xf32>, !lowbit.tensor<8x64, #q4> -> tensor<?x8xf32>
  return %ya, %yb, %yc, %yd : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}
