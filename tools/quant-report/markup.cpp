//===- markup.cpp - Numbers and words for HTML ----------------------------===//

#include "tools/quant-report/markup.h"

#include "tools/common/text.h"

#include <cmath>
#include <cstdio>

using namespace lowbit::tools;
using namespace lowbit::tools::report;

/// In UTF-8, with broken parts replaced.
static std::string repaired(std::string_view text) {
  Utf8Stream stream;
  std::string result = stream.push(text);
  return result + stream.finish();
}

static std::string entityOf(char c) {
  switch (c) {
  case '<':
    return "&lt;";
  case '>':
    return "&gt;";
  case '&':
    return "&amp;";
  case '"':
    return "&quot;";
  case '\'':
    return "&#39;";
  case '\n':
    return "\u23CE";
  case '\t':
    return "\u21E5";
  default:
    bool control = static_cast<unsigned char>(c) < 32 || c == 127;
    return control ? "\uFFFD" : std::string(1, c);
  }
}

std::string lowbit::tools::report::escape(std::string_view text) {
  std::string result;
  for (char c : repaired(text))
    result += entityOf(c);
  return result;
}

static bool continues(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

std::string lowbit::tools::report::shorten(std::string_view text, size_t most,
                                           bool atEnd) {
  std::string whole = repaired(text);
  size_t characters = 0;
  for (char c : whole)
    characters += !continues(c);
  if (characters <= most)
    return whole;
  size_t kept = 0, skipped = atEnd ? characters - most : most;
  for (size_t seen = 0; kept < whole.size(); ++kept)
    if (!continues(whole[kept]) && seen++ == skipped)
      break;
  return atEnd ? "\u2026" + whole.substr(kept)
               : whole.substr(0, kept) + "\u2026";
}

std::string lowbit::tools::report::number(double value, const char *pattern) {
  if (!std::isfinite(value))
    return "\u2013";
  char buffer[400];
  std::snprintf(buffer, sizeof buffer, pattern, value);
  return buffer;
}

/// "1e-05": "1e-5"; "1e+06": "1e6".
static std::string withoutZero(std::string text) {
  size_t at = text.find('e');
  if (at == std::string::npos)
    return text;
  size_t digits = at + 1 + (text[at + 1] == '-');
  size_t end = digits;
  while (end + 1 < text.size() && (text[end] == '+' || text[end] == '0'))
    ++end;
  return text.erase(digits, end - digits);
}

std::string lowbit::tools::report::scientific(double value) {
  return withoutZero(number(value, "%.0e"));
}

std::string lowbit::tools::report::figure(double value) {
  double size = std::fabs(value);
  if (!std::isfinite(value) || size == 0 || size >= 100)
    return number(value, "%.0f");
  int decimals = 2 - static_cast<int>(std::floor(std::log10(size)));
  if (decimals > 6)
    return withoutZero(number(value, "%.1e"));
  return number(value, ("%." + std::to_string(decimals) + "f").c_str());
}

std::string lowbit::tools::report::megabytes(double bytes) {
  if (bytes >= 1e10)
    return number(bytes * 1e-9, "%.1f\u00A0GB");
  if (bytes >= 1e9)
    return number(bytes * 1e-9, "%.2f\u00A0GB");
  return number(bytes * 1e-6, bytes >= 1e8 ? "%.0f\u00A0MB" : "%.1f\u00A0MB");
}

std::string lowbit::tools::report::grouped(double value) {
  std::string digits = number(value, "%.0f");
  if (!std::isfinite(value) || std::fabs(value) < 1e4)
    return digits;
  for (size_t at = digits.size(); at > 3;) {
    at -= 3;
    if (digits[at - 1] == '-')
      break;
    digits.insert(at, "\u202F");
  }
  return digits;
}

std::string lowbit::tools::report::change(double ratio) {
  if (ratio >= 1e6)
    return withoutZero(number(ratio, "\u00D7\u00A0%.0e"));
  if (ratio >= 10)
    return "\u00D7\u00A0" + grouped(ratio);
  double percent = 100 * (ratio - 1);
  std::string text = number(percent, std::fabs(percent) < 10 ? "%+.2f\u00A0%%"
                                                             : "%+.0f\u00A0%%");
  if (text[0] == '-')
    text.replace(0, 1, "\u2212");
  return text;
}

std::string lowbit::tools::report::times(double ratio) {
  return number(ratio, ratio < 10 ? "%.2f\u00D7" : "%.1f\u00D7");
}
