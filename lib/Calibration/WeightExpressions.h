//===- WeightExpressions.h - Weights that are computed ----------*- C++ -*-===//

#ifndef LOWBIT_LIB_CALIBRATION_WEIGHTEXPRESSIONS_H
#define LOWBIT_LIB_CALIBRATION_WEIGHTEXPRESSIONS_H

#include "QuantizedSource.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"

#include <mutex>

namespace lowbit {

/// Vectors of lm-scale-inputs, all 1 until they are chosen.
class Factors {
public:
  void set(llvm::StringRef name, std::vector<float> values);
  std::vector<float> get(llvm::StringRef name, int64_t size) const;

private:
  mutable std::mutex guard_;
  llvm::StringMap<std::vector<float>> vectors_;
};

/// For each weight whose columns are scaled, the name of its factors.
llvm::StringMap<std::string> factorsOfWeights(mlir::ModuleOp module);

/// Every `lm.scale` and `lm.rotate` of weights becomes a weight again, of the
/// same name, whose f32 rows `model` computes when somebody reads them, with
/// the factors as they are then. Fails,
/// with a diagnostic, where something reads the weight as it was, too.
mlir::LogicalResult computeWeights(mlir::ModuleOp module,
                                   QuantizedSource &model,
                                   std::shared_ptr<const Factors> factors);

/// The same where `source` holds them computed already, in whatever scheme.
mlir::LogicalResult useComputedWeights(mlir::ModuleOp module,
                                       const ModelSource &source);

} // namespace lowbit

#endif // LOWBIT_LIB_CALIBRATION_WEIGHTEXPRESSIONS_H
