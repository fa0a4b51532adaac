//===- normalizer.h - Text before it is split into words --------*- C++ -*-===//
//
// The steps that tokenizer.lowbit.normalizers and tokenizer.lowbit.splits name
// (lib/Import/HuggingFace/WordSteps.h), as Hugging Face's tokenizers do them.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTRT_TOKENIZER_NORMALIZER_H
#define QUANTRT_TOKENIZER_NORMALIZER_H

#include "base/status.h"
#include "tokenizer/char_map.h"
#include "tokenizer/unicode_forms.h"

#include <string>
#include <string_view>
#include <vector>

namespace qrt {

/// Never changes once made.
class Normalizer {
public:
  /// `map`: the bytes of SentencePiece's map of characters, for the step
  /// "precompiled".
  static Status create(const std::vector<std::string_view> &names,
                       const std::vector<int32_t> &map, Normalizer &out);
  void apply(Points &points) const;

private:
  enum class Kind {
    Clean,   ///< no control characters, white space is a space
    Chinese, ///< a space on both sides of each ideograph
    Nfc,
    Nfd,
    Nfkc,
    Nfkd,
    StripNonspacing, ///< Mn
    StripMarks,      ///< M
    Lowercase,
    StripLeft,
    StripRight,
    Nmt,         ///< SentencePiece's way with control characters
    Precompiled, ///< the map of characters
    Replace,
    Prepend, ///< to a text that is not empty
    Squeeze  ///< two spaces and more become one text
  };
  struct Step {
    Kind kind;
    Points from, to; ///< of Replace; Prepend and Squeeze have `to`
  };
  static Status readTexts(std::string_view name, Step &step);
  void applyStep(const Step &step, Points &points) const;

  std::vector<Step> steps_;
  CharMap map_;
};

/// Splits text into words: each of the steps splits what the one before left.
class WordSteps {
public:
  static Status create(const std::vector<std::string_view> &names,
                       WordSteps &out);
  /// Begin and end of each word.
  using Words = std::vector<std::pair<size_t, size_t>>;
  void split(const Points &points, Words &words) const;

private:
  enum class Kind {
    Spaces,      ///< words are what is between white space
    Punctuation, ///< each of these is a word
    Words,       ///< \w+|[^\w\s]+
    Digits,      ///< runs of digits are words
    Digit        ///< each is a word
  };
  std::vector<Kind> steps_;
};

} // namespace qrt

#endif // QUANTRT_TOKENIZER_NORMALIZER_H
