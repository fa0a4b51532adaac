//===- Passes.td - Passes of code generation --------------*- tablegen -*-===//

#ifndef LOWBIT_LIB_CODEGEN_PASSES_TD
#define LOWBIT_LIB_CODEGEN_PASSES_TD

include "mlir/Pass/PassBase.td"

def OutlineKernels : Pass<"outline-kernels", "::mlir::ModuleOp"> {
  let summary = "Functions on tensors to calls of kernels on buffers";
  let description = [{
    Every op of a public function becomes a call of a kernel; equal ops (same
    attributes and shapes) share one, so that a layer is compiled once. Results
    live in an arena planned by liveness; a barrier stands only where a call
    touches what another worker wrote or still reads. The function itself
    becomes an entry point that every worker runs.

    The function `text` is compiled twice: for one row (decoding: cheap ops are
    computed by every worker into its own memory, which saves their barriers) and
    for up to `max-rows` rows. Another function is compiled once: for one row
    where every tensor that it takes or gives has one, else for its rows.

    ```mlir
    func.func @text(%tokens: tensor<?xi32>, ...) -> ... {
      %y = pack.linear %rows, %panels : ...
    ```
    becomes
    ```mlir
    func.func @text(%frame: !rt.frame, %worker: index, %workers: index)
    func.func private @linear.0(%frame, %worker, %workers, %count, %rows, %panels, %out)
    ```

    The module attribute `rt.tuning`, `{LEVEL = {"SCHEME; ACTIVATIONS; COLUMNS" =
    "tile=3x2 ..."}}`, overrides choices of the cost model (LinearPlan.h).

    The module attributes `rt.weights` (names in the order of `rt.weight`) and
    `rt.functions` (arena sizes) tell the module writer what to put in the header.

    With `profile`, an `rt.mark` stands behind every kernel and barrier, and the
    module attribute `rt.regions` says what the marks count and what work there
    is in it.
  }];
  let options = [
    Option<"level", "level", "std::string", "\"avx512vnni\"", "CPU level">,
    Option<"maxRows", "max-rows", "int64_t", "256", "rows of one call of text">,
    Option<"profile", "profile", "bool", "false",
           "mark the end of kernels and barriers">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect",
    "::lowbit::rt::RtDialect", "::lowbit::pack::PackDialect"
  ];
}

#endif // LOWBIT_LIB_CODEGEN_PASSES_TD
