//===- Hqq.h - Half-quadratic quantization ----------------------*- C++ -*-===//

#ifndef LOWBIT_QUANTIZE_HQQ_H
#define LOWBIT_QUANTIZE_HQQ_H

#include "lowbit/Support/Scheme.h"

namespace lowbit {

struct HqqOptions {
  double norm = 0.7; ///< p, above 0, at most 1
  double beta = 10;
  double growth = 1.01; ///< beta's, at each turn
  int turns = 20;
  /// Fits the scale with the offset; the paper keeps the scale and moves the
  /// zero point alone. Schemes without minima or zero points fit the scale in
  /// either case.
  bool fitScale = true;
};

/// Half-quadratic quantization (Badri and Shaji 2023, "HQQ",
/// mobiusml.github.io/hqq_blog), which needs no activations: for each innermost
/// group of a row [columns], fields and codes that leave little of
///
///     sum_k |r[k]|^p,   r[k] = value[k] - dequantized[k]
///
/// A p below 1 lets outliers go for the sake of the many. Turns: e = r shrunk
/// by |r|^(p-1) / beta towards 0, in units of the group's scale; then scale and
/// minimum (or zero point) by least squares of value - e under the codes at
/// hand; then the nearest codes. Starts from roundToNearest, whose outer fields
/// stay, and keeps the best turn, so the sum is never above what it was. Values
/// that are not finite count as 0. Tensor-level fields are taken from
/// `row.fields` as they are.
void hqq(const Scheme &scheme, const float *values, int64_t columns,
         RowFields &row, const HqqOptions &options = {});

} // namespace lowbit

#endif // LOWBIT_QUANTIZE_HQQ_H
