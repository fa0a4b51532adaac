//===- text.cpp - Escapes and UTF-8 ---------------------------------------===//

#include "tools/common/text.h"

#include <cstdint>

using namespace lowbit::tools;

static int hexDigit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

/// The character behind a backslash, or -1.
static int simpleEscape(char c) {
  switch (c) {
  case 'n':
    return '\n';
  case 'r':
    return '\r';
  case 't':
    return '\t';
  case '0':
    return '\0';
  case '\\':
  case '"':
  case '\'':
    return c;
  default:
    return -1;
  }
}

std::string lowbit::tools::processEscapes(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      result += text[i];
      continue;
    }
    if (int c = simpleEscape(text[i + 1]); c >= 0) {
      result += static_cast<char>(c);
      ++i;
    } else if (text[i + 1] == 'x' && i + 3 < text.size() &&
               hexDigit(text[i + 2]) >= 0 && hexDigit(text[i + 3]) >= 0) {
      result +=
          static_cast<char>(hexDigit(text[i + 2]) * 16 + hexDigit(text[i + 3]));
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

std::vector<std::string_view> lowbit::tools::splitLines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos)
      break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

namespace {
/// What stands at the beginning of some bytes.
struct Character {
  size_t length; ///< bytes of it that are there
  enum { Whole, Broken, Unfinished } state;
};
} // namespace

/// Table 3-7 of the Unicode standard: the second byte's range depends on the
/// first one, which excludes overlong forms, surrogates and what is above
/// U+10FFFF.
static Character firstCharacter(std::string_view bytes) {
  auto at = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  uint8_t lead = at(0);
  if (lead < 0x80)
    return {1, Character::Whole};
  if (lead < 0xC2 || lead > 0xF4)
    return {1, Character::Broken};
  size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  uint8_t least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  uint8_t most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  for (size_t i = 1; i < length; ++i) {
    if (i == bytes.size())
      return {i, Character::Unfinished};
    if (at(i) < least || at(i) > most)
      return {i, Character::Broken};
    least = 0x80;
    most = 0xBF;
  }
  return {length, Character::Whole};
}

static constexpr const char *replacement = "\xEF\xBF\xBD";

std::string Utf8Stream::push(std::string_view bytes) {
  pending_ += bytes;
  std::string result;
  std::string_view rest = pending_;
  while (!rest.empty()) {
    Character character = firstCharacter(rest);
    if (character.state == Character::Unfinished)
      break;
    if (character.state == Character::Whole)
      result += rest.substr(0, character.length);
    else
      result += replacement;
    rest.remove_prefix(character.length);
  }
  pending_ = std::string(rest);
  return result;
}

std::string Utf8Stream::finish() {
  bool broken = !pending_.empty();
  pending_.clear();
  return broken ? replacement : "";
}
