//===- expression.h - Regular expressions of words --------------*- C++ -*-===//
//
// Matches as Oniguruma does (the first alternative that matches; repetitions
// take as much as they can and give back) what tokenizers use of its syntax:
//
//   | (..) (?:..) (?i:..) (?=..) (?!..) (?>..)   ? * + {m,n}, with ? or +
//   . ^ $ \s \S \d \D \w \W \p{..} \P{..} \p{^..} [..] \r \n \t \f \v \xHH
//   \x{HHHH} \uHHHH
//
// Repetitions of what repeats without bound are refused, so that time is
// polynomial; and a match that takes more than some steps for each character is
// none, so that a hostile expression cannot hang.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTRT_TOKENIZER_EXPRESSION_H
#define QUANTRT_TOKENIZER_EXPRESSION_H

#include "base/status.h"
#include "tokenizer/character_set.h"

#include <memory>

namespace qrt {

/// Never changes once made: threads may share it.
class Expression {
public:
  static Status compile(std::string_view text,
                        std::unique_ptr<const Expression> &out);

  /// The end of the match at `begin` inside the piece [first, end), or `begin`.
  size_t match(const Character *text, size_t first, size_t begin,
               size_t end) const;

  /// An instruction of the program that a match follows.
  struct Instruction {
    enum Op : uint8_t {
      Accept,
      Set,       ///< one character of set `a`
      RepeatSet, ///< `least` to `most` characters of set `a`
      Split,     ///< goes on at `a`, and if that fails at `b`
      Jump,      ///< to `a`
      Ahead,     ///< what is at the next instruction must match; then to `a`
      NotAhead,  ///< must not match
      Atomic,    ///< matches and does not give back
      LineBegin,
      LineEnd
    } op;
    enum Greed : uint8_t { Greedy, Lazy, Possessive } greed = Greedy;
    uint32_t a = 0, b = 0;
    uint32_t least = 0, most = 0;
  };

private:
  friend class ExpressionCompiler;
  class Run;

  std::vector<Instruction> program_;
  std::vector<CharacterSet> sets_;
};

} // namespace qrt

#endif // QUANTRT_TOKENIZER_EXPRESSION_H
