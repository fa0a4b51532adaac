//===- ColumnScales.h - Factors between activations and weights -*- C++ -*-===//
//
// A product is the same when column k of the weights is multiplied by s[k] and
// the activation k divided by it:
//
//     sum_k x[k] w[n][k] = sum_k (x[k] / s[k]) (s[k] w[n][k])
//
// Good s make what is rounded easier to round. Here they are found; whoever
// calls folds 1 / s into the norm or the matrix before.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_QUANTIZE_COLUMNSCALES_H
#define LOWBIT_QUANTIZE_COLUMNSCALES_H

#include "lowbit/Quantize/RoundToNearest.h"
#include "lowbit/Quantize/ThreadPool.h"

#include <vector>

namespace lowbit {

/// A matrix [rows x K] and the scheme that it is to be rounded into.
struct ScaledMatrix {
  const float *w;
  int64_t rows;
  const Scheme *scheme;
};

/// max |w| of each of the K columns over all matrices.
std::vector<float> columnMaxima(const std::vector<ScaledMatrix> &matrices,
                                int64_t columns);

/// SmoothQuant (Xiao et al. 2022, arXiv:2211.10438), equation 4:
///
///     s[k] = activationMax[k]^alpha / weightMax[k]^(1 - alpha)
///
/// for activations that are rounded too: alpha (0 to 1, 0.5 as a rule) is how
/// much of their outliers the weights take over. 1 where either maximum is 0 or
/// not finite; within [1e-5, 1e5].
std::vector<float> smoothScales(const std::vector<float> &activationMax,
                                const std::vector<float> &weightMax,
                                double alpha);

struct AwqOptions {
  int gridSteps = 20; ///< alpha = i / gridSteps, i from 0 to gridSteps
  /// Tries s = x^alpha / m^(1 - alpha) too, m the mean magnitude of the column
  /// in units of its group's largest (AutoAWQ's `duo_scaling`).
  bool withWeights = true;
  /// Rows of each matrix that the error is taken over, evenly spread; 0: all.
  int64_t sampleRows = 0;
  RoundOptions rounding;  ///< its weights are not used
  int clipSteps = 10;     ///< of awqClip
  double leastClip = 0.5; ///< the smallest range tried, as a share of the whole
};

struct AwqResult {
  std::vector<float> scales; ///< [K], above 0; all 1 if nothing is better
  double alpha = 0;
  double error = 0;      ///< sum over rows of e H e^T with these scales
  double plainError = 0; ///< with none
};

/// AWQ's search (Lin et al. 2023, arXiv:2306.00978), for all matrices that have
/// the same input: over exponents alpha of the activations' mean magnitudes
/// (ColumnStats::meanAbs), the scales s = meanAbs^alpha, divided by
/// sqrt(max s * min s), with the least
///
///     sum over rows of e H e^T,   e[k] = w[k] - round(s w)[k] / s[k]
///
/// H [K x K] are the second moments of the input. alpha = 0 is always tried, so
/// the error is never above that without scales. Takes rows K^2 multiplications
/// for each alpha.
AwqResult awqScales(ThreadPool &pool, const std::vector<ScaledMatrix> &matrices,
                    const float *h, int64_t columns,
                    const std::vector<float> &meanAbs,
                    const AwqOptions &options = {});

/// AWQ's search for clip points: `clipped` [rows x K] becomes w with the values
/// of each innermost group limited to a share of its range, the one with the
/// least error e H e^T within the group. A row for which that does not lower
/// its whole e H e^T stays as it is. Returns the sum over rows.
double awqClip(ThreadPool &pool, const ScaledMatrix &matrix, const float *h,
               int64_t columns, const AwqOptions &options, float *clipped);

} // namespace lowbit

#endif // LOWBIT_QUANTIZE_COLUMNSCALES_H
