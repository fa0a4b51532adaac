//===- HyperParameters.h - What a model's keys say --------------*- C++ -*-===//
//
// The keys "{architecture}.*" that every decoder has, read and checked once:
// behind this every size is positive, small enough to multiply, and divides
// what it has to divide.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_IMPORT_ARCHITECTURES_HYPERPARAMETERS_H
#define LOWBIT_IMPORT_ARCHITECTURES_HYPERPARAMETERS_H

#include "lowbit/Import/ModelSource.h"

namespace lowbit {

/// Divisors of the rotary frequencies: llama 3's, and phi-3's within the
/// trained context.
constexpr const char *kRopeFactors = "rope_freqs.weight";
constexpr const char *kShortFactors = "rope_factors_short.weight";

/// How positions beyond the trained context are squeezed into it.
struct RopeScaling {
  float frequencyScale = 1;   ///< of every frequency
  float magnitude = 1;        ///< of cosines and sines
  std::vector<float> factors; ///< one divisor a frequency; empty: all 1
};

/// What the rows are that `text` gives.
struct TextResult {
  enum Kind { Logits, Embedding, Classes };
  Kind kind = Logits;
  int64_t columns = 0;
  int64_t tokenTypes = 0;     ///< 0: the network reads none
  bool bidirectional = false; ///< a row sees its whole sequence

  bool pools() const { return kind != Logits; }
};

struct HyperParameters {
  std::string architecture;
  int64_t context = 0;
  int64_t embedding = 0;
  int64_t layers = 0;
  int64_t vocabulary = 0;
  int64_t kvHeads = 0; ///< the same in all layers: they share one store
  int64_t headDim = 0; ///< of queries, keys and values
  int64_t ropeDims = 0;
  int64_t window = 0;               ///< 0: none
  std::vector<int64_t> heads;       ///< [layers] of queries
  std::vector<int64_t> feedForward; ///< [layers]
  float epsilon = 0;
  float ropeBase = 10000;
  float attentionScale = 0;
  RopeScaling ropeScaling;
  std::string vocabularyKey; ///< where `vocabulary` comes from

  /// "llama.block_count" of "block_count".
  std::string key(llvm::StringRef name) const;
  int64_t mostHeads() const;
};

/// "model.gguf: <message>".
llvm::Error importError(const ModelSource &source, const llvm::Twine &message);

llvm::Expected<HyperParameters>
readHyperParameters(const ModelSource &source, llvm::StringRef architecture);

} // namespace lowbit

#endif // LOWBIT_IMPORT_ARCHITECTURES_HYPERPARAMETERS_H
