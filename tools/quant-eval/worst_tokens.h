//===- worst_tokens.h - Where two models differ most ------------*- C++ -*-===//

#ifndef TOOLS_QUANTEVAL_WORST_TOKENS_H
#define TOOLS_QUANTEVAL_WORST_TOKENS_H

#include "tools/common/runtime.h"
#include "tools/quant-eval/divergence.h"

#include <string>
#include <vector>

namespace lowbit::tools {

/// A token and what stands around it in the text.
struct WorstToken {
  TokenDivergence divergence;
  int32_t chunk = 0, position = 0; ///< of the row that foresees it
  int32_t token = 0;
  std::string before, text, after; ///< valid UTF-8
  std::string top, topBase;        ///< the models' own choices
};

/// Keeps the tokens of the largest KL divergence; of equal ones the earlier.
class WorstTokens {
public:
  explicit WorstTokens(size_t most = 0) : most_(most) {}

  /// Row `position` of `chunk`, number `index`, has foreseen the token behind
  /// it. The text is fetched from `model` for tokens that are kept alone.
  Error add(const qrt_model *model, int32_t index,
            const std::vector<int32_t> &chunk, int32_t position,
            const TokenDivergence &divergence);
  /// Worst first.
  const std::vector<WorstToken> &tokens() const { return tokens_; }

private:
  size_t most_;
  std::vector<WorstToken> tokens_;
};

} // namespace lowbit::tools

#endif // TOOLS_QUANTEVAL_WORST_TOKENS_H
