// RUN: quant-opt %s --verify-roundtrip | FileCheck %s
// The example of every op's description, in the order of LowBitOps.td.

// CHECK-DAG: #scheme{{[0-9]*}} = #lowbit.scheme<s8, group 32 scale f32>
// CHECK-DAG: #scheme{{[0-9]*}} = #lowbit.scheme<u4 offset 8, group 32 scale f16>
// CHECK-DAG: #scheme{{[0-9]*}} = #lowbit.scheme<s8, group 32 scale f16>
// CHECK-DAG: #quantizer{{[0-9]*}} = #lowbit.quantizer<absmax reach 127.0 least 1.0e-05, multiply>
// CHECK-DAG: #quantizer{{[0-9]*}} = #lowbit.quantizer<absmean reach 1.0 least 1.0e-05, multiply, clamp -1 1, in bf16>

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

// CHECK-LABEL: func @quantize_by
func.func @quantize_by(%x: tensor<?x576xf32>) -> !lowbit.tensor<?x576, #lowbit.scheme<s8, row divisor f32>> {
  // CHECK: lowbit.quantize %{{.*}} by #quantizer{{[0-9]*}} : tensor<?x576xf32> -> <?x576, #scheme{{[0-9]*}}>
  %b = lowbit.quantize %x by <absmax reach 127.0 least 1.0e-05, multiply>
     : tensor<?x576xf32> -> !lowbit.tensor<?x576, #lowbit.scheme<s8, row divisor f32>>
  return %b : !lowbit.tensor<?x576, #lowbit.scheme<s8, row divisor f32>>
}

// CHECK-LABEL: func @quantize_tensor
func.func @quantize_tensor(%w: tensor<256x784xf32>) {
  // CHECK: lowbit.quantize %{{.*}} by #quantizer{{[0-9]*}} : tensor<256x784xf32> -> <256x784, #scheme{{[0-9]*}}>
  %q = lowbit.quantize %w by <absmean reach 1 least 1.0e-5, clamp -1 1, in bf16>
     : tensor<256x784xf32> -> !lowbit.tensor<256x784, #lowbit.scheme<ternary, tensor divisor f32>>
  return
}

// CHECK-LABEL: func @dequantize
func.func @dequantize(%q: !lowbit.tensor<8x64, #lowbit.scheme<u4 offset 8, group 32 scale f16>>) -> tensor<8x64xf32> {
  // CHECK: lowbit.dequantize %{{.*}} : <8x64, #scheme{{[0-9]*}}> -> tensor<8x64xf32>
  %w = lowbit.dequantize %q
     : !lowbit.tensor<8x64, #lowbit.scheme<u4 offset 8, group 32 scale f16>> -> tensor<8x64xf32>
  return %w : tensor<8x64xf32>
}

// CHECK-LABEL: func @fake_quant
func.func @fake_quant(%w: tensor<64x128xf32>, %s: tensor<64x4xf32>, %z: tensor<64x4xf32>) -> tensor<64x128xf32> {
  // CHECK: lowbit.fake_quant %{{.*}} by #quantizer{{[0-9]*}} in #scheme{{[0-9]*}} : tensor<64x128xf32>
  %v = lowbit.fake_quant %w by <absmax reach 7.5, multiply>
       in <s4, group 32 scale f32> : tensor<64x128xf32>
  // CHECK: lowbit.fake_quant %{{.*}} by #quantizer{{[0-9]*}} in #scheme{{[0-9]*}} given %{{.*}} zero %{{.*}} : tensor<64x128xf32>, tensor<64x4xf32>, tensor<64x4xf32>
  %l = lowbit.fake_quant %v by <minmax, multiply>
       in <s4, group 32 scale f32 zero s4> given %s zero %z
     : tensor<64x128xf32>, tensor<64x4xf32>, tensor<64x4xf32>
  // CHECK: lowbit.fake_quant %{{.*}} by #quantizer{{[0-9]*}} in #scheme{{[0-9]*}} given %{{.*}} straight_through : tensor<64x128xf32>, tensor<64x4xf32>
  %t = lowbit.fake_quant %l by <absmax reach 7.5, multiply>
       in <s4, group 32 scale f32> given %s straight_through
     : tensor<64x128xf32>, tensor<64x4xf32>
  return %t : tensor<64x128xf32>
}

// CHECK-LABEL: func @observe
func.func @observe(%x: tensor<?x576xf32>) -> tensor<?x576xf32> {
  // CHECK: lowbit.observe %{{.*}} as "blk.0.attn_norm" min|max|second_moment : tensor<?x576xf32>
  %y = lowbit.observe %x as "blk.0.attn_norm" min|max|second_moment : tensor<?x576xf32>
  return %y : tensor<?x576xf32>
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
