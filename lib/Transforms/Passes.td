//===- Passes.td - Passes across dialects -----------------*- tablegen -*-===//

#ifndef LOWBIT_LIB_TRANSFORMS_PASSES_TD
#define LOWBIT_LIB_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def QuantizeModel : Pass<"quantize-model", "::mlir::ModuleOp"> {
  let summary = "Linear layers on low-bit weights become low-bit";
  let description = [{
    Every `lm.linear` and `lm.embed` whose weight is a `!lowbit.tensor` becomes
    the op of the `lowbit` dialect; with `activations=int8` the activations of a
    linear layer are quantized first, symmetrically, one f32 scale for 32
    elements or for the weight's group if that is longer (`int8-pow2`: a power
    of two; `per-token`: one for the row). `binary`: signs and one scale for the
    row, where the weight's codes are signs too, in groups of whole words of 32;
    other weights meet int8. `int4`, `int4-per-token`: codes of 4 bits where the
    weight's codes have no more than that, else int8, or per token. Weights whose values are no multiples
    of one number (floats, codebooks of reals) keep real activations, as does
    `activations=f32`. With `activations=bf16` they are rounded to bf16, of
    weights of bf16 too.

    Activations behind a `lowbit.fake_quant` are rounded by the model itself,
    whatever `activations` says: codes by its quantizer take its place where
    kernels multiply such codes (signed bytes, from the largest magnitude);
    elsewhere the rounded reals stay.

    ```mlir
    %y = lm.linear %x, %w : tensor<?x64xf32>, !lowbit.tensor<96x64, #s> -> tensor<?x96xf32>
    ```
    becomes
    ```mlir
    %q = lowbit.quantize %x : tensor<?x64xf32> -> !lowbit.tensor<?x64, #lowbit.scheme<s8, group 32 scale f32>>
    %y = lowbit.linear %q, %w : ... -> tensor<?x96xf32>
    ```
  }];
  let options = [
    Option<"activations", "activations", "std::string", "\"int8\"",
           "int8, int8-pow2, per-token, int4, int4-per-token, binary, bf16 or f32">
  ];
  let dependentDialects = ["::lowbit::LowBitDialect"];
}

#endif // LOWBIT_LIB_TRANSFORMS_PASSES_TD
