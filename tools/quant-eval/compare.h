//===- compare.h - Two models on one text -----------------------*- C++ -*-===//
//
// Both models read the same chunks, a block of rows at a time: the reference's
// logits of a block are kept until the other model has computed the same rows,
// so that memory depends neither on the text nor on the chunk.
//
//===----------------------------------------------------------------------===//

#ifndef TOOLS_QUANTEVAL_COMPARE_H
#define TOOLS_QUANTEVAL_COMPARE_H

#include "tools/common/runtime.h"
#include "tools/quant-eval/divergence.h"
#include "tools/quant-eval/similarity.h"
#include "tools/quant-eval/worst_tokens.h"

#include <functional>
#include <vector>

namespace lowbit::tools {

/// Refuses models whose logits cannot be compared: other vocabularies, or other
/// ids of `text`, whose ids by `model` are `tokens`. `path`: the reference's.
Error requireSameTokens(const qrt_model *model, const qrt_model *reference,
                        const std::string &path, std::string_view text,
                        const std::vector<int32_t> &tokens);

struct Comparison {
  Divergence divergence;
  WorstTokens worst;
  uint64_t bytes = 0; ///< of text that the scored tokens stand for
  /// Of each probe, over the scored rows; empty: probes are not compared.
  std::vector<Similarity> layers;
};

using OnComparedChunk =
    std::function<void(int32_t chunk, int32_t chunks, const Divergence &sofar)>;

/// Scores the second half of each chunk with both models. `result` says with
/// the size of `layers` how many probes both models have.
Error compareModels(qrt_model *model, qrt_model *reference,
                    const std::vector<std::vector<int32_t>> &chunks,
                    const OnComparedChunk &onChunk, Comparison &result);

} // namespace lowbit::tools

#endif // TOOLS_QUANTEVAL_COMPARE_H
