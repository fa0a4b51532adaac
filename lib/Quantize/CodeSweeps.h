//===- CodeSweeps.h - Codes, one after another, to the best -----*- C++ -*-===//

#ifndef LOWBIT_QUANTIZE_CODESWEEPS_H
#define LOWBIT_QUANTIZE_CODESWEEPS_H

#include "lowbit/Quantize/ThreadPool.h"
#include "lowbit/Support/Scheme.h"

#include <vector>

namespace lowbit {

/// Lowers e (H + lambda I) e^T of each row of w [fields.size() x columns], e =
/// w - dequantized, by coordinate descent: with g = e (H + lambda I) and D the
/// diagonal of H + lambda I, column k's code becomes the nearest to
///
///     value[k] + g[k] / D[k]
///
/// the best for it while all others stay, and g follows. A sweep takes every
/// column once; it ends early where no code moves. Fields stay. Schemes of
/// floats and of vectors are left as they are.
void sweepCodes(ThreadPool &pool, const Scheme &scheme, const float *w,
                int64_t columns, const float *h,
                const std::vector<float> &diagonal, int sweeps,
                std::vector<RowFields> &fields);

} // namespace lowbit

#endif // LOWBIT_QUANTIZE_CODESWEEPS_H
