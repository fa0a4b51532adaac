//===- unicode.cpp - Characters and their classes -------------------------===//

#include "tokenizer/unicode.h"

#include <algorithm>
#include <array>
#include <utf8proc.h>
#include <utility>

namespace qrt {

size_t decodeUtf8(std::string_view text, size_t position, uint32_t &value) {
  auto byte = [&](size_t i) {
    return static_cast<uint8_t>(text[position + i]);
  };
  size_t left = text.size() - position;
  uint8_t first = byte(0);
  if (first < 0x80) {
    value = first;
    return 1;
  }
  size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || left < length)
    return 0;
  uint32_t result = first & (0x7F >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80)
      return 0;
    result = result << 6 | (byte(i) & 0x3F);
  }
  constexpr uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (result < smallest[length] || result > 0x10FFFF ||
      (result >= 0xD800 && result <= 0xDFFF))
    return 0;
  value = result;
  return length;
}

void appendUtf8(uint32_t value, std::string &out) {
  auto tail = [&](int shift) {
    out += static_cast<char>(0x80 | (value >> shift & 0x3F));
  };
  if (value < 0x80) {
    out += static_cast<char>(value);
  } else if (value < 0x800) {
    out += static_cast<char>(0xC0 | value >> 6);
    tail(0);
  } else if (value < 0x10000) {
    out += static_cast<char>(0xE0 | value >> 12);
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | value >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

size_t countCharacters(std::string_view text) {
  size_t count = 0;
  uint32_t value = 0;
  for (size_t i = 0; i < text.size(); ++count) {
    size_t length = decodeUtf8(text, i, value);
    i += length ? length : 1;
  }
  return count;
}

static bool isWhiteSpace(uint32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

static uint16_t lookUpClass(uint32_t value) {
  uint16_t classes = isWhiteSpace(value) ? ClassSpace : 0;
  if (value == '\r' || value == '\n')
    classes |= ClassLineEnd;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(value))) {
  case UTF8PROC_CATEGORY_LU:
  case UTF8PROC_CATEGORY_LT:
    return classes | ClassLetter | ClassUpper;
  case UTF8PROC_CATEGORY_LL:
    return classes | ClassLetter | ClassLower;
  case UTF8PROC_CATEGORY_LM:
  case UTF8PROC_CATEGORY_LO:
    return classes | ClassLetter;
  case UTF8PROC_CATEGORY_ND:
  case UTF8PROC_CATEGORY_NL:
  case UTF8PROC_CATEGORY_NO:
    return classes | ClassNumber;
  case UTF8PROC_CATEGORY_MN:
  case UTF8PROC_CATEGORY_MC:
  case UTF8PROC_CATEGORY_ME:
    return classes | ClassMark;
  case UTF8PROC_CATEGORY_PC:
  case UTF8PROC_CATEGORY_PD:
  case UTF8PROC_CATEGORY_PS:
  case UTF8PROC_CATEGORY_PE:
  case UTF8PROC_CATEGORY_PI:
  case UTF8PROC_CATEGORY_PF:
  case UTF8PROC_CATEGORY_PO:
    return classes | ClassPunctuation;
  case UTF8PROC_CATEGORY_SM:
  case UTF8PROC_CATEGORY_SC:
  case UTF8PROC_CATEGORY_SK:
  case UTF8PROC_CATEGORY_SO:
    return classes | ClassSymbol;
  default:
    return classes;
  }
}

uint16_t classOf(uint32_t value) {
  static const std::array<uint16_t, 128> ascii = [] {
    std::array<uint16_t, 128> table{};
    for (uint32_t i = 0; i < table.size(); ++i)
      table[i] = lookUpClass(i);
    return table;
  }();
  return value < ascii.size() ? ascii[value] : lookUpClass(value);
}

std::string oneLine(std::string text) {
  for (char &c : text)
    if (static_cast<uint8_t>(c) < 0x20 || c == 0x7F)
      c = ' ';
  return text;
}

void decodeCharacters(std::string_view text, std::vector<Character> &out) {
  out.clear();
  out.reserve(text.size() + 1);
  size_t i = 0;
  while (i < text.size()) {
    uint32_t value = 0;
    size_t length = decodeUtf8(text, i, value);
    uint32_t offset = static_cast<uint32_t>(i);
    if (length == 0)
      out.push_back({offset, 0xFFFD, 0});
    else
      out.push_back({offset, value, classOf(value)});
    i += length ? length : 1;
  }
  out.push_back({static_cast<uint32_t>(i), 0, 0});
}

/// Sorts each run of marks by combining class; equal ones keep their order.
static void orderMarks(std::vector<utf8proc_int32_t> &points) {
  std::vector<std::pair<uint64_t, utf8proc_int32_t>> marks;
  auto sortMarks = [&](size_t end) {
    std::sort(marks.begin(), marks.end());
    for (size_t i = 0; i < marks.size(); ++i)
      points[end - marks.size() + i] = marks[i].second;
    marks.clear();
  };
  for (size_t i = 0; i < points.size(); ++i) {
    uint64_t order = utf8proc_get_property(points[i])->combining_class;
    if (order != 0)
      marks.push_back({order << 32 | i, points[i]});
    else
      sortMarks(i);
  }
  sortMarks(points.size());
}

/// Appends the composition of `text`, which is valid UTF-8.
static void composeValid(std::string_view text, std::string &out) {
  std::vector<utf8proc_int32_t> points;
  for (size_t i = 0; i < text.size();) {
    uint32_t value = 0;
    i += decodeUtf8(text, i, value);
    // The longest canonical decomposition is 4 code points; utf8proc states
    // the need if it is ever more.
    utf8proc_int32_t parts[8];
    utf8proc_ssize_t count = utf8proc_decompose_char(
        static_cast<utf8proc_int32_t>(value), parts, 8,
        static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_STABLE),
        nullptr);
    if (count < 1 || count > 8)
      points.push_back(static_cast<utf8proc_int32_t>(value));
    else
      points.insert(points.end(), parts, parts + count);
  }
  orderMarks(points);
  utf8proc_ssize_t count = utf8proc_normalize_utf32(
      points.data(), static_cast<utf8proc_ssize_t>(points.size()),
      static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
  for (utf8proc_ssize_t i = 0; i < count; ++i)
    appendUtf8(static_cast<uint32_t>(points[i]), out);
}

bool composeNfc(std::string_view text, std::string &out) {
  // Nothing below U+0300 changes under NFC: the first byte of U+0300 is 0xCC.
  bool plain = true;
  for (char c : text)
    plain = plain && static_cast<uint8_t>(c) < 0xCC;
  if (plain)
    return false;
  out.clear();
  size_t i = 0;
  while (i < text.size()) {
    size_t end = i;
    uint32_t value = 0;
    while (end < text.size()) {
      size_t length = decodeUtf8(text, end, value);
      if (length == 0)
        break;
      end += length;
    }
    composeValid(text.substr(i, end - i), out);
    if (end < text.size())
      out += text[end++];
    i = end;
  }
  return true;
}

} // namespace qrt
