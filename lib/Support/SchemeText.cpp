//===- SchemeText.cpp - Schemes as words ----------------------------------===//
//
// The grammar is in the description of #lowbit.scheme and in docs/Formats.md.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Support/Scheme.h"

#include <cctype>
#include <charconv>
#include <string_view>

namespace lowbit {

static constexpr const char *kFloatNames[] = {"f32", "f16", "bf16", "e8m0",
                                              "e4m3"};
static constexpr const char *kRoleNames[] = {"scale", "min", "neg_min", "zero"};
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

static std::string codebookText(const std::vector<float> &entries) {
  std::string text = " codebook [";
  for (size_t i = 0; i < entries.size(); ++i)
    text += (i ? ", " : "") + floatText(entries[i]);
  return text + "]";
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
    return "u" + bits + codebookText(scheme.codebook);
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
            fieldText(component.type);
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
  error += token.empty() ? "the end"
                         : "`" + std::string(token) + "` at column " +
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
  if (token != "[")
    return expected("`[` behind `codebook`");
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
    return expected("`scale`, `min`, `neg_min` or `zero`");
  component.role = Component::Role(role);
  next();
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
