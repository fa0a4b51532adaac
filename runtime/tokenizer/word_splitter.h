//===- word_splitter.h - Text to words --------------------------*- C++ -*-===//

#ifndef QUANTRT_TOKENIZER_WORD_SPLITTER_H
#define QUANTRT_TOKENIZER_WORD_SPLITTER_H

#include "tokenizer/expression.h"
#include "tokenizer/pre_tokenizer.h"

namespace qrt {

/// Never changes once made: threads may share it.
class WordSplitter {
public:
  WordSplitter() = default;
  explicit WordSplitter(const PreTokenizer &preTokenizer);
  /// The same of a model's own expressions. Those that a function is written
  /// for take it, which is several times as fast.
  static Status create(const std::vector<std::string_view> &expressions,
                       WordSplitter &out);

  /// Ends of the words, as indices of characters (see decodeCharacters).
  void split(const std::vector<Character> &text,
             std::vector<uint32_t> &ends) const;

private:
  struct Step {
    WordMatch function = nullptr;
    std::unique_ptr<const Expression> expression; ///< if there is no function

    size_t match(const Character *text, size_t first, size_t begin,
                 size_t end) const {
      return function ? function(text, begin, end)
                      : expression->match(text, first, begin, end);
    }
  };
  static void splitPiece(const Character *text, size_t begin, size_t end,
                         const Step &step, std::vector<uint32_t> &ends);

  std::vector<Step> steps_;
};

} // namespace qrt

#endif // QUANTRT_TOKENIZER_WORD_SPLITTER_H
