//===- char_map.cpp - SentencePiece's map of characters -------------------===//

#include "tokenizer/char_map.h"

#include "tokenizer/unicode.h"

#include <utf8proc.h>

namespace qrt {

Status CharMap::create(const std::vector<int32_t> &bytes, CharMap &out) {
  CharMap made;
  auto wordAt = [&](size_t position) {
    uint32_t word = 0;
    for (size_t i = 0; i < 4; ++i)
      word |= static_cast<uint32_t>(bytes[position + i] & 0xFF) << (8 * i);
    return word;
  };
  size_t trie = bytes.size() < 4 ? 0 : wordAt(0);
  if (bytes.size() < 4 || trie % 4 != 0 || trie == 0 || trie > bytes.size() - 4)
    return corrupt("tokenizer: the map of characters "
                   "(precompiled_charsmap) is damaged");
  for (size_t i = 0; i < trie; i += 4)
    made.units_.push_back(wordAt(4 + i));
  for (size_t i = 4 + trie; i < bytes.size(); ++i)
    made.replacements_ += static_cast<char>(bytes[i]);
  out = std::move(made);
  return Status();
}

// The bits of a unit are those of Darts-clone.
static size_t offsetOf(uint32_t unit) {
  return static_cast<size_t>(unit >> 10) << ((unit & (1u << 9)) >> 6);
}

bool CharMap::find(std::string_view text, std::string_view &replacement) const {
  size_t node = offsetOf(units_[0]);
  for (char c : text) {
    auto byte = static_cast<uint8_t>(c);
    node ^= byte;
    if (byte == 0 || node >= units_.size())
      return false;
    uint32_t unit = units_[node];
    if ((unit & (1u << 31 | 0xFF)) != byte)
      return false;
    node ^= offsetOf(unit);
    if (!(unit >> 8 & 1))
      continue;
    size_t place =
        node < units_.size() ? units_[node] & 0x7FFFFFFF : replacements_.size();
    if (place >= replacements_.size())
      return false;
    std::string_view all = replacements_;
    replacement = all.substr(place, all.find('\0', place) - place);
    return true;
  }
  return false;
}

void CharMap::apply(Points &points) const {
  if (units_.empty())
    return;
  Points out;
  std::string text;
  auto append = [&](size_t begin, size_t end) {
    text.clear();
    for (size_t i = begin; i < end; ++i)
      appendUtf8(points[i], text);
    std::string_view replacement;
    if (!find(text, replacement))
      return false;
    Points made = pointsOf(replacement);
    out.insert(out.end(), made.begin(), made.end());
    return true;
  };
  utf8proc_int32_t state = 0;
  for (size_t begin = 0; begin < points.size();) {
    size_t end = begin + 1;
    while (end < points.size() &&
           !utf8proc_grapheme_break_stateful(
               static_cast<utf8proc_int32_t>(points[end - 1]),
               static_cast<utf8proc_int32_t>(points[end]), &state))
      ++end;
    state = 0;
    text.clear();
    for (size_t i = begin; i < end; ++i)
      appendUtf8(points[i], text);
    // Longer clusters are taken apart, whatever the map says of them.
    if (text.size() >= 6 || !append(begin, end))
      for (size_t i = begin; i < end; ++i)
        if (!append(i, i + 1))
          out.push_back(points[i]);
    begin = end;
  }
  points = std::move(out);
}

} // namespace qrt
