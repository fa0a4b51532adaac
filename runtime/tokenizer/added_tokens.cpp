//===- added_tokens.cpp - Tokens found before the text is split -----------===//

#include "tokenizer/added_tokens.h"

#include <algorithm>
#include <tuple>

namespace qrt {

AddedTokens::AddedTokens(const Metadata &metadata, const Vocabulary &vocabulary,
                         bool escapeSpaces)
    : stripLeft_(metadata.integers("tokenizer.lowbit.strip_left")),
      stripRight_(metadata.integers("tokenizer.lowbit.strip_right")) {
  std::sort(stripLeft_.begin(), stripLeft_.end());
  std::sort(stripRight_.begin(), stripRight_.end());
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    std::string_view text = vocabulary.text(id);
    if (!vocabulary.isAdded(id) || text.empty())
      continue;
    bool control = vocabulary.type(id) != Vocabulary::UserDefined;
    bool escapes = escapeSpaces && !control;
    entries_.push_back(
        {escapes ? escape(text) : std::string(text), id, control});
    first_.set(static_cast<uint8_t>(entries_.back().text[0]));
  }
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry &a, const Entry &b) {
              return std::tie(a.text, a.id) < std::tie(b.text, b.id);
            });
}

bool AddedTokens::contains(const std::vector<int32_t> &sorted, int32_t id) {
  return std::binary_search(sorted.begin(), sorted.end(), id);
}

std::string AddedTokens::escape(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 2);
  for (char c : text) {
    if (c == ' ')
      out += "\xE2\x96\x81";
    else
      out += c;
  }
  return out;
}

AddedTokens::Match AddedTokens::at(std::string_view text, size_t position,
                                   bool control) const {
  Match match;
  if (!first_.test(static_cast<uint8_t>(text[position])))
    return match;
  auto low = entries_.begin(), high = entries_.end();
  for (size_t length = 0; low != high; ++length) {
    // Entries of the range share `length` bytes with the text; those that end
    // here stand first.
    for (; low != high && low->text.size() == length; ++low)
      if (control || !low->control)
        match = {length, low->id};
    if (position + length >= text.size())
      break;
    uint8_t wanted = static_cast<uint8_t>(text[position + length]);
    auto byteAt = [&](const Entry &entry) {
      return static_cast<uint8_t>(entry.text[length]);
    };
    low = std::partition_point(
        low, high, [&](const Entry &e) { return byteAt(e) < wanted; });
    high = std::partition_point(
        low, high, [&](const Entry &e) { return byteAt(e) == wanted; });
  }
  return match;
}

} // namespace qrt
