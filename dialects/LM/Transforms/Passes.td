//===- Passes.td - Passes over the lm dialect --------------*- tablegen -*-===//

#ifndef LOWBIT_DIALECTS_LM_TRANSFORMS_PASSES_TD
#define LOWBIT_DIALECTS_LM_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def VerifyModel : Pass<"lm-verify-model", "::mlir::ModuleOp"> {
  let summary = "Check what the import stage promises";
  let description = [{
    Changes nothing. What later stages rely on:

    - (V1) functions hold `lm` operations, `func` operations, `arith.constant`
      and `lowbit.fake_quant`, where rounded activations are part of the model;
    - (V2) a weight's name has one type in the whole module;
    - (V3) a store is an argument or an `lm.kv_append` of one;
    - (V4) every layer of a store is appended exactly once before it is
      returned, and every append leads to the returned store;
    - (V5) `lm.cached_attention` reads a store that has its layer appended;
    - (V6) no two probes of a function have one index;
    - (V7) a module with the attribute `lm.model` has the function

          text(tokens: tensor<?xi32>, embeddings: tensor<?xDxf32>,
               positions: tensor<?xi32>, out_rows: tensor<?xi32>, kv)
            -> (logits: tensor<?xVxf32>, kv)

      with D and V the attribute's `embedding` and `vocabulary`, and a store of
      its `layers`.

    Before and after:

    ```mlir
    func.func @append(%kv: !lm.kv<layers = 1, heads = 3, dim = 64, element = f16>,
                      %k: tensor<?x192xf32>)
        -> !lm.kv<layers = 1, heads = 3, dim = 64, element = f16> {
      %0 = lm.kv_append %kv, %k, %k {layer = 0}
         : !lm.kv<layers = 1, heads = 3, dim = 64, element = f16>, tensor<?x192xf32>
      return %0 : !lm.kv<layers = 1, heads = 3, dim = 64, element = f16>
    }
    ```

    Relies on nothing. Ends the import stage.
  }];
}

def RotateInputs : Pass<"lm-rotate-inputs", "::mlir::ModuleOp"> {
  let summary = "Rotations in front of matrix products";
  let description = [{
    The input of every `lm.linear` whose weight's name matches is rotated, and
    so are the columns of its weight, in the largest blocks of `lm.rotate` that
    divide them: 576 = 36 * 16 is one. Behind attention they are of the largest
    power of two that divides a head. The function is the same;
    what stands out in single columns is spread over blocks, so that fewer bits
    hold it. A weight that others read too, such as a table that is also the
    head, is left alone.

    ```mlir
    %y = lm.linear %x, %w : tensor<?x96xf32>, tensor<64x96xf32> -> tensor<?x64xf32>
    ```
    becomes
    ```mlir
    %r = lm.rotate columns %x {block = 32 : i64} : tensor<?x96xf32> -> tensor<?x96xf32>
    %v = lm.rotate columns %w {block = 32 : i64} : tensor<64x96xf32> -> tensor<64x96xf32>
    %y = lm.linear %r, %v : tensor<?x96xf32>, tensor<64x96xf32> -> tensor<?x64xf32>
    ```

    Relies on nothing. `lm-fold-rotations` takes away what need not be computed.
  }];
  let options = [
    Option<"match", "match", "std::string", "\".*\"",
           "regular expression of whole names of weights">
  ];
}

def FoldRotations : Pass<"lm-fold-rotations", "::mlir::ModuleOp"> {
  let summary = "Rotations into weights";
  let description = [{
    Moves `lm.rotate` towards weights, where it costs nothing at run time:

    - of a rotation, back to what was rotated;
    - behind attention, within a head: to the values;
    - behind a linear layer that nobody else reads, without bias: to the rows of
      its weight.

    ```mlir
    %v = lm.linear %x, %w : tensor<8x64xf32>, tensor<32x64xf32> -> tensor<8x32xf32>
    %a = lm.attention %q, %k, %v {head_dim = 32, scale = 0.25 : f32} : tensor<8x64xf32>, tensor<8x32xf32>
    %r = lm.rotate columns %a {block = 32 : i64} : tensor<8x64xf32> -> tensor<8x64xf32>
    ```
    becomes
    ```mlir
    %u = lm.rotate rows %w {block = 32 : i64} : tensor<32x64xf32> -> tensor<32x64xf32>
    %v = lm.linear %x, %u : tensor<8x64xf32>, tensor<32x64xf32> -> tensor<8x32xf32>
    %r = lm.attention %q, %k, %v {head_dim = 32, scale = 0.25 : f32} : tensor<8x64xf32>, tensor<8x32xf32>
    ```

    Relies on nothing; undoes nothing but rotations.
  }];
}

def RotateHeads : Pass<"lm-rotate-heads", "::mlir::ModuleOp"> {
  let summary = "Keys and values are stored rotated";
  let description = [{
    For stores of few bits. Within each head, in blocks of the largest power of
    two that divides it: keys are rotated when they are appended and queries
    when they meet them, behind the rotary positions; so are values, and what
    attention makes of them is rotated back. The function is the same; what
    stands out in single elements of a head is spread over all of them.

    ```mlir
    %kv1 = lm.kv_append %kv, %k, %v {layer = 0} : !kv, tensor<?x192xf32>
    %a = lm.cached_attention %q, %kv1 {layer = 0, scale = 0.125 : f32} : tensor<?x576xf32>, !kv
    ```
    becomes
    ```mlir
    %k1 = lm.rotate columns %k {block = 64 : i64} : tensor<?x192xf32> -> tensor<?x192xf32>
    %v1 = lm.rotate columns %v {block = 64 : i64} : tensor<?x192xf32> -> tensor<?x192xf32>
    %kv1 = lm.kv_append %kv, %k1, %v1 {layer = 0} : !kv, tensor<?x192xf32>
    %q1 = lm.rotate columns %q {block = 64 : i64} : tensor<?x576xf32> -> tensor<?x576xf32>
    %a1 = lm.cached_attention %q1, %kv1 {layer = 0, scale = 0.125 : f32} : tensor<?x576xf32>, !kv
    %a = lm.rotate columns %a1 {block = 64 : i64} : tensor<?x576xf32> -> tensor<?x576xf32>
    ```

    Values that `lm-rotate-inputs` and `lm-fold-rotations` rotate already are
    left as they are, and so is what attention makes of them. It comes behind
    these two: `lm-fold-rotations` would take the values' rotation back. Heads
    of an odd number of elements are an error.

    Relies on `lm-verify-model`.
  }];
}

def ScaleInputs : Pass<"lm-scale-inputs", "::mlir::ModuleOp"> {
  let summary = "Factors between a layer and its input";
  let description = [{
    Where only linear layers with matching weights read a value, their columns
    are multiplied by factors, and what made the value is divided by them: the
    gain of an `lm.rms_norm`, or the rows of the weight of an `lm.gate`'s `up`.
    The function is the same for any factors above 0; AWQ and SmoothQuant choose
    them so that what is rounded suffers less. They are weights of their own,
    named behind the gain or the weight that is divided.

    ```mlir
    %x = lm.rms_norm %y, %g {epsilon = 1.0e-5 : f32} : tensor<?x64xf32>, tensor<64xf32>
    %q = lm.linear %x, %w : tensor<?x64xf32>, tensor<96x64xf32> -> tensor<?x96xf32>
    ```
    becomes, with `%g` the weight "norm"
    ```mlir
    %f = lm.weight "norm.factors" : tensor<64xf32>
    %h = lm.scale columns %g, %f inverse : tensor<64xf32>, tensor<64xf32> -> tensor<64xf32>
    %x = lm.rms_norm %y, %h {epsilon = 1.0e-5 : f32} : tensor<?x64xf32>, tensor<64xf32>
    %v = lm.scale columns %w, %f : tensor<96x64xf32>, tensor<64xf32> -> tensor<96x64xf32>
    %q = lm.linear %x, %v : tensor<?x64xf32>, tensor<96x64xf32> -> tensor<?x96xf32>
    ```

    Relies on nothing. Weights that others read too are left alone.
  }];
  let options = [
    Option<"match", "match", "std::string", "\".*\"",
           "regular expression of whole names of weights">
  ];
}

def AddLowRank : Pass<"lm-add-low-rank", "::mlir::ModuleOp"> {
  let summary = "Corrections of low rank beside matrix products";
  let description = [{
    Beside every `lm.linear` with one of the named weights W [N x K] stand two
    more, with "NAME.right" [R x K] and "NAME.left" [N x R], whose product is
    added: W x becomes W x + left (right x). Where W was rounded, left right is
    near what rounding took away (LQER, arXiv:2402.02446); with factors of 0 the
    function is the same.

    ```mlir
    %y = lm.linear %x, %w : tensor<?x96xf32>, tensor<64x96xf32> -> tensor<?x64xf32>
    ```
    becomes, with `%w` the weight "w" and `weights=w=4`
    ```mlir
    %y = lm.linear %x, %w : tensor<?x96xf32>, tensor<64x96xf32> -> tensor<?x64xf32>
    %r = lm.weight "w.right" : tensor<4x96xf32>
    %h = lm.linear %x, %r : tensor<?x96xf32>, tensor<4x96xf32> -> tensor<?x4xf32>
    %l = lm.weight "w.left" : tensor<64x4xf32>
    %d = lm.linear %h, %l : tensor<?x4xf32>, tensor<64x4xf32> -> tensor<?x64xf32>
    %z = lm.add %y, %d : tensor<?x64xf32>
    ```

    Relies on nothing. Goes last among the passes that rewrite weights: they
    would have to rewrite the factors too.
  }];
  let options = [
    ListOption<"weights", "weights", "std::string",
               "NAME=RANK for each weight that is corrected">
  ];
}

def SplitLayers : Pass<"lm-split-layers", "::mlir::ModuleOp"> {
  let summary = "A model as one function for each of its layers";
  let description = [{
    Calibration runs a model layer by layer, so that no more than one is in
    memory. `text`, with an `lm.probe` behind each layer, becomes functions of
    `rows` rows, all of one sequence from its first token:

        layer.N(x: tensor<RxDxf32>, positions: tensor<Rxi32>)
          -> (tensor<RxDxf32>, what its linear layers read ...)
        head(x: tensor<RxDxf32>) -> (what its linear layers read ...)

    `layer.0` takes the embedding's rows. The attribute `lm.inputs` of a function names, for each of the latter
    results, the weights that it is multiplied with. `head` computes no logits; with `scored`, a function more does, of
    so many rows: what they are not asked for costs nothing, and a head may be the largest product of all.

        logits(x: tensor<SxDxf32>) -> tensor<SxVxf32>

    Attention over the store becomes attention over the rows. The attribute
    `lm.model` goes.

    ```mlir
    %kv1 = lm.kv_append %kv, %k, %v {layer = 3} : !kv, tensor<?x192xf32>
    %a = lm.cached_attention %q, %kv1 {layer = 3, scale = 0.125 : f32} : tensor<?x576xf32>, !kv
    ```
    becomes in `layer.3`
    ```mlir
    %a = lm.attention %q, %k, %v {head_dim = 64, scale = 0.125 : f32, masked}
       : tensor<512x576xf32>, tensor<512x192xf32>
    ```

    Relies on `lm-verify-model`.
  }];
  let options = [
    Option<"rows", "rows", "int64_t", "512", "rows of a sequence">,
    Option<"scored", "scored", "int64_t", "0", "rows of @logits; 0: no such function">
  ];
}

#endif // LOWBIT_DIALECTS_LM_TRANSFORMS_PASSES_TD
