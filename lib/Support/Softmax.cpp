//===- Softmax.cpp - Probabilities of logits ------------------------------===//

#include "lowbit/Support/Softmax.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace lowbit;

// A vocabulary of 262144 tokens makes 1.6e9 exponentials for 24 chunks: 8 s
// with the library's exp, under 1 s with a loop that the compiler vectorizes.
#if defined(__x86_64__) && defined(__clang__)
#define VECTORIZED                                                             \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define VECTORIZED
#endif

/// 2^-1000 is as good as 0, and keeps the exponent in range.
static constexpr double leastExponent = -690.0;

/// exp(x) for leastExponent <= x <= 0: x = k ln 2 + r, exp(x) = 2^k * P(r), P
/// the Taylor polynomial of degree 11 on |r| <= ln2 / 2 (its remainder is below
/// 1e-14). NaN stays.
static inline __attribute__((always_inline)) double expOf(double x) {
  static constexpr double log2e = 1.4426950408889634, ln2 = 0.6931471805599453;
  // Adding it leaves the nearest integer in the low bits.
  static constexpr double shift = 6755399441055744.0; // 1.5 * 2^52
  double shifted = x * log2e + shift;
  double r = x - (shifted - shift) * ln2;
  double p = 1.0 / 39916800;
  p = p * r + 1.0 / 3628800;
  p = p * r + 1.0 / 362880;
  p = p * r + 1.0 / 40320;
  p = p * r + 1.0 / 5040;
  p = p * r + 1.0 / 720;
  p = p * r + 1.0 / 120;
  p = p * r + 1.0 / 24;
  p = p * r + 1.0 / 6;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  uint64_t bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = (bits + 1023) << 52;
  double power;
  std::memcpy(&power, &bits, sizeof power);
  return p * power;
}

/// Sum of exp(logits[i] - most), where `most` is the largest.
VECTORIZED
static double sumExp(const float *logits, size_t count, double most) {
  double sum = 0;
  for (size_t i = 0; i < count; ++i) {
#pragma clang fp reassociate(on)
    double x = logits[i] - most;
    x = x < leastExponent ? leastExponent : x;
    sum += expOf(x);
  }
  return sum;
}

VECTORIZED
static double sumDifferences(const float *base, const float *logits,
                             size_t count, double logSum) {
  double sum = 0;
  for (size_t i = 0; i < count; ++i) {
#pragma clang fp reassociate(on)
    double x = base[i] - logSum;
    // An excluded token's difference may be infinite.
    double difference =
        x < leastExponent ? 0 : double(base[i]) - double(logits[i]);
    x = x < leastExponent ? leastExponent : x;
    sum += expOf(x) * difference;
  }
  return sum;
}

/// The largest logit that is a number, in lanes that the compiler keeps apart.
VECTORIZED
static float maximum(const float *logits, size_t count) {
  static constexpr size_t lanes = 64;
  float most[lanes], result = -INFINITY;
  std::fill_n(most, lanes, -INFINITY);
  size_t whole = count - count % lanes;
  for (size_t i = 0; i < whole; i += lanes)
    for (size_t lane = 0; lane < lanes; ++lane)
      most[lane] =
          logits[i + lane] > most[lane] ? logits[i + lane] : most[lane];
  for (float lane : most)
    result = std::max(result, lane);
  for (size_t i = whole; i < count; ++i)
    result = logits[i] > result ? logits[i] : result;
  return result;
}

double lowbit::logSumExp(const float *logits, size_t count) {
  double most = maximum(logits, count);
  if (!std::isinf(most))
    return most + std::log(sumExp(logits, count, most));
  bool nan = std::any_of(logits, logits + count,
                         [](float logit) { return std::isnan(logit); });
  return nan ? NAN : most;
}

double lowbit::expectedDifference(const float *base, const float *logits,
                                  size_t count, double logSum) {
  return sumDifferences(base, logits, count, logSum);
}

int32_t lowbit::likeliest(const float *logits, size_t count) {
  float most = maximum(logits, count);
  return static_cast<int32_t>(std::find(logits, logits + count, most) - logits);
}
