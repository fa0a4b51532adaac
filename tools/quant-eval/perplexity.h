//===- perplexity.h - How well a model foresees a text ----------*- C++ -*-===//

#ifndef TOOLS_QUANTEVAL_PERPLEXITY_H
#define TOOLS_QUANTEVAL_PERPLEXITY_H

#include "tools/common/runtime.h"
#include "tools/quant-eval/layers.h"
#include "tools/quant-eval/statistics.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace lowbit::tools {

/// Mean of the negative log-likelihoods of tokens, in nats, and their text.
class Likelihood {
public:
  void add(double nll) { nll_.add(nll); }
  /// Bytes of text that tokens stand for; what is not text (BOS) has none.
  void addBytes(uint64_t bytes) { bytes_ += bytes; }

  int64_t count() const { return nll_.count(); }
  uint64_t bytes() const { return bytes_; }
  double nll() const { return nll_.value(); }
  double ppl() const;
  /// Standard error of nll(), and of ppl() to first order.
  double nllError() const { return nll_.error(); }
  double pplError() const { return nllError() * ppl(); }
  /// Bits that an ideal coder needs for a byte of text, which vocabularies do
  /// not change: nll() * count() / (ln 2 * bytes()); 0 without text.
  Estimate bitsPerByte() const;

private:
  Mean nll_;
  uint64_t bytes_ = 0;
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

/// Bytes of text that the scored tokens of a chunk stand for: all behind its
/// middle one.
Error countScoredBytes(const qrt_model *model,
                       const std::vector<int32_t> &chunk, uint64_t &bytes);

/// Scores chunks, each in a session of its own. `layers` may be null.
Error measurePerplexity(qrt_model *model,
                        const std::vector<std::vector<int32_t>> &chunks,
                        LayerWriter *layers, const OnChunk &onChunk,
                        Likelihood &result);

} // namespace lowbit::tools

#endif // TOOLS_QUANTEVAL_PERPLEXITY_H
