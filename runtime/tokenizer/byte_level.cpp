//===- byte_level.cpp - GPT-2's spelling of bytes -------------------------===//

#include "tokenizer/byte_level.h"

#include "tokenizer/unicode.h"

#include <array>

namespace qrt {

namespace {

struct Spelling {
  std::array<uint16_t, 256> characterOf{};
  std::array<int16_t, 512> byteOf{};

  Spelling() {
    byteOf.fill(-1);
    uint16_t next = 256;
    for (int b = 0; b < 256; ++b) {
      bool printable =
          (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
      characterOf[b] = printable ? static_cast<uint16_t>(b) : next++;
      byteOf[characterOf[b]] = static_cast<int16_t>(b);
    }
  }
};

const Spelling &spelling() {
  static const Spelling table;
  return table;
}

} // namespace

uint32_t spellByte(uint8_t byte) { return spelling().characterOf[byte]; }

void appendSpelled(std::string_view bytes, std::string &out) {
  for (char c : bytes)
    appendUtf8(spellByte(static_cast<uint8_t>(c)), out);
}

void appendUnspelled(std::string_view text, std::string &out) {
  const Spelling &table = spelling();
  for (size_t i = 0; i < text.size();) {
    uint32_t value = 0;
    size_t length = decodeUtf8(text, i, value);
    if (length != 0 && value < table.byteOf.size() && table.byteOf[value] >= 0)
      out += static_cast<char>(table.byteOf[value]);
    else
      out += text.substr(i, length ? length : 1);
    i += length ? length : 1;
  }
}

} // namespace qrt
