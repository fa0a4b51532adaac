//===- unicode.h - Characters and their classes -----------------*- C++ -*-===//

#ifndef QUANTRT_TOKENIZER_UNICODE_H
#define QUANTRT_TOKENIZER_UNICODE_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace qrt {

/// What the pre-tokenizers ask of a character, as bits.
enum CharClass : uint16_t {
  ClassLetter = 1,       ///< \p{L}
  ClassNumber = 2,       ///< \p{N}
  ClassSpace = 4,        ///< \s: White_Space
  ClassLineEnd = 8,      ///< CR or LF
  ClassMark = 16,        ///< \p{M}
  ClassPunctuation = 32, ///< \p{P}
  ClassSymbol = 64,      ///< \p{S}
  ClassUpper = 128,      ///< \p{Lu} and \p{Lt}
  ClassLower = 256       ///< \p{Ll}
};

/// Length in bytes of the whole, valid UTF-8 character at `position`, which
/// must lie inside `text`; 0: the bytes there are not one. `value` gets the
/// code point.
size_t decodeUtf8(std::string_view text, size_t position, uint32_t &value);
void appendUtf8(uint32_t value, std::string &out);

/// Number of characters; a stray byte counts as one.
size_t countCharacters(std::string_view text);

uint16_t classOf(uint32_t value);

/// The text with a space for each control character: for messages, which are
/// one line whatever a file says.
std::string oneLine(std::string text);

struct Character {
  uint32_t offset; ///< of its first byte
  uint32_t value;  ///< code point; U+FFFD for a stray byte
  uint16_t classes;
};

/// The characters of `text` and one more with the offset of its end. Stray
/// bytes are characters of their own without a class. `text` is below 4 GiB.
void decodeCharacters(std::string_view text, std::vector<Character> &out);

/// Canonical composition (NFC). False: `text` is composed already, and `out` is
/// untouched. Stray bytes stay as they are.
bool composeNfc(std::string_view text, std::string &out);

} // namespace qrt

#endif // QUANTRT_TOKENIZER_UNICODE_H
