// RUN: quant-opt %s --verify-roundtrip | FileCheck %s
// The example of every op's description, in the order of LMOps.td.

// CHECK-LABEL: func @weight
func.func @weight() -> tensor<576xf32> {
  // CHECK: lm.weight "blk.0.attn_norm.weight" : tensor<576xf32>
  %g = lm.weight "blk.0.attn_norm.weight" : tensor<576xf32>
  return %g : tensor<576xf32>
}

// CHECK-LABEL: func @weight_low_bit
func.func @weight_low_bit() -> !lowbit.tensor<8x64, #lowbit.scheme<s8, group 32 scale f16>> {
  // CHECK: lm.weight "w" : !lowbit.tensor<8x64, #scheme{{[0-9]*}}>
  %w = lm.weight "w" : !lowbit.tensor<8x64, #lowbit.scheme<s8, group 32 scale f16>>
  return %w : !lowbit.tensor<8x64, #lowbit.scheme<s8, group 32 scale f16>>
}

// CHECK-LABEL: func @weight_permuted
func.func @weight_permuted() -> !lowbit.tensor<8x64, #lowbit.scheme<s8, group 32 scale f16>, permuted> {
  // CHECK: %[[P:.*]] = lm.weight "p" : tensor<64xi32>
  %p = lm.weight "p" : tensor<64xi32>
  // CHECK: lm.weight "w" permuted %[[P]] : !lowbit.tensor<8x64, #scheme{{[0-9]*}}, permuted>, tensor<64xi32>
  %w = lm.weight "w" permuted %p
     : !lowbit.tensor<8x64, #lowbit.scheme<s8, group 32 scale f16>, permuted>, tensor<64xi32>
  return %w : !lowbit.tensor<8x64, #lowbit.scheme<s8, group 32 scale f16>, permuted>
}

// CHECK-LABEL: func @embed
func.func @embed(%tokens: tensor<?xi32>, %table: tensor<49152x576xf32>) -> tensor<?x576xf32> {
  // CHECK: lm.embed %{{.*}}, %{{.*}} : tensor<?xi32>, tensor<49152x576xf32> -> tensor<?x576xf32>
  %x = lm.embed %tokens, %table {scale = 1.0 : f32}
     : tensor<?xi32>, tensor<49152x576xf32> -> tensor<?x576xf32>
  return %x : tensor<?x576xf32>
}

// CHECK-LABEL: func @embed_else
func.func @embed_else(%tokens: tensor<?xi32>, %table: tensor<96x64xf32>,
                      %rows: tensor<?x64xf32>) -> tensor<?x64xf32> {
  // CHECK: lm.embed %{{.*}}, %{{.*}} else %{{.*}} {scale = 8.000000e+00 : f32} : tensor<?xi32>, tensor<96x64xf32>, tensor<?x64xf32> -> tensor<?x64xf32>
  %x = lm.embed %tokens, %table else %rows {scale = 8.0 : f32}
     : tensor<?xi32>, tensor<96x64xf32>, tensor<?x64xf32> -> tensor<?x64xf32>
  return %x : tensor<?x64xf32>
}

// CHECK-LABEL: func @linear
func.func @linear(%x: tensor<?x576xf32>, %w: tensor<1536x576xf32>) -> tensor<?x1536xf32> {
  // CHECK: lm.linear %{{.*}}, %{{.*}} : tensor<?x576xf32>, tensor<1536x576xf32> -> tensor<?x1536xf32>
  %y = lm.linear %x, %w : tensor<?x576xf32>, tensor<1536x576xf32> -> tensor<?x1536xf32>
  return %y : tensor<?x1536xf32>
}

// CHECK-LABEL: func @linear_bias
func.func @linear_bias(%x: tensor<4x6xf32>, %w: tensor<3x6xf32>, %b: tensor<3xf32>) -> tensor<4x3xf32> {
  // CHECK: lm.linear %{{.*}}, %{{.*}} bias %{{.*}} : tensor<4x6xf32>, tensor<3x6xf32>, tensor<3xf32> -> tensor<4x3xf32>
  %y = lm.linear %x, %w bias %b : tensor<4x6xf32>, tensor<3x6xf32>, tensor<3xf32> -> tensor<4x3xf32>
  return %y : tensor<4x3xf32>
}

// CHECK-LABEL: func @rms_norm
func.func @rms_norm(%x: tensor<?x576xf32>, %g: tensor<576xf32>) -> tensor<?x576xf32> {
  // CHECK: lm.rms_norm %{{.*}}, %{{.*}} {epsilon = 9.99999974E-6 : f32} : tensor<?x576xf32>, tensor<576xf32>
  %y = lm.rms_norm %x, %g {epsilon = 1.0e-5 : f32} : tensor<?x576xf32>, tensor<576xf32>
  return %y : tensor<?x576xf32>
}

// CHECK-LABEL: func @layer_norm
func.func @layer_norm(%x: tensor<?x384xf32>, %g: tensor<384xf32>, %b: tensor<384xf32>) -> tensor<?x384xf32> {
  // CHECK: lm.layer_norm %{{.*}}, %{{.*}}, %{{.*}} {epsilon = 9.99999974E-6 : f32} : tensor<?x384xf32>, tensor<384xf32>, tensor<384xf32>
  %y = lm.layer_norm %x, %g, %b {epsilon = 1.0e-5 : f32}
     : tensor<?x384xf32>, tensor<384xf32>, tensor<384xf32>
  return %y : tensor<?x384xf32>
}

// CHECK-LABEL: func @activate
func.func @activate(%x: tensor<?x1536xf32>) -> tensor<?x1536xf32> {
  // CHECK: lm.activate gelu %{{.*}} : tensor<?x1536xf32>
  %y = lm.activate gelu %x : tensor<?x1536xf32>
  // CHECK: lm.activate gelu_tanh
  %z = lm.activate gelu_tanh %y : tensor<?x1536xf32>
  // CHECK: lm.activate relu2
  %r = lm.activate relu2 %z : tensor<?x1536xf32>
  return %r : tensor<?x1536xf32>
}

// CHECK-LABEL: func @gate
func.func @gate(%g: tensor<?x1536xf32>, %u: tensor<?x1536xf32>) -> tensor<?x1536xf32> {
  // CHECK: lm.activate relu %{{.*}} : tensor<?x1536xf32>
  %r = lm.activate relu %g : tensor<?x1536xf32>
  // CHECK: lm.gate silu %{{.*}}, %{{.*}} : tensor<?x1536xf32>
  %h = lm.gate silu %g, %u : tensor<?x1536xf32>
  return %h : tensor<?x1536xf32>
}

// CHECK-LABEL: func @add
func.func @add(%x: tensor<?x576xf32>, %attention: tensor<?x576xf32>) -> tensor<?x576xf32> {
  // CHECK: lm.add %{{.*}}, %{{.*}} : tensor<?x576xf32>
  %y = lm.add %x, %attention : tensor<?x576xf32>
  return %y : tensor<?x576xf32>
}

// CHECK-LABEL: func @rope_table
func.func @rope_table(%positions: tensor<?xi32>, %f: tensor<32xf32>) -> tensor<?x64xf32> {
  // CHECK: lm.rope_table %{{.*}} {base = 1.000000e+05 : f32} : tensor<?xi32> -> tensor<?x64xf32>
  %r = lm.rope_table %positions {base = 1.0e+5 : f32} : tensor<?xi32> -> tensor<?x64xf32>
  // CHECK: lm.rope_table %{{.*}} factors %{{.*}} {base = 1.000000e+05 : f32, frequency_scale = 2.500000e-01 : f32} : tensor<?xi32>, tensor<32xf32> -> tensor<?x64xf32>
  %s = lm.rope_table %positions factors %f {base = 1.0e+5 : f32, frequency_scale = 0.25 : f32}
     : tensor<?xi32>, tensor<32xf32> -> tensor<?x64xf32>
  return %s : tensor<?x64xf32>
}

// CHECK-LABEL: func @rope
func.func @rope(%x: tensor<?x576xf32>, %r: tensor<?x64xf32>) -> tensor<?x576xf32> {
  // CHECK: lm.rope pairs %{{.*}}, %{{.*}} {head_dim = 64 : i64} : tensor<?x576xf32>, tensor<?x64xf32>
  %q = lm.rope pairs %x, %r {head_dim = 64} : tensor<?x576xf32>, tensor<?x64xf32>
  return %q : tensor<?x576xf32>
}

// CHECK-LABEL: func @kv_append
// CHECK-SAME: !lm.kv<layers = 30, heads = 3, dim = 64, element = f16>
func.func @kv_append(%kv: !lm.kv<layers = 30, heads = 3, dim = 64, element = f16>,
                     %k: tensor<?x192xf32>, %v: tensor<?x192xf32>)
    -> !lm.kv<layers = 30, heads = 3, dim = 64, element = f16> {
  // CHECK: lm.kv_append %{{.*}}, %{{.*}}, %{{.*}} {layer = 0 : i64} : <layers = 30, heads = 3, dim = 64, element = f16>, tensor<?x192xf32>
  %kv1 = lm.kv_append %kv, %k, %v {layer = 0}
       : !lm.kv<layers = 30, heads = 3, dim = 64, element = f16>, tensor<?x192xf32>
  return %kv1 : !lm.kv<layers = 30, heads = 3, dim = 64, element = f16>
}

// CHECK-LABEL: func private @narrow_stores
// CHECK-SAME: !lm.kv<layers = 1, heads = 3, dim = 64, element = bf16>, !lm.kv<layers = 1, heads = 3, dim = 64, element = i8>
func.func private @narrow_stores(!lm.kv<layers = 1, heads = 3, dim = 64, element = bf16>,
                                 !lm.kv<layers = 1, heads = 3, dim = 64, element = i8>)

// CHECK-LABEL: func @cached_attention
func.func @cached_attention(%q: tensor<?x576xf32>,
                            %kv1: !lm.kv<layers = 30, heads = 3, dim = 64, element = f16>) -> tensor<?x576xf32> {
  // CHECK: lm.cached_attention %{{.*}}, %{{.*}} {layer = 0 : i64, scale = 1.250000e-01 : f32}
  %a = lm.cached_attention %q, %kv1 {layer = 0, scale = 0.125 : f32}
     : tensor<?x576xf32>, !lm.kv<layers = 30, heads = 3, dim = 64, element = f16>
  // CHECK: lm.cached_attention %{{.*}}, %{{.*}} {layer = 0 : i64, scale = 1.250000e-01 : f32, window = 512 : i64}
  %b = lm.cached_attention %a, %kv1 {layer = 0, scale = 0.125 : f32, window = 512}
     : tensor<?x576xf32>, !lm.kv<layers = 30, heads = 3, dim = 64, element = f16>
  return %b : tensor<?x576xf32>
}

// CHECK-LABEL: func @attention
func.func @attention(%q: tensor<197x384xf32>, %k: tensor<197x384xf32>, %v: tensor<197x384xf32>) -> tensor<197x384xf32> {
  // CHECK: lm.attention %{{.*}}, %{{.*}}, %{{.*}} {head_dim = 64 : i64, scale = 1.250000e-01 : f32} : tensor<197x384xf32>, tensor<197x384xf32>
  %a = lm.attention %q, %k, %v {head_dim = 64, scale = 0.125 : f32}
     : tensor<197x384xf32>, tensor<197x384xf32>
  // CHECK: lm.attention {{.*}}masked
  %b = lm.attention %a, %k, %v {head_dim = 64, scale = 0.125 : f32, masked, window = 32}
     : tensor<197x384xf32>, tensor<197x384xf32>
  return %b : tensor<197x384xf32>
}

// CHECK-LABEL: func @scale
func.func @scale(%w: tensor<96x64xf32>, %s: tensor<64xf32>, %r: tensor<96xf32>) -> tensor<64xf32> {
  // CHECK: lm.scale columns %{{.*}}, %{{.*}} : tensor<96x64xf32>, tensor<64xf32> -> tensor<96x64xf32>
  %a = lm.scale columns %w, %s : tensor<96x64xf32>, tensor<64xf32> -> tensor<96x64xf32>
  // CHECK: lm.scale rows %{{.*}}, %{{.*}} inverse
  %b = lm.scale rows %a, %r inverse : tensor<96x64xf32>, tensor<96xf32> -> tensor<96x64xf32>
  %c = lm.scale columns %s, %s : tensor<64xf32>, tensor<64xf32> -> tensor<64xf32>
  return %c : tensor<64xf32>
}

// CHECK-LABEL: func @rotate
func.func @rotate(%x: tensor<?x576xf32>) -> tensor<?x576xf32> {
  // CHECK: lm.rotate columns %{{.*}} {block = 64 : i64} : tensor<?x576xf32> -> tensor<?x576xf32>
  %y = lm.rotate columns %x {block = 64} : tensor<?x576xf32> -> tensor<?x576xf32>
  return %y : tensor<?x576xf32>
}

// CHECK-LABEL: func @gather_rows
func.func @gather_rows(%x: tensor<?x576xf32>, %out_rows: tensor<?xi32>) -> tensor<?x576xf32> {
  // CHECK: lm.gather_rows %{{.*}}, %{{.*}} : tensor<?x576xf32>, tensor<?xi32> -> tensor<?x576xf32>
  %last = lm.gather_rows %x, %out_rows
        : tensor<?x576xf32>, tensor<?xi32> -> tensor<?x576xf32>
  return %last : tensor<?x576xf32>
}

// CHECK-LABEL: func @mean_rows
func.func @mean_rows(%x: tensor<?x384xf32>, %first: tensor<?xi32>, %last: tensor<?xi32>) -> tensor<?x384xf32> {
  // CHECK: lm.mean_rows %{{.*}}, %{{.*}} to %{{.*}} : tensor<?x384xf32>, tensor<?xi32> -> tensor<?x384xf32>
  %e = lm.mean_rows %x, %first to %last
     : tensor<?x384xf32>, tensor<?xi32> -> tensor<?x384xf32>
  return %e : tensor<?x384xf32>
}

// CHECK-LABEL: func @probe
func.func @probe(%x: tensor<?x576xf32>) {
  // CHECK: lm.probe %{{.*}} {index = 0 : i64} : tensor<?x576xf32>
  lm.probe %x {index = 0} : tensor<?x576xf32>
  return
}
