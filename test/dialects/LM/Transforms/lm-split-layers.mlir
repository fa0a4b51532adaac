// RUN: quant-opt %s --lm-split-layers=rows=8 --lm-verify-model | FileCheck %s
// RUN: quant-opt %s --lm-split-layers="rows=8 scored=3" --lm-verify-model | FileCheck %s --check-prefix=LOGITS

!kv = !lm.kv<layers = 2, heads = 1, dim = 16, element = f16>

module attributes {lm.model = {architecture = "llama", context = 128 : i64,
                               embedding = 32 : i64, heads = 2 : i64,
                               layers = 2 : i64, vocabulary = 100 : i64}} {
  // CHECK-NOT: lm.model
  // CHECK-NOT: func @text
  // CHECK-LABEL: func.func @layer.0
  // CHECK-SAME: (%[[X:.*]]: tensor<8x32xf32>, %[[P:.*]]: tensor<8xi32>)
  // CHECK-SAME: lm.inputs = {{\[\[}}"q", "k"], ["o"]]
  // CHECK: %[[N:.*]] = lm.rms_norm %[[X]]
  // CHECK: %[[Q:.*]] = lm.linear %[[N]]
  // CHECK: lm.rope_table %[[P]]
  // CHECK: lm.attention {{.*}} {head_dim = 16 : i64, masked, scale = 2.500000e-01 : f32, window = 4 : i64}
  // CHECK: %[[Y:.*]] = lm.add
  // CHECK: return %[[Y]], %[[N]], %{{.*}}

  // Layer 1 computes nothing of layer 0, whose keys are in the same store.
  // CHECK-LABEL: func.func @layer.1
  // CHECK-SAME: lm.inputs = {{\[\[}}"k1"]]
  // CHECK: lm.weight "k1"
  // CHECK-NOT: lm.weight
  // CHECK: lm.attention
  // CHECK: return

  // The head's inputs, of all rows; no logits.
  // CHECK-LABEL: func.func @head
  // CHECK-SAME: (%[[X:.*]]: tensor<8x32xf32>) -> tensor<8x32xf32>
  // CHECK-SAME: lm.inputs = {{\[\[}}"table"]]
  // CHECK: %[[N:.*]] = lm.rms_norm %[[X]]
  // CHECK: return %[[N]]
  // CHECK-NOT: func.func @logits

  // LOGITS: func.func @head(%{{.*}}: tensor<8x32xf32>)
  // LOGITS: func.func @logits(%[[X:.*]]: tensor<3x32xf32>) -> tensor<3x100xf32> attributes {lm.inputs = []}
  // LOGITS: %[[G:.*]] = lm.weight "g"
  // LOGITS: %[[N:.*]] = lm.rms_norm %[[X]], %[[G]] {{.*}} : tensor<3x32xf32>
  // LOGITS: %[[TABLE:.*]] = lm.weight "table"
  // LOGITS: %[[Y:.*]] = lm.linear %[[N]], %[[TABLE]]
  // LOGITS: return %[[Y]] : tensor<3x100xf32>
  func.func @text(%tokens: tensor<?xi32>, %embeddings: tensor<?x32xf32>,
                  %positions: tensor<?xi32>, %out_rows: tensor<?xi32>,
                  %kv: !kv) -> (tensor<?x100xf32>, !kv) {
    %table = lm.weight "table" : tensor<100x32xf32>
    %g = lm.weight "g" : tensor<32xf32>
    %wq = lm.weight "q" : tensor<32x32xf32>
    %wk = lm.weight "k" : tensor<16x32xf32>
    %wo = lm.weight "o" : tensor<32x32xf32>
    %wk1 = lm.weight "k1" : tensor<16x32xf32>
    %r = lm.rope_table %positions {base = 1.0e+4 : f32} : tensor<?xi32> -> tensor<?x16xf32>
    %x = lm.embed %tokens, %table else %embeddings {scale = 2.0 : f32}
       : tensor<?xi32>, tensor<100x32xf32>, tensor<?x32xf32> -> tensor<?x32xf32>
    %n = lm.rms_norm %x, %g {epsilon = 1.0e-5 : f32} : tensor<?x32xf32>, tensor<32xf32>
    %q0 = lm.linear %n, %wq : tensor<?x32xf32>, tensor<32x32xf32> -> tensor<?x32xf32>
    %k0 = lm.linear %n, %wk : tensor<?x32xf32>, tensor<16x32xf32> -> tensor<?x16xf32>
    %q = lm.rope halves %q0, %r {head_dim = 16} : tensor<?x32xf32>, tensor<?x16xf32>
    %kv1 = lm.kv_append %kv, %k0, %k0 {layer = 0} : !kv, tensor<?x16xf32>
    %a = lm.cached_attention %q, %kv1 {layer = 0, scale = 0.25 : f32, window = 4} : tensor<?x32xf32>, !kv
    %o = lm.linear %a, %wo : tensor<?x32xf32>, tensor<32x32xf32> -> tensor<?x32xf32>
    %y = lm.add %x, %o : tensor<?x32xf32>
    lm.probe %y {index = 0} : tensor<?x32xf32>
    %k1 = lm.linear %y, %wk1 : tensor<?x32xf32>, tensor<16x32xf32> -> tensor<?x16xf32>
    %kv2 = lm.kv_append %kv1, %k1, %k1 {layer = 1} : !kv, tensor<?x16xf32>
    %b = lm.cached_attention %y, %kv2 {layer = 1, scale = 0.25 : f32} : tensor<?x32xf32>, !kv
    lm.probe %b {index = 1} : tensor<?x32xf32>
    %l = lm.gather_rows %b, %out_rows : tensor<?x32xf32>, tensor<?xi32> -> tensor<?x32xf32>
    %h = lm.rms_norm %l, %g {epsilon = 1.0e-5 : f32} : tensor<?x32xf32>, tensor<32xf32>
    %logits = lm.linear %h, %table : tensor<?x32xf32>, tensor<100x32xf32> -> tensor<?x100xf32>
    return %logits, %kv2 : tensor<?x100xf32>, !kv
  }
}
