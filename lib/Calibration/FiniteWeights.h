//===- FiniteWeights.h - No NaN among weights -------------------*- C++ -*-===//

#ifndef LOWBIT_LIB_CALIBRATION_FINITEWEIGHTS_H
#define LOWBIT_LIB_CALIBRATION_FINITEWEIGHTS_H

#include "lowbit/Calibration/Calibrate.h"
#include "lowbit/Import/ModelSource.h"

namespace lowbit {

/// What to say of a row that holds NaN or infinity.
llvm::Error notFinite(const SourceTensor &tensor, int64_t row);

/// Fails where a matrix of the plan, or a vector, holds NaN or infinity.
/// Matrices that are kept may. Reads each of them once.
llvm::Error checkFinite(const ModelSource &source,
                        llvm::ArrayRef<TensorPlan> plan, int threads);

} // namespace lowbit

#endif // LOWBIT_LIB_CALIBRATION_FINITEWEIGHTS_H
