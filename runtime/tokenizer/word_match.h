//===- word_match.h - The expressions that define words ---------*- C++ -*-===//
//
// Each function matches the expression in its comment as Oniguruma does: the
// first alternative that matches, repetitions as long as possible. \s, \p{..}
// are Unicode's; [\p{P}..] and the like follow the models' tokenizer.json.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTRT_TOKENIZER_WORD_MATCH_H
#define QUANTRT_TOKENIZER_WORD_MATCH_H

#include "tokenizer/unicode.h"

namespace qrt::word {

/// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
size_t gpt2(const Character *text, size_t begin, size_t end);

/// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|
/// ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
size_t llama3(const Character *text, size_t begin, size_t end);

/// llama3 with \p{N} in place of \p{N}{1,3}.
size_t qwen2(const Character *text, size_t begin, size_t end);

/// qwen2 with [\p{L}\p{M}] in place of \p{L}.
size_t qwen35(const Character *text, size_t begin, size_t end);

/// qwen2 without line ends behind punctuation.
size_t seedCoder(const Character *text, size_t begin, size_t end);

/// P?U*L+|P?U+L*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
/// where P is [^\r\n\p{L}\p{N}], U is [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}] and
/// L is [\p{Ll}\p{Lm}\p{Lo}\p{M}]
size_t tekken(const Character *text, size_t begin, size_t end);

/// tekken with (?i:'s|'t|'re|'ve|'m|'ll|'d)? behind words and \p{N}{1,3}.
size_t gpt4o(const Character *text, size_t begin, size_t end);

/// [!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|
/// [^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|
/// \s+(?!\S)|\s+
size_t deepseek3(const Character *text, size_t begin, size_t end);

size_t number(const Character *text, size_t begin, size_t end);  ///< \p{N}
size_t numbers(const Character *text, size_t begin, size_t end); ///< \p{N}+
size_t numbersBy3(const Character *text, size_t begin,
                  size_t end);                                   ///< \p{N}{1,3}
size_t digits3(const Character *text, size_t begin, size_t end); ///< [0-9]{3}
size_t lineEnd(const Character *text, size_t begin, size_t end); ///< [\r\n]
/// \s?\p{L}+
size_t spacedLetters(const Character *text, size_t begin, size_t end);
/// \s?\p{P}+
size_t spacedPunctuation(const Character *text, size_t begin, size_t end);
/// [一-龥ࠀ-一가-퟿]+: U+0800 to U+9FA5 and U+AC00 to U+D7FF
size_t eastAsian(const Character *text, size_t begin, size_t end);
/// [一-龥぀-ゟ゠-ヿ]+: Han and kana
size_t hanKana(const Character *text, size_t begin, size_t end);
/// [\p{P}\$\+<=>\^~\|]+
size_t punctuation(const Character *text, size_t begin, size_t end);
/// The same with the back quote.
size_t punctuationQuote(const Character *text, size_t begin, size_t end);
/// ?[^(\s|.,!?…。，、।۔،)]+
size_t bloom(const Character *text, size_t begin, size_t end);

} // namespace qrt::word

#endif // QUANTRT_TOKENIZER_WORD_MATCH_H
