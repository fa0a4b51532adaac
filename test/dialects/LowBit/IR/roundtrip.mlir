// RUN: quant-opt %s --verify-roundtrip | FileCheck %s
// The example of every op's description, in the order of LowBitOps.td.

// CHECK-DAG: #scheme{{[0-9]*}} = #lowbit.scheme<s8, group 32 scale f32>
// CHECK-DAG: #scheme{{[0-9]*}} = #lowbit.scheme<u4 offset 8, group 32 scale f16>
// CHECK-DAG: #scheme{{[0-9]*}} = #lowbit.scheme<s8, group 32 scale f16>

// CHECK-LABEL: func @quantize
func.func @quantize(%x: tensor<?x576xf32>) -> !lowbit.tensor<?x576, #lowbit.scheme<s8, group 32 scale f32>> {
  // CHECK: lowbit.quantize %{{.*}} : tensor<?x576xf32> -> <?x576, #scheme{{[0-9]*}}>
  %q = lowbit.quantize %x : tensor<?x576xf32>
     -> !lowbit.tensor<?x576, #lowbit.scheme<s8, group 32 scale f32>>
  return %q : !lowbit.tensor<?x576, #lowbit.scheme<s8, group 32 scale f32>>
}

// CHECK-LABEL: func @quantize_permuted
func.func @quantize_permuted(%x: tensor<?x576xf32>, %p: tensor<576xi32>)
    -> !lowbit.tensor<?x576, #lowbit.scheme<s8, group 32 scale f32>, permuted> {
  // CHECK: lowbit.quantize %{{.*}} permuted %{{.*}} : tensor<?x576xf32>, tensor<576xi32> -> <?x576, #scheme{{[0-9]*}}, permuted>
  %r = lowbit.quantize %x permuted %p : tensor<?x576xf32>, tensor<576xi32>
     -> !lowbit.tensor<?x576, #lowbit.scheme<s8, group 32 scale f32>, permuted>
  return %r : !lowbit.tensor<?x576, #lowbit.scheme<s8, group 32 scale f32>, permuted>
}

// CHECK-LABEL: func @dequantize
func.func @dequantize(%q: !lowbit.tensor<8x64, #lowbit.scheme<u4 offset 8, group 32 scale f16>>) -> tensor<8x64xf32> {
  // CHECK: lowbit.dequantize %{{.*}} : <8x64, #scheme{{[0-9]*}}> -> tensor<8x64xf32>
  %w = lowbit.dequantize %q
     : !lowbit.tensor<8x64, #lowbit.scheme<u4 offset 8, group 32 scale f16>> -> tensor<8x64xf32>
  return %w : tensor<8x64xf32>
}

// CHECK-LABEL: func @linear
func.func @linear(%q: !lowbit.tensor<?x64, #lowbit.scheme<s8, group 32 scale f32>>,
                  %w: !lowbit.tensor<96x64, #lowbit.scheme<u4 offset 8, group 32 scale f16>>) -> tensor<?x96xf32> {
  // CHECK: lowbit.linear %{{.*}}, %{{.*}} : !lowbit.tensor<?x64, #scheme{{[0-9]*}}>, <96x64, #scheme{{[0-9]*}}> -> tensor<?x96xf32>
  %y = lowbit.linear %q, %w
     : !lowbit.tensor<?x64, #lowbit.scheme<s8, group 32 scale f32>>,
       !lowbit.tensor<96x64, #lowbit.scheme<u4 offset 8, group 32 scale f16>> -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}

// CHECK-LABEL: func @linear_reals_bias
func.func @linear_reals_bias(%x: tensor<?x64xf32>, %b: tensor<96xf32>,
                             %w: !lowbit.tensor<96x64, #lowbit.scheme<u4 offset 8, group 32 scale f16>>) -> tensor<?x96xf32> {
  // CHECK: lowbit.linear %{{.*}}, %{{.*}} bias %{{.*}} : tensor<?x64xf32>, <96x64, #scheme{{[0-9]*}}>, tensor<96xf32> -> tensor<?x96xf32>
  %y = lowbit.linear %x, %w bias %b
     : tensor<?x64xf32>, !lowbit.tensor<96x64, #lowbit.scheme<u4 offset 8, group 32 scale f16>>,
       tensor<96xf32> -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}

// CHECK-LABEL: func @embed
func.func @embed(%tokens: tensor<?xi32>, %table: !lowbit.tensor<96x64, #lowbit.scheme<s8, group 32 scale f16>>,
                 %rows: tensor<?x64xf32>) -> tensor<?x64xf32> {
  // CHECK: lowbit.embed %{{.*}}, %{{.*}} : tensor<?xi32>, <96x64, #scheme{{[0-9]*}}> -> tensor<?x64xf32>
  %x = lowbit.embed %tokens, %table {scale = 1.0 : f32}
     : tensor<?xi32>, !lowbit.tensor<96x64, #lowbit.scheme<s8, group 32 scale f16>> -> tensor<?x64xf32>
  // CHECK: lowbit.embed %{{.*}}, %{{.*}} else %{{.*}} : tensor<?xi32>, <96x64, #scheme{{[0-9]*}}>, tensor<?x64xf32> -> tensor<?x64xf32>
  %y = lowbit.embed %tokens, %table else %rows
     : tensor<?xi32>, !lowbit.tensor<96x64, #lowbit.scheme<s8, group 32 scale f16>>, tensor<?x64xf32>
     -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
