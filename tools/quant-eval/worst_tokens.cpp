//===- worst_tokens.cpp - Where two models differ most --------------------===//

#include "tools/quant-eval/worst_tokens.h"

#include "tools/common/text.h"

#include <algorithm>

using namespace lowbit::tools;

/// Tokens of context on either side.
static constexpr size_t tokensBefore = 24, tokensAfter = 8;

/// Bytes of a token may be part of a character.
static std::string validText(const std::string &bytes) {
  Utf8Stream stream;
  std::string text = stream.push(bytes);
  return text + stream.finish();
}

static Error textOf(const qrt_model *model, const int32_t *ids, size_t count,
                    std::string &text) {
  text.clear();
  if (count == 0)
    return Error::success();
  std::string bytes;
  TOOLS_TRY(detokenize(model, ids, count, true, bytes));
  text = validText(bytes);
  return Error::success();
}

static Error describe(const qrt_model *model, const std::vector<int32_t> &chunk,
                      WorstToken &worst) {
  const TokenDivergence &divergence = worst.divergence;
  size_t at = static_cast<size_t>(worst.position) + 1;
  size_t begin = at - std::min(at, tokensBefore);
  size_t after = std::min(chunk.size() - at - 1, tokensAfter);
  TOOLS_TRY(textOf(model, &chunk[begin], at - begin, worst.before));
  TOOLS_TRY(textOf(model, &chunk[at], 1, worst.text));
  TOOLS_TRY(textOf(model, chunk.data() + at + 1, after, worst.after));
  TOOLS_TRY(textOf(model, &divergence.top, 1, worst.top));
  return textOf(model, &divergence.topBase, 1, worst.topBase);
}

Error WorstTokens::add(const qrt_model *model, int32_t index,
                       const std::vector<int32_t> &chunk, int32_t position,
                       const TokenDivergence &divergence) {
  auto smaller = [](double kld, const WorstToken &token) {
    return kld > token.divergence.kld;
  };
  auto place =
      std::upper_bound(tokens_.begin(), tokens_.end(), divergence.kld, smaller);
  if (static_cast<size_t>(place - tokens_.begin()) >= most_)
    return Error::success();
  WorstToken worst;
  worst.divergence = divergence;
  worst.chunk = index;
  worst.position = position;
  worst.token = chunk[static_cast<size_t>(position) + 1];
  TOOLS_TRY(describe(model, chunk, worst));
  tokens_.insert(place, std::move(worst));
  if (tokens_.size() > most_)
    tokens_.pop_back();
  return Error::success();
}
