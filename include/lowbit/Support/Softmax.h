//===- Softmax.h - Probabilities of logits ----------------------*- C++ -*-===//

#ifndef LOWBIT_SUPPORT_SOFTMAX_H
#define LOWBIT_SUPPORT_SOFTMAX_H

#include <cstddef>
#include <cstdint>

namespace lowbit {

/// log(sum(exp(logits))) of float logits, summed in double. Relative error of
/// the sum below 1e-12. Infinite logits follow IEEE's rules; NaN stays.
double logSumExp(const float *logits, size_t count);

/// sum of p_i * (base_i - logits_i), where p = softmax(base) and `logSum` is
/// logSumExp(base): KL(base || logits) but for the two sums. A p_i below 1e-299
/// counts as 0, so that a token that base excludes (-inf) adds nothing.
double expectedDifference(const float *base, const float *logits, size_t count,
                          double logSum);

/// Index of the largest logit, the first of equal ones.
int32_t likeliest(const float *logits, size_t count);

} // namespace lowbit

#endif // LOWBIT_SUPPORT_SOFTMAX_H
