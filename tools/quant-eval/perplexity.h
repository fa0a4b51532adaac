//===- perplexity.h - How well a model foresees a text ----------*- C++ -*-===//

#ifndef TOOLS_QUANTEVAL_PERPLEXITY_H
#define TOOLS_QUANTEVAL_PERPLEXITY_H

#include "tools/common/runtime.h"
#include "tools/quant-eval/layers.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace lowbit::tools {

/// log(sum(exp(logits))) of float logits, summed in double. Relative error of
/// the sum below 1e-12.
double logSumExp(const float *logits, size_t count);

/// Mean and spread of the negative log-likelihoods of tokens, in nats.
class Likelihood {
public:
  void add(double nll) {
    ++count_;
    sum_ += nll;
    squares_ += nll * nll;
  }
  int64_t count() const { return count_; }
  double nll() const { return count_ ? sum_ / double(count_) : 0; }
  double ppl() const;
  /// Standard error of nll(), and of ppl() to first order.
  double nllError() const;
  double pplError() const { return nllError() * ppl(); }

private:
  int64_t count_ = 0;
  double sum_ = 0, squares_ = 0;
};

struct PerplexityOptions {
  int32_t context = 512;
  int32_t chunks = -1; ///< -1: all there are
};

/// Called after each chunk.
using OnChunk =
    std::function<void(int32_t chunk, int32_t chunks, const Likelihood &sofar)>;

/// The tokens that are scored, cut into chunks as llama-perplexity does;
/// BOS stands first in each where the model adds it.
Error makeChunks(const qrt_model *model, const std::vector<int32_t> &tokens,
                 const PerplexityOptions &options,
                 std::vector<std::vector<int32_t>> &chunks);

/// Scores chunks, each in a session of its own. `layers` may be null.
Error measurePerplexity(qrt_model *model,
                        const std::vector<std::vector<int32_t>> &chunks,
                        LayerWriter *layers, const OnChunk &onChunk,
                        Likelihood &result);

} // namespace lowbit::tools

#endif // TOOLS_QUANTEVAL_PERPLEXITY_H
