//===- sampler.h - From logits to a token -----------------------*- C++ -*-===//
//
// Each step narrows a list of candidates; llama.cpp's meaning of the names:
//
//   biases      logit += bias
//   penalty     of a token among the last repeat_last_n: logit / penalty if
//               positive, else logit * penalty
//   top-k       the k largest logits
//   top-p       the fewest, from the largest down, whose probabilities reach p
//   min-p       those with at least p times the largest probability
//   temperature logit / temperature; then one is drawn
//
// Equal logits are ordered by token id. NaN counts as minus infinity.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTRT_SAMPLE_SAMPLER_H
#define QUANTRT_SAMPLE_SAMPLER_H

#include "base/status.h"
#include "sample/random.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace qrt {

class Sampler {
public:
  static Status create(int32_t vocabulary, const qrt_sampling &sampling,
                       std::unique_ptr<Sampler> &sampler);

  /// Chooses a token from logits [vocabulary] and remembers it.
  int32_t sample(const float *logits);

  /// Remembers a token that was not sampled: one of the prompt.
  void accept(int32_t id);

private:
  struct Candidate {
    float logit;
    int32_t id;
  };

  Sampler(int32_t vocabulary, const qrt_sampling &sampling);
  static bool before(const Candidate &a, const Candidate &b);
  const float *adjust(const float *logits);
  void penalize();
  int32_t best(const float *logits) const;
  void collect(const float *logits);
  void collectBest(const float *logits, size_t k);
  void collectAll(const float *logits);
  void sortFirst(size_t count);
  void narrow();
  void keepTopP(double wanted);
  double weight(const Candidate &candidate, double scale) const;
  int32_t draw();

  qrt_sampling sampling_;
  std::vector<qrt_logit_bias> biases_;
  Random random_;
  size_t vocabulary_;
  std::vector<float> adjusted_; ///< logits after biases and penalty
  std::vector<Candidate> candidates_;
  float largest_ = 0; ///< logit of the candidates
  size_t sorted_ = 0; ///< how many candidates at the front are in order

  std::vector<int32_t> recent_; ///< ring of the last tokens
  size_t recentLimit_ = 0, recentNext_ = 0;
  std::vector<uint8_t> penalized_; ///< by token, during penalize()
};

} // namespace qrt

#endif // QUANTRT_SAMPLE_SAMPLER_H
