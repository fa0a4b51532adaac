//===- Passes.td - Passes over the lowbit dialect -*- tablegen -*-===//

#ifndef LOWBIT_DIALECTS_LOWBIT_TRANSFORMS_PASSES_TD
#define LOWBIT_DIALECTS_LOWBIT_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def StripObservers : Pass<"lowbit-strip-observers", "::mlir::ModuleOp"> {
  let summary = "Take lowbit.observe out";
  let description = [{
    Who reads the result of a `lowbit.observe` reads its operand, before and
    after alike the same number: what is compiled for use does not observe.

    ```mlir
    %y = lowbit.observe %x as "blk.0.attn_norm" absmax : tensor<?x576xf32>
    return %y : tensor<?x576xf32>
    ```
    becomes ==> `return %x : tensor<?x576xf32>`
  }];
}

def VerifyQuantized : Pass<"lowbit-verify-quantized", "::mlir::ModuleOp"> {
  let summary = "Check what the quantize stage promises";
  let description = [{
    Changes nothing. What later stages rely on:

    - (V1) no `lm.linear` or `lm.embed` reads a `!lowbit.tensor`;
    - (V2) the weight of a `lowbit.linear` or `lowbit.embed` is an `lm.weight`;
    - (V3) low-bit activations come from `lowbit.quantize`;
    - (V4) the `lm.weight` of a permuted weight has a permutation, and no other
      has one;
    - (V5) low-bit activations have the permutation of their weight;
    - (V6) a permutation is an `lm.weight` or an `arith.constant`, whose elements
      the packer can check: kernels index by them.

    ```mlir
    %y = lm.linear %x, %w : tensor<?x64xf32>, !lowbit.tensor<96x64, #s> -> tensor<?x96xf32>
    ```
    is refused: ==> "lm.linear on a low-bit weight: run quantize-model first"
  }];
}

#endif // LOWBIT_DIALECTS_LOWBIT_TRANSFORMS_PASSES_TD
