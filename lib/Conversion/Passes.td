//===- Passes.td - Conversions between dialects -----------*- tablegen -*-===//

#ifndef LOWBIT_LIB_CONVERSION_PASSES_TD
#define LOWBIT_LIB_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertLowBitToPack : Pass<"convert-lowbit-to-pack", "::mlir::ModuleOp"> {
  let summary = "Give every low-bit tensor a place in memory";
  let description = [{
    Weights become panels, quantized activations become rows in the order of
    their weight's groups; a sum with a linear layer's only use becomes its
    residual.

    ```mlir
    %q = lowbit.quantize %x : tensor<?x64xf32> -> !lowbit.tensor<?x64, #a>
    %y = lowbit.linear %q, %w : !lowbit.tensor<?x64, #a>, !lowbit.tensor<96x64, #s> -> tensor<?x96xf32>
    ```
    becomes
    ```mlir
    %r = pack.pack_rows %x : tensor<?x64xf32> -> !pack.rows<64, bits = 8, group = 32, scale_groups = 1>
    %y = pack.linear %r, %p : !pack.rows<...>, !pack.panels<96x64, #s, #pack.layout<lanes = 16, unit = 1>> -> tensor<?x96xf32>
    ```
  }];
  let dependentDialects = ["::lowbit::pack::PackDialect"];
}

def ConvertRtToLLVM : Pass<"convert-rt-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Loops, vectors, memrefs and host requests to the llvm dialect";
  let description = [{
    Memrefs become bare pointers (all shapes are static), entry points become
    functions of `(ptr, i32, i32)` as quantrt/abi.h says, `rt` ops loads from the
    frame at the offsets of its structures, `pack.dot4`, `pack.tile_dot` and
    `pack.lookup` the instructions of the module's CPU level.

    ```mlir
    %w = rt.weight %frame[3] : memref<36x5760xi8>
    ```
    becomes
    ```mlir
    %0 = llvm.load %frame : !llvm.ptr -> !llvm.ptr
    %1 = llvm.getelementptr %0[3] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
    %w = llvm.load %1 : !llvm.ptr -> !llvm.ptr
    ```
  }];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"
  ];
}

#endif // LOWBIT_LIB_CONVERSION_PASSES_TD
