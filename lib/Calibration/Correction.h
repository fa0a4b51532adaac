//===- Correction.h - What stands beside a rounded matrix -------*- C++ -*-===//
//
// Factors of low rank for the error of a matrix (lm-add-low-rank), as two
// weights of the model, in bf16.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CALIBRATION_CORRECTION_H
#define LOWBIT_LIB_CALIBRATION_CORRECTION_H

#include "QuantizedSource.h"
#include "TensorStore.h"

#include "lowbit/Calibration/Calibrate.h"
#include "lowbit/Quantize/ThreadPool.h"

namespace lowbit {

/// Rows of "NAME.left" [rows x rank] and "NAME.right" [rank x columns].
struct Correction {
  std::vector<RowFields> left, right;
};

/// The factors that leave least of what rounding `tensor` to `rounded` has
/// cost, under the second moments h [columns x columns] of its input; null: all
/// inputs alike.
Correction correctionOf(const TensorPlan &plan, const SourceTensor &tensor,
                        llvm::function_ref<void(int64_t, RowFields &)> rounded,
                        const float *h, ThreadPool &pool);

llvm::Error storeCorrection(const TensorStore &store, const TensorPlan &plan,
                            const Correction &correction);

/// Gives `model` the two weights of every matrix of `plan` that has a
/// correction: as they will be in `folder` where the matrix is observed, else
/// computed here.
void addCorrections(QuantizedSource &model, llvm::ArrayRef<TensorPlan> plan,
                    const std::string &folder, ThreadPool &pool);

/// Takes those of observed matrices from `store` for good.
llvm::Error takeCorrection(QuantizedSource &model, const TensorPlan &plan,
                           const TensorStore &store);

/// Puts the products beside the matrices for which `source` has such weights.
mlir::LogicalResult useCorrections(mlir::ModuleOp module,
                                   const ModelSource &source);

} // namespace lowbit

#endif // LOWBIT_LIB_CALIBRATION_CORRECTION_H
