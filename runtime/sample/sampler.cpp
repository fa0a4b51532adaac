//===- sampler.cpp - From logits to a token -------------------------------===//

#include "sample/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace qrt {

namespace {

constexpr float lowest = -std::numeric_limits<float>::infinity();

/// Logits looked at together: 16 comparisons without a branch are 4 to 8 times
/// as fast as one with a branch after the other.
constexpr size_t block = 16;

bool anyAbove(const float *logits, float threshold) {
  uint32_t any = 0;
  for (size_t i = 0; i < block; ++i)
    any |= logits[i] > threshold; // false for NaN
  return any != 0;
}

Status outOfRange(const char *what, double value, const char *range) {
  return invalid(std::string(what) + " is " + std::to_string(value) +
                 ", but must be " + range);
}

Status check(int32_t vocabulary, const qrt_sampling &sampling) {
  // Written so that NaN fails.
  if (!(sampling.temperature >= 0) || std::isinf(sampling.temperature))
    return outOfRange("the temperature", sampling.temperature,
                      "0 (greedy) or more");
  if (!(sampling.top_p >= 0 && sampling.top_p <= 1))
    return outOfRange("top-p", sampling.top_p, "between 0 and 1");
  if (!(sampling.min_p >= 0 && sampling.min_p <= 1))
    return outOfRange("min-p", sampling.min_p, "between 0 and 1");
  if (!(sampling.repeat_penalty > 0) || std::isinf(sampling.repeat_penalty))
    return outOfRange("the repetition penalty", sampling.repeat_penalty,
                      "larger than 0");
  if (sampling.top_k < 0)
    return outOfRange("top-k", sampling.top_k, "0 (off) or more");
  if (sampling.n_biases > 0 && !sampling.biases)
    return invalid("there are no logit biases");
  for (size_t i = 0; i < sampling.n_biases; ++i) {
    const qrt_logit_bias &bias = sampling.biases[i];
    if (bias.id < 0 || bias.id >= vocabulary)
      return invalid("a logit bias is for token " + std::to_string(bias.id) +
                     ", but ids end at " + std::to_string(vocabulary - 1));
    if (std::isnan(bias.bias))
      return invalid("the logit bias of token " + std::to_string(bias.id) +
                     " is not a number");
  }
  return {};
}

} // namespace

Sampler::Sampler(int32_t vocabulary, const qrt_sampling &sampling)
    : sampling_(sampling),
      biases_(sampling.biases, sampling.biases + sampling.n_biases),
      random_(sampling.seed), vocabulary_(size_t(vocabulary)) {
  sampling_.biases = nullptr;
  const bool penalizes =
      sampling_.repeat_penalty != 1 && sampling_.repeat_last_n != 0;
  if (sampling_.temperature > 0)
    candidates_.reserve(size_t(
        sampling.top_k ? std::min(sampling.top_k, vocabulary) : vocabulary));
  if (penalizes || !biases_.empty())
    adjusted_.resize(vocabulary_);
  if (!penalizes)
    return;
  recentLimit_ = sampling_.repeat_last_n < 0
                     ? std::numeric_limits<size_t>::max()
                     : size_t(sampling_.repeat_last_n);
  penalized_.resize(vocabulary_);
}

Status Sampler::create(int32_t vocabulary, const qrt_sampling &sampling,
                       std::unique_ptr<Sampler> &sampler) {
  QRT_TRY(check(vocabulary, sampling));
  sampler.reset(new Sampler(vocabulary, sampling));
  return {};
}

void Sampler::accept(int32_t id) {
  if (recentLimit_ == 0 || id < 0 || size_t(id) >= vocabulary_)
    return;
  if (recent_.size() < recentLimit_) {
    recent_.push_back(id);
    return;
  }
  recent_[recentNext_] = id;
  recentNext_ = (recentNext_ + 1) % recentLimit_;
}

int32_t Sampler::sample(const float *logits) {
  logits = adjust(logits);
  int32_t chosen;
  if (sampling_.temperature <= 0) {
    chosen = best(logits);
  } else {
    collect(logits);
    narrow();
    chosen = draw();
  }
  accept(chosen);
  return chosen;
}

const float *Sampler::adjust(const float *logits) {
  if (adjusted_.empty())
    return logits;
  std::copy_n(logits, vocabulary_, adjusted_.begin());
  for (const qrt_logit_bias &bias : biases_) {
    float &logit = adjusted_[size_t(bias.id)];
    logit += bias.bias;
    if (std::isnan(logit)) // infinity minus infinity: a bias decides
      logit = bias.bias;
  }
  penalize();
  return adjusted_.data();
}

void Sampler::penalize() {
  const float penalty = sampling_.repeat_penalty;
  for (int32_t id : recent_) {
    if (penalized_[size_t(id)])
      continue;
    penalized_[size_t(id)] = 1;
    float &logit = adjusted_[size_t(id)];
    logit = logit > 0 ? logit / penalty : logit * penalty;
  }
  for (int32_t id : recent_)
    penalized_[size_t(id)] = 0;
}

int32_t Sampler::best(const float *logits) const {
  float largest = lowest;
  size_t id = 0, i = 0;
  auto look = [&](size_t end) {
    for (; i < end; ++i)
      if (logits[i] > largest) {
        largest = logits[i];
        id = i;
      }
  };
  for (; i + block <= vocabulary_;)
    if (anyAbove(logits + i, largest))
      look(i + block);
    else
      i += block;
  look(vocabulary_);
  return int32_t(id);
}

bool Sampler::before(const Candidate &a, const Candidate &b) {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

void Sampler::collect(const float *logits) {
  candidates_.clear();
  const size_t k = size_t(sampling_.top_k);
  if (k > 0 && k < vocabulary_)
    collectBest(logits, k);
  else
    collectAll(logits);
}

/// A heap of the k best so far, the worst on top: nearly every logit is refused
/// by one comparison.
void Sampler::collectBest(const float *logits, size_t k) {
  for (size_t i = 0; i < k; ++i)
    candidates_.push_back(
        {std::isnan(logits[i]) ? lowest : logits[i], int32_t(i)});
  std::make_heap(candidates_.begin(), candidates_.end(), before);
  size_t i = k;
  auto look = [&](size_t end) {
    for (; i < end; ++i) {
      // An equal logit loses to the lower id.
      if (!(logits[i] > candidates_.front().logit))
        continue;
      std::pop_heap(candidates_.begin(), candidates_.end(), before);
      candidates_.back() = {logits[i], int32_t(i)};
      std::push_heap(candidates_.begin(), candidates_.end(), before);
    }
  };
  for (; i + block <= vocabulary_;)
    if (anyAbove(logits + i, candidates_.front().logit))
      look(i + block);
    else
      i += block;
  look(vocabulary_);
  std::sort_heap(candidates_.begin(), candidates_.end(), before);
  sorted_ = k;
  largest_ = candidates_.front().logit;
}

void Sampler::collectAll(const float *logits) {
  largest_ = lowest;
  sorted_ = 0;
  for (size_t i = 0; i < vocabulary_; ++i) {
    const float logit = std::isnan(logits[i]) ? lowest : logits[i];
    largest_ = std::max(largest_, logit);
    candidates_.push_back({logit, int32_t(i)});
  }
}

void Sampler::sortFirst(size_t count) {
  count = std::min(count, candidates_.size());
  if (count <= sorted_)
    return;
  const auto begin = candidates_.begin() + ptrdiff_t(sorted_);
  const auto end = candidates_.begin() + ptrdiff_t(count);
  if (count < candidates_.size())
    std::nth_element(begin, end, candidates_.end(), before);
  std::sort(begin, end, before);
  sorted_ = count;
}

/// Relative to the largest. Below e^-40 (4e-18) it counts as zero: a vocabulary
/// of 262144 such tokens is drawn from once in 10^12 times.
double Sampler::weight(const Candidate &candidate, double scale) const {
  if (candidate.logit == largest_) // also where both are infinite
    return 1;
  const double exponent = (double(candidate.logit) - double(largest_)) * scale;
  return exponent < -40 ? 0 : std::exp(exponent);
}

/// Top-p and min-p. Both keep the front of the sorted list, so min-p, which
/// needs no order, may come first, as long as top-p counts what it dropped.
void Sampler::narrow() {
  double wanted = 0;
  if (sampling_.top_p < 1) {
    for (const Candidate &candidate : candidates_)
      wanted += weight(candidate, 1);
    wanted *= double(sampling_.top_p);
  }
  if (sampling_.min_p > 0) {
    const double least = double(largest_) + std::log(double(sampling_.min_p));
    const auto drop = [&](const Candidate &candidate) {
      return double(candidate.logit) < least;
    };
    candidates_.erase(
        std::remove_if(candidates_.begin(), candidates_.end(), drop),
        candidates_.end());
    sorted_ = std::min(sorted_, candidates_.size());
  }
  if (sampling_.top_p < 1)
    keepTopP(wanted);
}

void Sampler::keepTopP(double wanted) {
  double reached = 0;
  for (size_t i = 0; i < candidates_.size(); ++i) {
    if (i >= sorted_)
      sortFirst(std::max<size_t>(64, 4 * i));
    reached += weight(candidates_[i], 1);
    if (reached >= wanted) {
      candidates_.resize(i + 1);
      return;
    }
  }
}

int32_t Sampler::draw() {
  const double scale = 1 / double(sampling_.temperature);
  double total = 0;
  for (const Candidate &candidate : candidates_)
    total += weight(candidate, scale);
  double left = random_.uniform() * total;
  int32_t last = candidates_.front().id;
  for (const Candidate &candidate : candidates_) {
    const double share = weight(candidate, scale);
    if (share > 0)
      last = candidate.id;
    left -= share;
    if (left < 0)
      break;
  }
  return last;
}

} // namespace qrt
