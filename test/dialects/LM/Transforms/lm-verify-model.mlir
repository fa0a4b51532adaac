// RUN: quant-opt %s --lm-verify-model --split-input-file | FileCheck %s
// What the import stage produces, in small: two layers that share one table of
// rotary positions, a tied head.

module attributes {lm.model = {architecture = "llama", context = 128 : i64,
                               embedding = 64 : i64, heads = 4 : i64,
                               layers = 2 : i64, vocabulary = 100 : i64}} {
  // CHECK-LABEL: func @text
  func.func @text(%tokens: tensor<?xi32>, %embeddings: tensor<?x64xf32>,
                  %positions: tensor<?xi32>, %out_rows: tensor<?xi32>,
                  %kv: !lm.kv<layers = 2, heads = 2, dim = 16, element = f16>)
      -> (tensor<?x100xf32>, !lm.kv<layers = 2, heads = 2, dim = 16, element = f16>) {
    %table = lm.weight "token_embd.weight" : tensor<100x64xf32>
    %factors = arith.constant dense<1.0> : tensor<8xf32>
    %r = lm.rope_table %positions factors %factors {base = 1.0e+4 : f32}
       : tensor<?xi32>, tensor<8xf32> -> tensor<?x16xf32>
    %wq = lm.weight "blk.0.attn_q.weight" : tensor<64x64xf32>
    %wk = lm.weight "blk.0.attn_k.weight" : tensor<32x64xf32>
    %x = lm.embed %tokens, %table else %embeddings
       : tensor<?xi32>, tensor<100x64xf32>, tensor<?x64xf32> -> tensor<?x64xf32>
    %q = lm.linear %x, %wq : tensor<?x64xf32>, tensor<64x64xf32> -> tensor<?x64xf32>
    %k = lm.linear %x, %wk : tensor<?x64xf32>, tensor<32x64xf32> -> tensor<?x32xf32>
    %qr = lm.rope pairs %q, %r {head_dim = 16} : tensor<?x64xf32>, tensor<?x16xf32>
    // CHECK: lm.kv_append %{{.*}} {layer = 0
    %kv1 = lm.kv_append %kv, %k, %k {layer = 0}
         : !lm.kv<layers = 2, heads = 2, dim = 16, element = f16>, tensor<?x32xf32>
    // Layer 1 may be appended before layer 0 is read: the store has both.
    %kv2 = lm.kv_append %kv1, %k, %k {layer = 1}
         : !lm.kv<layers = 2, heads = 2, dim = 16, element = f16>, tensor<?x32xf32>
    %a = lm.cached_attention %qr, %kv2 {layer = 0, scale = 0.25 : f32}
       : tensor<?x64xf32>, !lm.kv<layers = 2, heads = 2, dim = 16, element = f16>
    %b = lm.cached_attention %qr, %kv2 {layer = 1, scale = 0.25 : f32, window = 8}
       : tensor<?x64xf32>, !lm.kv<layers = 2, heads = 2, dim = 16, element = f16>
    lm.probe %a {index = 0} : tensor<?x64xf32>
    lm.probe %b {index = 1} : tensor<?x64xf32>
    %y = lm.add %a, %b : tensor<?x64xf32>
    %last = lm.gather_rows %y, %out_rows : tensor<?x64xf32>, tensor<?xi32> -> tensor<?x64xf32>
    // CHECK: lm.linear %{{.*}}, %[[TABLE:.*]] : tensor<?x64xf32>, tensor<100x64xf32> -> tensor<?x100xf32>
    %logits = lm.linear %last, %table
            : tensor<?x64xf32>, tensor<100x64xf32> -> tensor<?x100xf32>
    return %logits, %kv2
         : tensor<?x100xf32>, !lm.kv<layers = 2, heads = 2, dim = 16, element = f16>
  }
}

// -----

// A module without lm.model may have any functions over tensors.

// CHECK-LABEL: func @layer
func.func @layer(%x: tensor<?x784xf32>, %w: tensor<256x784xf32>) -> tensor<?x256xf32> {
  %y = lm.linear %x, %w : tensor<?x784xf32>, tensor<256x784xf32> -> tensor<?x256xf32>
  return %y : tensor<?x256xf32>
}

// CHECK-LABEL: func @append
func.func @append(%kv: !lm.kv<layers = 1, heads = 3, dim = 64, element = f16>,
                  %k: tensor<?x192xf32>)
    -> !lm.kv<layers = 1, heads = 3, dim = 64, element = f16> {
  %0 = lm.kv_append %kv, %k, %k {layer = 0}
     : !lm.kv<layers = 1, heads = 3, dim = 64, element = f16>, tensor<?x192xf32>
  return %0 : !lm.kv<layers = 1, heads = 3, dim = 64, element = f16>
}

// CHECK-LABEL: func private @declared
func.func private @declared(tensor<4x4xf32>) -> tensor<4x4xf32>

// The store is per function: layer 0 of another one may be appended here too.
// CHECK-LABEL: func @append_again
func.func @append_again(%kv: !lm.kv<layers = 1, heads = 3, dim = 64, element = f32>,
                        %k: tensor<?x192xf32>)
    -> !lm.kv<layers = 1, heads = 3, dim = 64, element = f32> {
  %0 = lm.kv_append %kv, %k, %k {layer = 0}
     : !lm.kv<layers = 1, heads = 3, dim = 64, element = f32>, tensor<?x192xf32>
  return %0 : !lm.kv<layers = 1, heads = 3, dim = 64, element = f32>
}
