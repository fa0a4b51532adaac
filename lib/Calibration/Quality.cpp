//===- Quality.cpp - How far a quantized model is off ---------------------===//

#include "Quality.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lowbit {

namespace {

/// sum_v p[v] (log p[v] - log q[v]) of one token, logits arriving in any
/// pieces: sums are relative to the largest logit so far.
class TokenDivergence {
public:
  void add(double p, double q, int64_t word) {
    if (p > largestP_) {
      rescale(sumP_, p - largestP_);
      rescale(weighted_, p - largestP_);
      largestP_ = p;
      topP_ = word;
    }
    if (q > largestQ_) {
      rescale(sumQ_, q - largestQ_);
      largestQ_ = q;
      topQ_ = word;
    }
    double mass = std::exp(p - largestP_);
    sumP_ += mass;
    weighted_ += mass * (p - q);
    sumQ_ += std::exp(q - largestQ_);
  }
  /// log p - log q = (p - q) - (log of sum e^p) + (log of sum e^q).
  double divergence() const {
    return weighted_ / sumP_ - (largestP_ + std::log(sumP_)) +
           (largestQ_ + std::log(sumQ_));
  }
  bool sameTop() const { return topP_ == topQ_; }

private:
  static void rescale(double &sum, double rise) {
    sum = std::isfinite(rise) ? sum * std::exp(-rise) : 0;
  }

  double largestP_ = -std::numeric_limits<double>::infinity();
  double largestQ_ = -std::numeric_limits<double>::infinity();
  double sumP_ = 0, sumQ_ = 0, weighted_ = 0;
  int64_t topP_ = 0, topQ_ = 0;
};

/// Tokens whose logits are compared: a product with the whole vocabulary each.
constexpr int64_t kTokens = 256;
constexpr int64_t kBlock = 256; ///< words of the vocabulary at a time

} // namespace

static float dot(const float *a, const float *b, int64_t count) {
  constexpr int kLanes = 16; // sums that do not wait for each other
  float sums[kLanes] = {};
  int64_t k = 0;
  for (; k + kLanes <= count; k += kLanes)
    for (int lane = 0; lane < kLanes; ++lane)
      sums[lane] += a[k + lane] * b[k + lane];
  for (; k < count; ++k)
    sums[0] += a[k] * b[k];
  float sum = 0;
  for (float lane : sums)
    sum += lane;
  return sum;
}

static double sqnrOf(llvm::ArrayRef<float> exact,
                     llvm::ArrayRef<float> rounded) {
  double signal = 0, noise = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    double difference = double(exact[i]) - rounded[i];
    signal += double(exact[i]) * exact[i];
    noise += difference * difference;
  }
  // Equal ends have no noise: as far apart as f32 can tell.
  return 10 *
         std::log10(std::max(signal, 1e-300) / std::max(noise, signal * 1e-15));
}

static void compareHeads(ThreadPool &pool, llvm::ArrayRef<float> exact,
                         llvm::ArrayRef<float> rounded, int64_t width,
                         const SourceTensor &exactHead,
                         const SourceTensor &roundedHead, Quality &quality) {
  int64_t tokens = int64_t(exact.size()) / width;
  int64_t chosen = std::min(tokens, kTokens);
  std::vector<TokenDivergence> sums(static_cast<size_t>(chosen));
  std::vector<float> p(size_t(kBlock * width)), q(p.size());
  for (int64_t first = 0; first < exactHead.rows(); first += kBlock) {
    int64_t count = std::min(kBlock, exactHead.rows() - first);
    pool.forEach(count, [&](int64_t i) {
      exactHead.readReals(first + i, p.data() + i * width);
      roundedHead.readReals(first + i, q.data() + i * width);
    });
    pool.forEach(chosen, [&](int64_t i) {
      int64_t token = i * tokens / chosen; // evenly spread
      for (int64_t word = 0; word < count; ++word)
        sums[size_t(i)].add(
            dot(exact.data() + token * width, p.data() + word * width, width),
            dot(rounded.data() + token * width, q.data() + word * width, width),
            first + word);
    });
  }
  for (const TokenDivergence &sum : sums) {
    quality.divergence += sum.divergence() / double(chosen);
    quality.sameTop += sum.sameTop() / double(chosen);
  }
  quality.tokens = chosen;
  quality.hasHead = true;
}

Quality compareEnds(ThreadPool &pool, llvm::ArrayRef<float> exact,
                    llvm::ArrayRef<float> rounded, int64_t width,
                    const SourceTensor *exactHead,
                    const SourceTensor *roundedHead) {
  Quality quality;
  if (exact.empty())
    return quality;
  quality.tokens = int64_t(exact.size()) / width;
  quality.sqnr = sqnrOf(exact, rounded);
  if (exactHead && roundedHead && exactHead->columns() == width &&
      roundedHead->columns() == width &&
      exactHead->rows() == roundedHead->rows())
    compareHeads(pool, exact, rounded, width, *exactHead, *roundedHead,
                 quality);
  return quality;
}

static constexpr const char *kFile = "quality";
static constexpr int64_t kNumbers = 5;

llvm::Error storeQuality(const TensorStore &store, const Quality &quality) {
  RowFields row;
  row.reals = {float(quality.tokens), float(quality.sqnr),
               float(quality.hasHead), float(quality.divergence),
               float(quality.sameTop)};
  return store.write(kFile, Scheme::ofFloat(FieldType::F32), kNumbers, row);
}

llvm::Expected<Quality> storedQuality(const TensorStore &store) {
  auto stored = store.open(kFile, Scheme::ofFloat(FieldType::F32), 1, kNumbers);
  if (!stored)
    return stored.takeError();
  RowFields row;
  (*stored)->readRow(0, row);
  return Quality{int64_t(row.reals[0]), row.reals[1], row.reals[2] != 0,
                 row.reals[3], row.reals[4]};
}

} // namespace lowbit
