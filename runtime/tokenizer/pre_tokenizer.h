//===- pre_tokenizer.h - Known ways to split text into words ----*- C++ -*-===//
//
// Byte-level BPE merges inside words only. Models define words by regular
// expressions; here each expression is a function that finds the end of its
// match at a given place in time linear in the match.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTRT_TOKENIZER_PRE_TOKENIZER_H
#define QUANTRT_TOKENIZER_PRE_TOKENIZER_H

#include "tokenizer/unicode.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace qrt {

/// The end of the expression's match at `begin` inside [begin, end) of the
/// characters, or `begin` where it does not match.
using WordMatch = size_t (*)(const Character *text, size_t begin, size_t end);

struct PreTokenizer {
  static constexpr int maxSteps = 5;

  /// Applied in turn: each splits the pieces that the one before left into its
  /// matches and what lies between them.
  WordMatch steps[maxSteps];
  bool composes;     ///< text is brought to NFC first
  bool ignoreMerges; ///< a word that is a token is not merged together
  bool addsBos;      ///< unless the metadata say otherwise
};

/// The pre-tokenizer with this name in tokenizer.ggml.pre, or nullptr.
const PreTokenizer *findPreTokenizer(std::string_view name);
/// The function written for this expression, or nullptr.
WordMatch findWordMatch(std::string_view expression);
/// The expressions that have one.
std::vector<std::string_view> writtenExpressions();

} // namespace qrt

#endif // QUANTRT_TOKENIZER_PRE_TOKENIZER_H
