//===- divergence.cpp - One model's predictions beside another's ----------===//

#include "tools/quant-eval/divergence.h"

#include "tools/quant-eval/softmax.h"

#include <algorithm>
#include <cmath>

using namespace lowbit::tools;

double TokenDivergence::p() const { return std::exp(-nll); }
double TokenDivergence::pBase() const { return std::exp(-nllBase); }

TokenDivergence lowbit::tools::compareLogits(const float *base,
                                             const float *logits,
                                             size_t vocabulary, int32_t token) {
  TokenDivergence result;
  double sumBase = logSumExp(base, vocabulary);
  double sum = logSumExp(logits, vocabulary);
  result.nll = sum - double(logits[token]);
  result.nllBase = sumBase - double(base[token]);
  double divergence =
      expectedDifference(base, logits, vocabulary, sumBase) - sumBase + sum;
  // Equal distributions may leave a rounding error below 0.
  result.kld = divergence < 0 ? 0 : divergence;
  result.top = likeliest(logits, vocabulary);
  result.topBase = likeliest(base, vocabulary);
  return result;
}

void Divergence::add(const TokenDivergence &token) {
  double delta = token.deltaP();
  nll_.add(token.nll);
  nllBase_.add(token.nllBase);
  products_ += token.nll * token.nllBase;
  kld_.add(token.kld);
  deltaP_.add(delta);
  squaredDeltaP_.add(delta * delta);
  sameTop_ += token.top == token.topBase;
  klds_.push_back(token.kld);
  deltas_.push_back(delta);
}

static Estimate exponential(const Estimate &logarithm) {
  double value = std::exp(logarithm.value);
  return {value, value * logarithm.error};
}

/// The variance of a difference; what rounding leaves below 0 is 0.
static double errorOfDifference(double a, double b, double covariance) {
  double variance = a * a + b * b - 2 * covariance;
  return variance > 0 ? std::sqrt(variance) : 0;
}

double Divergence::covariance() const {
  if (count() < 2)
    return 0;
  double mean = products_ / double(count()) - nll_.value() * nllBase_.value();
  return mean / double(count() - 1);
}

double Divergence::correlation() const {
  double errors = nll_.error() * nllBase_.error();
  return errors > 0 ? covariance() / errors : 0;
}

Estimate Divergence::ppl() const { return exponential(nll_.estimate()); }
Estimate Divergence::pplBase() const {
  return exponential(nllBase_.estimate());
}

Estimate Divergence::lnRatio() const {
  return {nll_.value() - nllBase_.value(),
          errorOfDifference(nll_.error(), nllBase_.error(), covariance())};
}

Estimate Divergence::ratio() const { return exponential(lnRatio()); }

Estimate Divergence::difference() const {
  Estimate q = ppl(), base = pplBase();
  return {q.value - base.value,
          errorOfDifference(q.error, base.error,
                            q.value * base.value * covariance())};
}

Estimate Divergence::rmsDeltaP() const {
  double rms = std::sqrt(squaredDeltaP_.value());
  return {rms, rms > 0 ? 0.5 / rms * squaredDeltaP_.error() : 0};
}

Estimate Divergence::sameTop() const {
  if (count() == 0)
    return {};
  double share = double(sameTop_) / double(count());
  return {share, count() < 2
                     ? 0
                     : std::sqrt(share * (1 - share) / double(count() - 1))};
}

std::vector<double> Divergence::sorted(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values;
}
