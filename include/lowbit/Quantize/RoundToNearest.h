//===- RoundToNearest.h - Reals to the nearest codes ------------*- C++ -*-===//

#ifndef LOWBIT_QUANTIZE_ROUNDTONEAREST_H
#define LOWBIT_QUANTIZE_ROUNDTONEAREST_H

#include "lowbit/Support/Scheme.h"

#include <limits>

namespace lowbit {

struct RoundOptions {
  /// Smaller scales tried for each group, down to 60 % of the one that reaches
  /// its extremes; the least squared error wins. 0: none.
  int shrinkSteps = 0;
  /// Then searches all fields but the tensor's for less of
  /// sum_k weight[k] (value[k] - rounded[k])^2, and keeps what rounding without
  /// search gave wherever that is not worse: see RowSearch.h. About 0.1 us for
  /// an element, 0.2 to 0.4 us with nested fields (Zen 5).
  bool search = false;
  /// [columns], or null: all alike. At least 0; others count as 0. For a matrix
  /// product the mean square of the column's activations
  /// (ColumnStats::importance), as llama.cpp's imatrix has it. For the search
  /// alone.
  const float *weights = nullptr;
};

/// Rounds a row into a scheme: fields chosen for each group from its values
/// alone (absolute maximum, or minimum and maximum where the scheme has minima
/// or zero points), stored fields rounded first, codes nearest to
/// (value - M) / S + z under the scheme's tie rule, clamped to the code set.
/// Nested scale levels: the outer field makes the inner integer range fit.
/// Tensor-level fields are taken from `row.fields` as they are.
///
/// Where the code set has no mirror image of its largest code (`u4 offset 8`, a
/// codebook) the extreme goes to either end, whichever leaves the smaller
/// squared error; signed codes without minimum or zero point stay within
/// +-(2^(bits-1) - 1). Ternary: the absolute maximum or the absolute mean,
/// again by error; sign: the absolute mean. Values that are not finite count as
/// 0: report them before, see firstNonFinite.
void roundToNearest(const Scheme &scheme, const float *values, int64_t columns,
                    RowFields &row, const RoundOptions &options = {});

/// Index of the first NaN or infinity, -1 if there is none.
int64_t firstNonFinite(const float *values, int64_t count);

/// What tensor-level fields are chosen from, collected row by row.
struct TensorRange {
  double min = std::numeric_limits<double>::infinity();
  double max = -std::numeric_limits<double>::infinity();
  double sumAbs = 0;
  int64_t count = 0;

  void add(const float *values, int64_t n);
};

/// Sets the tensor-level fields of a row that is sized by RowFields::resize;
/// call it once, then roundToNearest for each row with the same `row`.
void chooseTensorFields(const Scheme &scheme, const TensorRange &range,
                        RowFields &row);

} // namespace lowbit

#endif // LOWBIT_QUANTIZE_ROUNDTONEAREST_H
