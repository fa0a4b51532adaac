//===- WeightExpressions.h - Weights that are computed ----------*- C++ -*-===//

#ifndef LOWBIT_LIB_CALIBRATION_WEIGHTEXPRESSIONS_H
#define LOWBIT_LIB_CALIBRATION_WEIGHTEXPRESSIONS_H

#include "QuantizedSource.h"

#include "mlir/IR/BuiltinOps.h"

namespace lowbit {

/// Every `lm.scale` and `lm.rotate` of weights becomes a weight again, of the
/// same name, whose f32 rows `model` computes when somebody reads them. Fails,
/// with a diagnostic, where something reads the weight as it was, too.
mlir::LogicalResult computeWeights(mlir::ModuleOp module,
                                   QuantizedSource &model);

/// The same where `source` holds them computed already, in whatever scheme.
mlir::LogicalResult useComputedWeights(mlir::ModuleOp module,
                                       const ModelSource &source);

} // namespace lowbit

#endif // LOWBIT_LIB_CALIBRATION_WEIGHTEXPRESSIONS_H
