//===- Weights.h - What the module stores of a source -----------*- C++ -*-===//

#ifndef LOWBIT_LIB_DRIVER_WEIGHTS_H
#define LOWBIT_LIB_DRIVER_WEIGHTS_H

#include "lowbit/Import/RandomSource.h"
#include "lowbit/Target/Module.h"

#include "mlir/IR/BuiltinOps.h"

namespace lowbit {

/// Gives every matrix whose name matches `pattern` the scheme `scheme`; what is
/// tied stays tied. Returns the number of tensors.
int64_t overrideSchemes(mlir::ModuleOp module, const Scheme &scheme,
                        llvm::StringRef pattern);

/// Reads what --scheme takes: a type of GGUF ("Q4_0"), FILE.mlir#NAME or the
/// words of a scheme ("u4 offset 8, group 32 scale f16").
llvm::Expected<WeightFormat> readScheme(llvm::StringRef reference,
                                        mlir::MLIRContext *context);

/// A matrix as the source has it, or rounded to nearest in another scheme on
/// the way. `tensor` outlives it.
WeightImage imageOf(const SourceTensor &tensor, const Scheme &scheme);

/// Adds the weights of a module at the pack stage to `weights`, which may hold
/// the images of constants already; what they lack comes from `source` (may be
/// null). `source` outlives them.
llvm::Error collectWeights(mlir::ModuleOp module, const ModelSource *source,
                           std::vector<WeightImage> &weights);

} // namespace lowbit

#endif // LOWBIT_LIB_DRIVER_WEIGHTS_H
