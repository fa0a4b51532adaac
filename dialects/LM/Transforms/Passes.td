//===- Passes.td - Passes over the lm dialect --------------*- tablegen -*-===//

#ifndef LOWBIT_DIALECTS_LM_TRANSFORMS_PASSES_TD
#define LOWBIT_DIALECTS_LM_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def VerifyModel : Pass<"lm-verify-model", "::mlir::ModuleOp"> {
  let summary = "Check what the import stage promises";
  let description = [{
    Changes nothing. What later stages rely on:

    - (V1) functions hold `lm` operations, `func` operations and
      `arith.constant`, nothing else;
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

#endif // LOWBIT_DIALECTS_LM_TRANSFORMS_PASSES_TD
