//===- LayerQuantizer.h - Matrices from what they are multiplied with -----===//

#ifndef LOWBIT_LIB_CALIBRATION_LAYERQUANTIZER_H
#define LOWBIT_LIB_CALIBRATION_LAYERQUANTIZER_H

#include "lowbit/Calibration/Calibrate.h"
#include "lowbit/Quantize/Calibration.h"
#include "lowbit/Quantize/Gptq.h"

namespace lowbit {

/// What was seen of the rows that some matrices are multiplied with.
struct InputStats {
  explicit InputStats(int64_t columns, bool wantsMoments)
      : columns(columns), moments(wantsMoments ? columns : 0) {}

  void add(ThreadPool &pool, const float *x, int64_t rows) {
    columns.add(x, rows);
    if (moments.columns())
      moments.add(pool, x, rows);
  }

  /// From now on of x[k] / factors[k].
  void divideBy(ThreadPool &pool, llvm::ArrayRef<float> factors);
  /// Mean squares of the columns.
  std::vector<float> importance() const;
  /// [K x K], of the columns as they are divided.
  llvm::ArrayRef<float> matrix(ThreadPool &pool);
  /// The factored matrix, made when the first weight asks.
  llvm::Expected<const Gptq *> gptq(ThreadPool &pool, int64_t unit);

  ColumnStats columns;
  SecondMoments moments; ///< of no columns unless wanted

private:
  std::vector<float> factors_, matrix_;
  std::unique_ptr<Gptq> gptq_;
};

/// Codes and fields of one matrix by its plan's algorithm. Weights or
/// activations that are not finite are an error that names the tensor. `error`:
/// the squared error of the product, in units that only compare schemes of one
/// matrix and one algorithm.
llvm::Expected<std::vector<RowFields>>
quantizeMatrix(const TensorPlan &plan, const SourceTensor &tensor,
               InputStats &stats, ThreadPool &pool, double *error = nullptr);

/// Factors for what some matrices of `tensors` are multiplied with, by the
/// recipe's method; `plans` say what they are rounded into.
llvm::Expected<std::vector<float>>
chooseFactors(const Recipe &recipe, llvm::ArrayRef<const TensorPlan *> plans,
              llvm::ArrayRef<const SourceTensor *> tensors, InputStats &stats,
              ThreadPool &pool);

} // namespace lowbit

#endif // LOWBIT_LIB_CALIBRATION_LAYERQUANTIZER_H
