//===- utf8_stream.cpp - Whole characters out of tokens -------------------===//

#include "tokenizer/utf8_stream.h"

#include <cstdint>

namespace qrt {

static constexpr std::string_view replacement = "\xEF\xBF\xBD";

/// Whether `byte` may stand at `index` behind `first` (Unicode, table 3-7).
static bool mayFollow(uint8_t first, size_t index, uint8_t byte) {
  uint8_t low = 0x80, high = 0xBF;
  if (index == 1 && first == 0xE0)
    low = 0xA0;
  if (index == 1 && first == 0xED)
    high = 0x9F;
  if (index == 1 && first == 0xF0)
    low = 0x90;
  if (index == 1 && first == 0xF4)
    high = 0x8F;
  return byte >= low && byte <= high;
}

static size_t lengthOf(uint8_t first) {
  if (first < 0x80)
    return 1;
  if (first < 0xC2 || first > 0xF4)
    return 0;
  return first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
}

void Utf8Stream::push(std::string_view bytes, std::string &out) {
  for (char c : bytes) {
    uint8_t byte = static_cast<uint8_t>(c);
    if (count_ != 0 &&
        !mayFollow(static_cast<uint8_t>(held_[0]), count_, byte)) {
      out += replacement;
      count_ = 0;
    }
    held_[count_++] = c;
    size_t length = lengthOf(static_cast<uint8_t>(held_[0]));
    if (length == 0)
      out += replacement;
    else if (count_ == length)
      out.append(held_, count_);
    if (length == 0 || count_ == length)
      count_ = 0;
  }
}

void Utf8Stream::flush(std::string &out) {
  if (count_ != 0)
    out += replacement;
  count_ = 0;
}

} // namespace qrt
