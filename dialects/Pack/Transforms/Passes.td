//===- Passes.td - Passes over the pack dialect -*- tablegen -*-===//

#ifndef LOWBIT_DIALECTS_PACK_TRANSFORMS_PASSES_TD
#define LOWBIT_DIALECTS_PACK_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def VerifyPacked : Pass<"pack-verify-packed", "::mlir::ModuleOp"> {
  let summary = "Check what the pack stage promises";
  let description = [{
    Changes nothing. What later stages rely on:

    - (V1) no value is a `!lowbit.tensor`: every code has a layout;
    - (V2) panels come from `pack.weight`, rows from `pack.pack_rows`.

    ```mlir
    %q = lowbit.quantize %x : tensor<?x64xf32> -> !lowbit.tensor<?x64, #a>
    ```
    is refused: ==> "a low-bit tensor without a layout: run convert-lowbit-to-pack first"
  }];
}

#endif // LOWBIT_DIALECTS_PACK_TRANSFORMS_PASSES_TD
