//===- added_tokens.h - Tokens found before the text is split ---*- C++ -*-===//

#ifndef QUANTRT_TOKENIZER_ADDED_TOKENS_H
#define QUANTRT_TOKENIZER_ADDED_TOKENS_H

#include "tokenizer/vocabulary.h"

#include <bitset>
#include <string>

namespace qrt {

/// The control and user-defined tokens, sorted by text, so that the longest one
/// at a position is found by narrowing a range byte by byte.
class AddedTokens {
public:
  /// `escapeSpaces`: user-defined tokens have U+2581 for each space, as in
  /// SentencePiece's own model; llama.cpp's converter undoes that. The metadata
  /// may say which tokens swallow white space.
  AddedTokens(const Metadata &metadata, const Vocabulary &vocabulary,
              bool escapeSpaces);

  struct Match {
    size_t length = 0; ///< 0: none here
    int32_t id = -1;
  };
  /// The longest token at `position`; control (and unknown) tokens count only
  /// if `control` is set.
  Match at(std::string_view text, size_t position, bool control) const;

  bool stripsLeft(int32_t id) const { return contains(stripLeft_, id); }
  bool stripsRight(int32_t id) const { return contains(stripRight_, id); }

  /// Puts U+2581 in place of spaces.
  static std::string escape(std::string_view text);

private:
  struct Entry {
    std::string text;
    int32_t id;
    bool control;
  };
  static bool contains(const std::vector<int32_t> &sorted, int32_t id);

  std::vector<Entry> entries_;
  std::vector<int32_t> stripLeft_, stripRight_; ///< sorted
  std::bitset<256> first_;
};

} // namespace qrt

#endif // QUANTRT_TOKENIZER_ADDED_TOKENS_H
