//===- byte_level.h - GPT-2's spelling of bytes -----------------*- C++ -*-===//
//
// Byte-level vocabularies spell each byte as a printable character: itself
// where it is printable Latin-1, else U+0100 and up in the order of the bytes.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTRT_TOKENIZER_BYTE_LEVEL_H
#define QUANTRT_TOKENIZER_BYTE_LEVEL_H

#include <cstdint>
#include <string>
#include <string_view>

namespace qrt {

/// The code point that stands for a byte.
uint32_t spellByte(uint8_t byte);
void appendSpelled(std::string_view bytes, std::string &out);
/// The bytes that `text` spells; characters that spell nothing stay.
void appendUnspelled(std::string_view text, std::string &out);

} // namespace qrt

#endif // QUANTRT_TOKENIZER_BYTE_LEVEL_H
