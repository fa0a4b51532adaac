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

/// What outline-kernels says of one level: arena sizes by function and the
/// order of the weights.
struct LevelNeeds {
  mlir::DictionaryAttr sizes; ///< rt.functions
  mlir::ArrayAttr weights;    ///< rt.weights
  mlir::ArrayAttr regions = {}; ///< rt.regions, of a profile
};

/// Orders the weights as the code numbers them, gives each function an arena
/// that is large enough for every level, and describes a profile's regions.
llvm::Error nameEntries(llvm::ArrayRef<LevelNeeds> needs, ModuleImage &image);

} // namespace lowbit

#endif // LOWBIT_LIB_DRIVER_DESCRIBE_H
