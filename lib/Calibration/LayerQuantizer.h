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

  /// The factored moments, made when the first matrix asks.
  llvm::Expected<const Gptq *> gptq(ThreadPool &pool, int64_t unit);

  ColumnStats columns;
  SecondMoments moments; ///< of no columns unless wanted

private:
  std::vector<float> matrix_;
  std::unique_ptr<Gptq> gptq_;
};

/// Codes and fields of one matrix by its plan's algorithm. Weights or
/// activations that are not finite are an error that names the tensor.
llvm::Expected<std::vector<RowFields>>
quantizeMatrix(const TensorPlan &plan, const SourceTensor &tensor,
               InputStats &stats, ThreadPool &pool);

} // namespace lowbit

#endif // LOWBIT_LIB_CALIBRATION_LAYERQUANTIZER_H
