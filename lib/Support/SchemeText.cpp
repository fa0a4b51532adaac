//===- SchemeText.cpp - Schemes as words ----------------------------------===//
//
// The grammar is in the description of #lowbit.scheme and in docs/Formats.md.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Support/Scheme.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <string_view>

namespace lowbit {

static constexpr const char *kFloatNames[] = {"f32", "f16", "bf16", "e8m0",
                                              "e4m3"};
static constexpr const char *kRoleNames[] = {"scale", "min",   "neg_min",
                                             "zero",  "delta", "divisor"};
static constexpr const char *kRoundingNames[] = {"nearest_even", "nearest_away",
                                                 "toward_zero"};

//===- Printing -----------------------------------------------------------===//

/// The shortest decimal that reads back as `value`, always with a point: MLIR's
/// lexer takes "1" for an integer.
static std::string floatText(float value) {
  char buffer[32];
  char *end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  std::string text(buffer, end);
  if (text.find('.') == std::string::npos) {
    size_t exponent = text.find('e');
    text.insert(exponent == std::string::npos ? text.size() : exponent, ".0");
  }
  return text;
}

/// Hexadecimal digits that hold every value in two's complement: 1, 2 or 0 (no
/// such integers).
static int hexDigits(const std::vector<float> &values) {
  int digits = 1;
  for (float value : values) {
    bool isMinusZero = value == 0 && std::signbit(value);
    if (std::nearbyint(value) != value || isMinusZero || value < -128 ||
        value > 127)
      return 0;
    if (value < -8 || value > 7)
      digits = 2;
  }
  return digits;
}

/// Large codebooks of small integers are a word of digits, `x` before it.
static std::string hexText(const std::vector<float> &values, int digits) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "x";
  for (float value : values)
    for (int i = digits - 1; i >= 0; --i)
      text += kDigits[int(value) >> (4 * i) & 15];
  return text;
}

/// Values that a codebook of a legal width has.
static size_t valuesOf(const Scheme &scheme) {
  return size_t(scheme.entryLength)
         << std::min<int>(scheme.bits, Scheme::kIndexBits);
}

static std::string codebookText(const Scheme &scheme) {
  std::string text = " codebook ";
  int digits = 0;
  if (scheme.isVector()) {
    text += std::to_string(scheme.entryLength) + " ";
    // A word of too few digits would not be read again, a list is.
    if (scheme.codebook.size() == valuesOf(scheme))
      digits = hexDigits(scheme.codebook);
  }
  if (digits) {
    text += hexText(scheme.codebook, digits);
  } else {
    text += "[";
    for (size_t i = 0; i < scheme.codebook.size(); ++i)
      text += (i ? ", " : "") + floatText(scheme.codebook[i]);
    text += "]";
  }
  return scheme.signs ? text + " signs" : text;
}

static std::string codeText(const Scheme &scheme) {
  std::string bits = std::to_string(scheme.bits);
  switch (scheme.kind) {
  case CodeKind::Unsigned:
    return "u" + bits +
           (scheme.offset ? " offset " + std::to_string(scheme.offset) : "");
  case CodeKind::Signed:
    return "s" + bits;
  case CodeKind::Ternary:
    return "ternary";
  case CodeKind::Sign:
    return "sign";
  case CodeKind::Codebook:
    return "u" + bits + codebookText(scheme);
  case CodeKind::Float:
    return kFloatNames[scheme.floatType];
  }
  return "";
}

static std::string fieldText(const FieldType &type) {
  if (!type.isInteger())
    return kFloatNames[type.kind];
  std::string text =
      (type.kind == FieldType::UInt ? "u" : "s") + std::to_string(type.bits);
  return type.offset ? text + " offset " + std::to_string(type.offset) : text;
}

static std::string levelText(const Level &level) {
  std::string text = level.group == Level::kTensor ? "tensor"
                     : level.group == Level::kRow
                         ? "row"
                         : "group " + std::to_string(level.group);
  for (const Component &component : level.components)
    text += std::string(" ") + kRoleNames[component.role] + " " +
            (component.role == Component::Delta ? floatText(component.magnitude)
                                                : fieldText(component.type));
  return text;
}

std::string Scheme::str() const {
  std::string text = codeText(*this);
  for (const Level &level : levels)
    text += ", " + levelText(level);
  if (rounding != Rounding::NearestEven)
    text += std::string(", round ") + kRoundingNames[size_t(rounding)];
  return text;
}

//===- Parsing ------------------------------------------------------------===//

namespace {
/// Recursive descent over the text. Every method returns true on success and
/// otherwise leaves a message in `error`.
class SchemeParser {
public:
  SchemeParser(std::string_view text, Scheme &scheme, std::string &error)
      : text(text), scheme(scheme), error(error) {}

  bool parse() {
    next();
    if (!parseCode())
      return false;
    while (token == ",") {
      next();
      if (token == "round")
        return parseRounding();
      if (!parseLevel(scheme.levels.emplace_back()))
        return false;
    }
    return token.empty() || expected("`,` or the end");
  }

private:
  void next();
  bool expected(const std::string &what);
  template <typename T> bool parseNumber(T &value, const char *what);
  bool parseWidth(uint8_t &bits, const char *what);
  bool parseOffset(int32_t &offset);
  bool parseCode();
  bool parseCodebook();
  bool parseEntries();
  bool parseHex();
  bool parseLevel(Level &level);
  bool parseComponent(Component &component);
  bool parseFieldType(FieldType &type);
  bool parseRounding();

  std::string_view text;
  std::string_view token; ///< empty at the end
  size_t position = 0;    ///< behind `token`
  Scheme &scheme;
  std::string &error;
};
} // namespace

static bool isWordChar(char c) {
  return isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' ||
         c == '+' || c == '-';
}

void SchemeParser::next() {
  while (position < text.size() &&
         isspace(static_cast<unsigned char>(text[position])))
    ++position;
  size_t end = position;
  while (end < text.size() && isWordChar(text[end]))
    ++end;
  if (end == position && end < text.size())
    ++end; // punctuation is a token of its own
  token = text.substr(position, end - position);
  position = end;
}

bool SchemeParser::expected(const std::string &what) {
  error = "scheme: expected " + what + ", but got ";
  constexpr size_t kShown = 32; // a codebook's word has thousands of digits
  error += token.empty()
               ? "the end"
               : "`" + std::string(token.substr(0, kShown)) +
                     (token.size() > kShown ? "..." : "") + "` at column " +
                     std::to_string(position - token.size() + 1);
  return false;
}

template <typename T>
bool SchemeParser::parseNumber(T &value, const char *what) {
  const char *end = token.data() + token.size();
  auto [last, problem] = std::from_chars(token.data(), end, value);
  if (token.empty() || problem != std::errc() || last != end)
    return expected(what);
  next();
  return true;
}

/// The N of a `u4` or `s4` that is the current token; its range is check()'s.
bool SchemeParser::parseWidth(uint8_t &bits, const char *what) {
  const char *end = token.data() + token.size();
  auto [last, problem] = std::from_chars(token.data() + 1, end, bits);
  if (token.size() < 2 || problem != std::errc() || last != end)
    return expected(what);
  next();
  return true;
}

bool SchemeParser::parseOffset(int32_t &offset) {
  if (token != "offset")
    return true;
  next();
  return parseNumber(offset, "an integer behind `offset`");
}

/// Index of `word` in `names`, -1 if it is none of them.
template <size_t N>
static int indexOf(std::string_view word, const char *const (&names)[N]) {
  for (size_t i = 0; i < N; ++i)
    if (word == names[i])
      return int(i);
  return -1;
}

bool SchemeParser::parseCode() {
  static constexpr const char *kWhat =
      "a code (u4, s4, ternary, sign, f32, f16, bf16)";
  int floatType = indexOf(token, kFloatNames);
  if (floatType >= 0 && floatType <= FieldType::BF16) {
    scheme = Scheme::ofFloat(FieldType::Kind(floatType));
    next();
    return true;
  }
  if (token == "ternary" || token == "sign") {
    scheme.kind = token == "sign" ? CodeKind::Sign : CodeKind::Ternary;
    scheme.bits = token == "sign" ? 1 : 2;
    next();
    return true;
  }
  if (token.empty() || (token[0] != 'u' && token[0] != 's'))
    return expected(kWhat);
  scheme.kind = token[0] == 'u' ? CodeKind::Unsigned : CodeKind::Signed;
  if (!parseWidth(scheme.bits, kWhat))
    return false;
  if (scheme.kind == CodeKind::Unsigned && token == "codebook")
    return parseCodebook();
  return scheme.kind == CodeKind::Signed || parseOffset(scheme.offset);
}

bool SchemeParser::parseCodebook() {
  scheme.kind = CodeKind::Codebook;
  next();
  if (!token.empty() && isdigit(static_cast<unsigned char>(token[0])) &&
      !parseNumber(scheme.entryLength, "the number of values of an entry"))
    return false;
  if (!token.empty() && token[0] == 'x' ? !parseHex() : !parseEntries())
    return false;
  if (token == "signs") {
    scheme.signs = true;
    next();
  }
  return true;
}

bool SchemeParser::parseEntries() {
  if (token != "[")
    return expected("`[` or a word of hexadecimal digits behind `codebook`");
  do {
    next();
    if (!parseNumber(scheme.codebook.emplace_back(), "a codebook entry"))
      return false;
  } while (token == ",");
  if (token != "]")
    return expected("`,` or `]`");
  next();
  return true;
}

/// `x` and one or two digits for each value, two's complement.
bool SchemeParser::parseHex() {
  size_t values = valuesOf(scheme);
  std::string_view word = token.substr(1);
  size_t digits = word.size() == values ? 1 : 2;
  bool isHex = word.size() == digits * values;
  for (size_t i = 0; isHex && i < word.size(); i += digits) {
    int value = 0;
    const char *end = word.data() + i + digits;
    isHex = std::from_chars(word.data() + i, end, value, 16).ptr == end &&
            word[i] != '-';
    int sign = 1 << (4 * digits - 1);
    scheme.codebook.push_back(float((value ^ sign) - sign));
  }
  if (!isHex)
    return expected("`x` and " + std::to_string(values) + " or " +
                    std::to_string(2 * values) + " hexadecimal digits");
  next();
  return true;
}

bool SchemeParser::parseLevel(Level &level) {
  if (token == "tensor" || token == "row") {
    level.group = token == "row" ? Level::kRow : Level::kTensor;
    next();
  } else if (token == "group") {
    next();
    if (!parseNumber(level.group, "the number of elements of a group"))
      return false;
    if (level.group <= 0) { // 0 and -1 are row and tensor inside
      error = "scheme: a group has 1 to 1048576 elements, but got " +
              std::to_string(level.group);
      return false;
    }
  } else {
    return expected("`tensor`, `row`, `group` or `round`");
  }
  do {
    if (!parseComponent(level.components.emplace_back()))
      return false;
  } while (!token.empty() && token != ",");
  return true;
}

bool SchemeParser::parseComponent(Component &component) {
  int role = indexOf(token, kRoleNames);
  if (role < 0)
    return expected("`scale`, `min`, `neg_min`, `zero`, `delta` or `divisor`");
  component.role = Component::Role(role);
  next();
  if (component.role == Component::Delta) {
    component.type = {FieldType::UInt, 1, 0};
    return parseNumber(component.magnitude, "a number behind `delta`");
  }
  return parseFieldType(component.type);
}

bool SchemeParser::parseFieldType(FieldType &type) {
  static constexpr const char *kWhat =
      "a field type (f32, f16, bf16, e8m0, e4m3, u6, s8)";
  static constexpr uint8_t kBits[] = {32, 16, 16, 8, 8};
  int floatType = indexOf(token, kFloatNames);
  if (floatType >= 0) {
    type = {FieldType::Kind(floatType), kBits[floatType], 0};
    next();
    return true;
  }
  if (token.empty() || (token[0] != 'u' && token[0] != 's'))
    return expected(kWhat);
  type.kind = token[0] == 'u' ? FieldType::UInt : FieldType::SInt;
  return parseWidth(type.bits, kWhat) && parseOffset(type.offset);
}

bool SchemeParser::parseRounding() {
  next();
  int rounding = indexOf(token, kRoundingNames);
  if (rounding < 0)
    return expected("`nearest_even`, `nearest_away` or `toward_zero`");
  scheme.rounding = Rounding(rounding);
  next();
  return token.empty() || expected("the end");
}

bool Scheme::parse(const std::string &text, Scheme &scheme,
                   std::string &error) {
  scheme = Scheme();
  return SchemeParser(text, scheme, error).parse();
}

} // namespace lowbit
