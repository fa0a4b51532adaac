// RUN: quant-opt %s --lm-split-layers --split-input-file --verify-diagnostics

!kv = !lm.kv<layers = 1, heads = 1, dim = 16, element = f16>

// expected-error @+1 {{expected an lm.embed of the tokens and lm.probe behind each layer}}
func.func @text(%tokens: tensor<?xi32>, %embeddings: tensor<?x16xf32>,
                %positions: tensor<?xi32>, %out_rows: tensor<?xi32>, %kv: !kv)
    -> (tensor<?x16xf32>, !kv) {
  return %embeddings, %kv : tensor<?x16xf32>, !kv
}

// -----

!kv = !lm.kv<layers = 1, heads = 1, dim = 16, element = f16>

// expected-error @+1 {{cannot split the layers: layer.0 needs argument 1 of @text}}
func.func @text(%tokens: tensor<?xi32>, %embeddings: tensor<?x16xf32>,
                %positions: tensor<?xi32>, %out_rows: tensor<?xi32>, %kv: !kv)
    -> (tensor<?x16xf32>, !kv) {
  %table = lm.weight "table" : tensor<100x16xf32>
  %x = lm.embed %tokens, %table : tensor<?xi32>, tensor<100x16xf32> -> tensor<?x16xf32>
  %y = lm.add %x, %embeddings : tensor<?x16xf32>
  lm.probe %y {index = 0} : tensor<?x16xf32>
  return %y, %kv : tensor<?x16xf32>, !kv
}

// -----

!kv = !lm.kv<layers = 1, heads = 1, dim = 16, element = f16>

module attributes {lm.model = {result = "embedding"}} {
  // expected-error @+1 {{cannot split the layers of an encoder: expected logits, but the model gives "embedding"}}
  func.func @text(%tokens: tensor<?xi32>, %kv: !kv) -> !kv {
    return %kv : !kv
  }
}
