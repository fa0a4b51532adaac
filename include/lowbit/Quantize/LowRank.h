//===- LowRank.h - What a few rows and columns can correct ------*- C++ -*-===//

#ifndef LOWBIT_QUANTIZE_LOWRANK_H
#define LOWBIT_QUANTIZE_LOWRANK_H

#include "lowbit/Quantize/ThreadPool.h"

#include <cstdint>
#include <vector>

namespace lowbit {

struct LowRankOptions {
  int64_t rank = 32;
  int turns = 6;            ///< of the subspace iteration
  int64_t oversampling = 8; ///< dimensions of the subspace beyond the rank
  uint64_t seed = 1;
};

struct LowRankFactors {
  int64_t rank = 0;         ///< as asked, at most rows and columns
  std::vector<float> left;  ///< U [rows x rank], orthonormal columns
  std::vector<float> right; ///< V [rank x columns]
  double error = 0;         ///< tr((E - U V) H (E - U V)^T)
  double plainError = 0;    ///< tr(E H E^T)
};

/// Factors whose product takes most out of an error E [rows x columns] (weights
/// less what they were rounded to), so that rounded + U V is near the weights:
/// the least
///
///     tr((E - U V) H (E - U V)^T)      over all U V of that rank,
///
/// with H [columns x columns] the second moments of the activations, or null
/// for the identity (LQER, Zhang et al. 2024, arXiv:2402.02446; with H as QERA,
/// Zhang et al. 2024, arXiv:2410.06040). U are the first eigenvectors of
/// E H E^T, which are the left singular vectors of E H^(1/2), and V = U^T E: no
/// root of H is needed. Found by subspace iteration from a random start (Halko
/// et al. 2011, arXiv:0909.4061), products in f32, the rest in double. Takes
/// turns * (rank + oversampling) * columns * (2 rows + columns)
/// multiplications.
LowRankFactors lowRankFactors(ThreadPool &pool, const float *e, int64_t rows,
                              int64_t columns, const float *h,
                              const LowRankOptions &options = {});

} // namespace lowbit

#endif // LOWBIT_QUANTIZE_LOWRANK_H
