//===- Describe.h - What the header says of a module ------------*- C++ -*-===//

#ifndef LOWBIT_LIB_DRIVER_DESCRIBE_H
#define LOWBIT_LIB_DRIVER_DESCRIBE_H

#include "lowbit/Pipelines/Pipelines.h"
#include "lowbit/Target/Module.h"

#include "mlir/IR/BuiltinOps.h"

namespace lowbit {

/// The stage that a module has reached, by the dialects in it.
Stage stageOf(mlir::ModuleOp module);

/// Functions and their signatures, and the text record, of a module at the
/// pack stage.
llvm::Error describeFunctions(mlir::ModuleOp module, int64_t maxRows,
                              ModuleImage &image);

/// After outline-kernels: orders the weights as the code numbers them and takes
/// over the arena sizes.
llvm::Error nameEntries(mlir::ModuleOp module, ModuleImage &image);

} // namespace lowbit

#endif // LOWBIT_LIB_DRIVER_DESCRIBE_H
