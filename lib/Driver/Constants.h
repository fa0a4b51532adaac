//===- Constants.h - Weights that stand in the IR itself --------*- C++ -*-===//

#ifndef LOWBIT_LIB_DRIVER_CONSTANTS_H
#define LOWBIT_LIB_DRIVER_CONSTANTS_H

#include "lowbit/Target/Module.h"

#include "mlir/IR/BuiltinOps.h"

namespace lowbit {

/// Turns the f32 constants of a module's functions into weights `constant.N`,
/// so that they go the way of a model's: a `lowbit.quantize` of a constant is
/// rounded to nearest when the module is written, a constant matrix of an
/// `lm.linear` or `lm.embed` becomes panels of f32. Constants that are the
/// permutation of a weight or of activations become weights of i32. Returns
/// their images.
llvm::Expected<std::vector<WeightImage>>
extractConstants(mlir::ModuleOp module);

} // namespace lowbit

#endif // LOWBIT_LIB_DRIVER_CONSTANTS_H
