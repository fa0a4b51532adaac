//===- perplexity.cpp - How well a model foresees a text ------------------===//

#include "tools/quant-eval/perplexity.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace lowbit::tools;

// A vocabulary of 262144 tokens makes 1.6e9 exponentials for 24 chunks: 8 s
// with the library's exp, under 1 s with a loop that the compiler vectorizes.
#if defined(__x86_64__) && defined(__clang__)
#define VECTORIZED                                                             \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define VECTORIZED
#endif

/// Sum of exp(logits[i] - most), where `most` is the largest: x = k ln 2 + r,
/// exp(x) = 2^k * P(r), P the Taylor polynomial of degree 11 on |r| <= ln2 / 2
/// (its remainder is below 1e-14).
VECTORIZED
static double sumExp(const float *logits, size_t count, double most) {
  static constexpr double log2e = 1.4426950408889634, ln2 = 0.6931471805599453;
  // Adding it leaves the nearest integer in the low bits.
  static constexpr double shift = 6755399441055744.0; // 1.5 * 2^52
  double sum = 0;
  for (size_t i = 0; i < count; ++i) {
#pragma clang fp reassociate(on)
    double x = logits[i] - most;
    // 2^-1000 is as good as 0, and keeps the exponent in range. NaN stays.
    x = x < -690.0 ? -690.0 : x;
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
    sum += p * power;
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

double lowbit::tools::logSumExp(const float *logits, size_t count) {
  double most = maximum(logits, count);
  if (!std::isinf(most))
    return most + std::log(sumExp(logits, count, most));
  bool nan = std::any_of(logits, logits + count,
                         [](float logit) { return std::isnan(logit); });
  return nan ? NAN : most;
}

double Likelihood::ppl() const { return std::exp(nll()); }

double Likelihood::nllError() const {
  if (count_ < 2)
    return 0;
  double mean = nll();
  double variance = squares_ / double(count_) - mean * mean;
  return variance > 0 ? std::sqrt(variance / double(count_ - 1)) : 0;
}

Error lowbit::tools::makeChunks(const qrt_model *model,
                                const std::vector<int32_t> &tokens,
                                const PerplexityOptions &options,
                                std::vector<std::vector<int32_t>> &chunks) {
  qrt_model_info info = modelInfo(model);
  size_t length = static_cast<size_t>(options.context);
  if (options.context > info.max_context)
    return Error("chunks of " + std::to_string(length) +
                 " tokens do not fit into the model's context of " +
                 std::to_string(info.max_context) + "; lower --ctx");
  size_t count = tokens.size() / length;
  if (count == 0)
    return Error("the text has " + std::to_string(tokens.size()) +
                 " tokens, but a chunk needs " + std::to_string(length) +
                 "; give a longer text or lower --ctx");
  if (options.chunks >= 0)
    count = std::min(count, static_cast<size_t>(options.chunks));
  chunks.clear();
  for (size_t i = 0; i < count; ++i) {
    auto begin = tokens.begin() + static_cast<ptrdiff_t>(i * length);
    chunks.emplace_back(begin, begin + static_cast<ptrdiff_t>(length));
    if (info.add_bos && info.bos_id >= 0)
      chunks.back()[0] = info.bos_id;
  }
  return Error::success();
}

namespace {
/// What a row's visit needs to know.
struct ChunkVisit {
  const std::vector<int32_t> *chunk;
  size_t vocabulary;
  LayerWriter *layers;
  Likelihood *result;
  Error error = Error::success();

  qrt_status row(int32_t index, const float *logits, const float *probes) {
    const std::vector<int32_t> &ids = *chunk;
    size_t row = static_cast<size_t>(index);
    if (layers)
      error = layers->add(ids[row], index, probes);
    if (error)
      return QRT_CANCELLED;
    if (row >= ids.size() / 2 && row + 1 < ids.size())
      result->add(logSumExp(logits, vocabulary) -
                  double(logits[static_cast<size_t>(ids[row + 1])]));
    return QRT_OK;
  }
};
} // namespace

/// The last row foresees a token of the next chunk, so nobody computes it,
/// unless its layers are wanted.
static Error scoreChunk(qrt_model *model, const std::vector<int32_t> &chunk,
                        LayerWriter *layers, Likelihood &result) {
  SessionHandle session;
  int32_t length = static_cast<int32_t>(chunk.size());
  TOOLS_TRY(createSession(model, length, session));
  ChunkVisit visit{&chunk, static_cast<size_t>(modelInfo(model).n_vocab),
                   layers, &result};
  qrt_status status = qrt_append_visit(
      session.get(), chunk.data(), layers ? length : length - 1,
      layers ? 0 : length / 2,
      [](void *user, int32_t index, const float *logits, const float *probes) {
        return static_cast<ChunkVisit *>(user)->row(index, logits, probes);
      },
      &visit);
  if (visit.error)
    return visit.error;
  return check(status);
}

Error lowbit::tools::measurePerplexity(
    qrt_model *model, const std::vector<std::vector<int32_t>> &chunks,
    LayerWriter *layers, const OnChunk &onChunk, Likelihood &result) {
  for (size_t i = 0; i < chunks.size(); ++i) {
    if (layers)
      layers->beginSequence(static_cast<int32_t>(i));
    TOOLS_TRY(scoreChunk(model, chunks[i], layers, result));
    if (std::isnan(result.nll()))
      return Error("chunk " + std::to_string(i + 1) +
                   ": the model's logits hold NaN");
    onChunk(static_cast<int32_t>(i + 1), static_cast<int32_t>(chunks.size()),
            result);
  }
  return Error::success();
}
