// RUN: quant-opt %s --lm-verify-model --split-input-file --verify-diagnostics

func.func @v1(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  // expected-error @+2 {{the import stage holds lm operations, func operations, arith.constant and lowbit.fake_quant, but got arith.addf}}
  // expected-note @+1 {{start from a later stage}}
  %0 = arith.addf %x, %x : tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}

// -----

// expected-error @+2 {{but got memref.global}}
// expected-note @+1 {{start from a later stage}}
memref.global @v1_outside_functions : memref<4xf32>

// -----

func.func @v2() -> (tensor<8xf32>, tensor<9xf32>) {
  // expected-note @+1 {{the other use is here}}
  %0 = lm.weight "w" : tensor<8xf32>
  // expected-error @+1 {{a weight has one type: expected 'tensor<8xf32>' for 'w', but got 'tensor<9xf32>'}}
  %1 = lm.weight "w" : tensor<9xf32>
  return %0, %1 : tensor<8xf32>, tensor<9xf32>
}

// -----

func.func private @other(!lm.kv<layers = 1, heads = 1, dim = 8, element = f16>)
    -> !lm.kv<layers = 1, heads = 1, dim = 8, element = f16>

// expected-note @+1 {{inline the functions that handle stores}}
func.func @v3(%kv: !lm.kv<layers = 1, heads = 1, dim = 8, element = f16>, %k: tensor<?x8xf32>)
    -> !lm.kv<layers = 1, heads = 1, dim = 8, element = f16> {
  %0 = call @other(%kv) : (!lm.kv<layers = 1, heads = 1, dim = 8, element = f16>)
     -> !lm.kv<layers = 1, heads = 1, dim = 8, element = f16>
  // expected-error @+1 {{a store is an argument or an lm.kv_append of one}}
  %1 = lm.kv_append %0, %k, %k {layer = 0}
     : !lm.kv<layers = 1, heads = 1, dim = 8, element = f16>, tensor<?x8xf32>
  return %1 : !lm.kv<layers = 1, heads = 1, dim = 8, element = f16>
}

// -----

func.func @v4_twice(%kv: !lm.kv<layers = 2, heads = 1, dim = 8, element = f16>, %k: tensor<?x8xf32>)
    -> !lm.kv<layers = 2, heads = 1, dim = 8, element = f16> {
  %0 = lm.kv_append %kv, %k, %k {layer = 1}
     : !lm.kv<layers = 2, heads = 1, dim = 8, element = f16>, tensor<?x8xf32>
  // expected-error @+1 {{a layer is appended once, but layer 1 already is}}
  %1 = lm.kv_append %0, %k, %k {layer = 1}
     : !lm.kv<layers = 2, heads = 1, dim = 8, element = f16>, tensor<?x8xf32>
  return %1 : !lm.kv<layers = 2, heads = 1, dim = 8, element = f16>
}

// -----

func.func @v4_missing(%kv: !lm.kv<layers = 2, heads = 1, dim = 8, element = f16>, %k: tensor<?x8xf32>)
    -> !lm.kv<layers = 2, heads = 1, dim = 8, element = f16> {
  %0 = lm.kv_append %kv, %k, %k {layer = 1}
     : !lm.kv<layers = 2, heads = 1, dim = 8, element = f16>, tensor<?x8xf32>
  // expected-error @+1 {{every layer is appended before the store is returned, but layer 0 of 2 is not}}
  return %0 : !lm.kv<layers = 2, heads = 1, dim = 8, element = f16>
}

// -----

func.func @v4_lost(%kv: !lm.kv<layers = 1, heads = 1, dim = 8, element = f16>, %k: tensor<?x8xf32>)
    -> !lm.kv<layers = 1, heads = 1, dim = 8, element = f16> {
  %0 = lm.kv_append %kv, %k, %k {layer = 0}
     : !lm.kv<layers = 1, heads = 1, dim = 8, element = f16>, tensor<?x8xf32>
  // expected-error @+1 {{every append leads to the returned store, but this one is lost}}
  %1 = lm.kv_append %kv, %k, %k {layer = 0}
     : !lm.kv<layers = 1, heads = 1, dim = 8, element = f16>, tensor<?x8xf32>
  // expected-note @+1 {{return the last store}}
  return %0 : !lm.kv<layers = 1, heads = 1, dim = 8, element = f16>
}

// -----

func.func @v5(%kv: !lm.kv<layers = 2, heads = 1, dim = 8, element = f16>, %k: tensor<?x8xf32>)
    -> !lm.kv<layers = 2, heads = 1, dim = 8, element = f16> {
  %0 = lm.kv_append %kv, %k, %k {layer = 0}
     : !lm.kv<layers = 2, heads = 1, dim = 8, element = f16>, tensor<?x8xf32>
  // expected-error @+2 {{attention reads a store that has its layer appended, but layer 1 is not}}
  // expected-note @+1 {{append the layer's keys and values before}}
  %a = lm.cached_attention %k, %0 {layer = 1, scale = 1.0 : f32}
     : tensor<?x8xf32>, !lm.kv<layers = 2, heads = 1, dim = 8, element = f16>
  %1 = lm.kv_append %0, %a, %a {layer = 1}
     : !lm.kv<layers = 2, heads = 1, dim = 8, element = f16>, tensor<?x8xf32>
  return %1 : !lm.kv<layers = 2, heads = 1, dim = 8, element = f16>
}

// -----

func.func @v6(%x: tensor<?x8xf32>) {
  // expected-note @+1 {{the other probe is here}}
  lm.probe %x {index = 3} : tensor<?x8xf32>
  // expected-error @+1 {{probes of a function have different indices, but 3 comes twice}}
  lm.probe %x {index = 3} : tensor<?x8xf32>
  return
}

// -----

// expected-error @+1 {{a model has a function 'text'}}
module attributes {lm.model = {embedding = 8 : i64, layers = 1 : i64, vocabulary = 9 : i64}} {
}

// -----

// expected-error @+1 {{attribute 'lm.model' needs a positive i64 'layers'}}
module attributes {lm.model = {embedding = 8 : i64, vocabulary = 9 : i64}} {
}

// -----

// expected-error @+1 {{attribute 'lm.model' must be a dictionary}}
module attributes {lm.model = "llama"} {
}

// -----

module attributes {lm.model = {embedding = 8 : i64, layers = 1 : i64, vocabulary = 9 : i64}} {
  // expected-error @+1 {{the fifth argument of 'text' is a store of 1 layers}}
  func.func @text(%kv: !lm.kv<layers = 1, heads = 1, dim = 8, element = f16>) {
    return
  }
}

// -----

module attributes {lm.model = {embedding = 8 : i64, layers = 1 : i64, vocabulary = 9 : i64}} {
  // expected-error @+1 {{signature of 'text': expected '(tensor<?xi32>, tensor<?x8xf32>, tensor<?xi32>, tensor<?xi32>, !lm.kv<layers = 1, heads = 1, dim = 8, element = f16>) -> (tensor<?x9xf32>, !lm.kv<layers = 1, heads = 1, dim = 8, element = f16>)', but got}}
  func.func @text(%tokens: tensor<?xi32>, %embeddings: tensor<?x8xf32>,
                  %positions: tensor<?xi32>, %out_rows: tensor<?xi32>,
                  %kv: !lm.kv<layers = 1, heads = 1, dim = 8, element = f16>)
      -> (tensor<?x8xf32>, !lm.kv<layers = 1, heads = 1, dim = 8, element = f16>) {
    %0 = lm.kv_append %kv, %embeddings, %embeddings {layer = 0}
       : !lm.kv<layers = 1, heads = 1, dim = 8, element = f16>, tensor<?x8xf32>
    return %embeddings, %0
      : tensor<?x8xf32>, !lm.kv<layers = 1, heads = 1, dim = 8, element = f16>
  }
}

// -----

// expected-error @+1 {{attribute 'lm.model' needs a positive i64 'columns'}}
module attributes {lm.model = {embedding = 8 : i64, layers = 1 : i64, vocabulary = 9 : i64, result = "embedding"}} {
  func.func @text(%kv: !lm.kv<layers = 1, heads = 1, dim = 8, element = f16>) {
    return
  }
}

// -----

module attributes {lm.model = {columns = 3 : i64, embedding = 8 : i64, layers = 1 : i64, vocabulary = 9 : i64, result = "classes"}} {
  // expected-error @+1 {{signature of 'text': expected '(tensor<?xi32>, tensor<?x8xf32>, tensor<?xi32>, tensor<?xi32>, !lm.kv<layers = 1, heads = 1, dim = 8, element = f16>, tensor<?xi32>, tensor<?xi32>) -> (tensor<?x3xf32>, !lm.kv<layers = 1, heads = 1, dim = 8, element = f16>)', but got}}
  func.func @text(%tokens: tensor<?xi32>, %embeddings: tensor<?x8xf32>,
                  %positions: tensor<?xi32>, %out_rows: tensor<?xi32>,
                  %kv: !lm.kv<layers = 1, heads = 1, dim = 8, element = f16>,
                  %out_first: tensor<?xi32>, %types: tensor<?xi32>)
      -> (tensor<?x8xf32>, !lm.kv<layers = 1, heads = 1, dim = 8, element = f16>) {
    %0 = lm.kv_append %kv, %embeddings, %embeddings {layer = 0}
       : !lm.kv<layers = 1, heads = 1, dim = 8, element = f16>, tensor<?x8xf32>
    return %embeddings, %0
      : tensor<?x8xf32>, !lm.kv<layers = 1, heads = 1, dim = 8, element = f16>
  }
}
