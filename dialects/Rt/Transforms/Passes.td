//===- Passes.td - Passes over the rt dialect -*- tablegen -*-===//

#ifndef LOWBIT_DIALECTS_RT_TRANSFORMS_PASSES_TD
#define LOWBIT_DIALECTS_RT_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def VerifyHostCalls : Pass<"rt-verify-host-calls", "::mlir::ModuleOp"> {
  let summary = "Check what the loops stage promises";
  let description = [{
    Changes nothing. What later stages rely on:

    - (V1) no value is a tensor;
    - (V2) nothing allocates memory;
    - (V3) a public function takes `(!rt.frame, index, index)` and returns
      nothing; every called function is defined in the module.

    ```mlir
    %m = memref.alloc() : memref<16xf32>
    ```
    is refused: ==> "allocates memory: the arena is planned by outline-kernels"
  }];
}

#endif // LOWBIT_DIALECTS_RT_TRANSFORMS_PASSES_TD
