//===- divergence.h - One model's predictions beside another's --*- C++ -*-===//
//
// The figures of llama-perplexity --kl-divergence. "base" is the reference, "Q"
// the model that is measured. Where llama.cpp rounds the reference's
// log-probabilities to 16 bits and leaves out tokens below e^-16, these are
// computed from the logits themselves, in double.
//
//===----------------------------------------------------------------------===//

#ifndef TOOLS_QUANTEVAL_DIVERGENCE_H
#define TOOLS_QUANTEVAL_DIVERGENCE_H

#include "tools/quant-eval/statistics.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lowbit::tools {

/// What two models say of one place in a text.
struct TokenDivergence {
  double nll = 0, nllBase = 0;  ///< of the token that follows, in nats
  double kld = 0;               ///< KL(base || Q), in nats
  int32_t top = 0, topBase = 0; ///< likeliest tokens
  double p() const;             ///< of the token that follows
  double pBase() const;
  double deltaP() const { return p() - pBase(); }
};

/// `token`: the one that follows in the text.
TokenDivergence compareLogits(const float *base, const float *logits,
                              size_t vocabulary, int32_t token);

/// Collects tokens; 16 bytes of each are kept for the percentiles.
class Divergence {
public:
  void add(const TokenDivergence &token);

  int64_t count() const { return nll_.count(); }
  const Mean &nll() const { return nll_; }
  const Mean &nllBase() const { return nllBase_; }
  Estimate ppl() const;
  Estimate pplBase() const;
  /// Of ln PPL(Q) with ln PPL(base); 0 where one of them does not vary.
  double correlation() const;
  Estimate lnRatio() const;    ///< ln(PPL(Q) / PPL(base))
  Estimate ratio() const;      ///< PPL(Q) / PPL(base)
  Estimate difference() const; ///< PPL(Q) - PPL(base)
  Estimate kld() const { return kld_.estimate(); }
  Estimate deltaP() const { return deltaP_.estimate(); }
  Estimate rmsDeltaP() const;
  Estimate sameTop() const; ///< share of equal first choices
  /// One value for each token, ascending.
  std::vector<double> sortedKld() const { return sorted(klds_); }
  std::vector<double> sortedDeltaP() const { return sorted(deltas_); }

private:
  static std::vector<double> sorted(std::vector<double> values);
  double covariance() const; ///< of the means of nll and nllBase

  Mean nll_, nllBase_, kld_, deltaP_, squaredDeltaP_;
  double products_ = 0; ///< sum of nll * nllBase
  int64_t sameTop_ = 0;
  std::vector<double> klds_, deltas_;
};

} // namespace lowbit::tools

#endif // TOOLS_QUANTEVAL_DIVERGENCE_H
