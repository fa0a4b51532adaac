//===- QuantizerText.cpp - Quantizers as words ----------------------------===//
//
// The grammar is in the description of #lowbit.quantizer and in
// docs/Numerics.md.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Support/Quantizer.h"

#include <charconv>
#include <string_view>

namespace lowbit {

static constexpr const char *kRangeNames[] = {"absmax", "absmean", "ends",
                                              "minmax", "span"};
static constexpr const char *kTypeNames[] = {"f32", "f16", "bf16"};

//===- Printing -----------------------------------------------------------===//

/// The shortest decimal that reads back as `value`, with a point: MLIR's lexer
/// takes "1" for an integer.
static std::string realText(float value) {
  char buffer[32];
  std::string text(buffer,
                   std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
  if (text.find('.') == std::string::npos) {
    size_t exponent = text.find('e');
    text.insert(exponent == std::string::npos ? text.size() : exponent, ".0");
  }
  return text;
}

std::string Quantizer::str() const {
  std::string text = kRangeNames[size_t(range)];
  if (reach != 0)
    text += " reach " + realText(reach);
  if (leastRange != 0)
    text += " least " + realText(leastRange);
  if (floorScale || leastScale != 0)
    text += ", scale";
  if (floorScale)
    text += " floor";
  if (leastScale != 0)
    text += " least " + realText(leastScale);
  if (outerReach != 0)
    text += ", outer " + realText(outerReach);
  text += apply == Apply::Multiply ? ", multiply" : ", divide";
  if (hasClamp)
    text += ", clamp " + std::to_string(low) + " " + std::to_string(high);
  if (refine)
    text += ", refine " + std::to_string(refine);
  if (proximal)
    text += ", proximal " + std::to_string(proximal);
  if (type != FieldType::F32)
    text += std::string(", in ") + kTypeNames[type];
  return text;
}

//===- Parsing ------------------------------------------------------------===//

namespace {
/// Recursive descent. Every method returns true on success and otherwise leaves
/// a message in `error`.
class QuantizerParser {
public:
  QuantizerParser(std::string_view text, Quantizer &quantizer,
                  std::string &error)
      : text(text), result(quantizer), error(error) {}

  bool parse();

private:
  void next();
  bool take(const char *word) {
    if (token != word)
      return false;
    next();
    return true;
  }
  bool expected(const std::string &what);
  template <typename T> bool parseNumber(T &value, const char *what);
  bool parseRange();
  bool parsePart();
  bool parseScale();
  bool parseType();

  std::string_view text, token; ///< an empty token is the end
  size_t position = 0;          ///< behind `token`
  Quantizer &result;
  std::string &error;
};
} // namespace

void QuantizerParser::next() {
  constexpr const char *kSpace = " \t\n";
  position = std::min(text.find_first_not_of(kSpace, position), text.size());
  size_t end = std::min(text.find_first_of(" \t\n,", position), text.size());
  if (end == position && end < text.size())
    ++end; // a comma
  token = text.substr(position, end - position);
  position = end;
}

bool QuantizerParser::expected(const std::string &what) {
  constexpr size_t kShown = 32;
  error = "quantizer: expected " + what + ", but got " +
          (token.empty()
               ? "the end"
               : "`" + std::string(token.substr(0, kShown)) + "` at column " +
                     std::to_string(position - token.size() + 1));
  return false;
}

template <typename T>
bool QuantizerParser::parseNumber(T &value, const char *what) {
  const char *end = token.data() + token.size();
  auto [last, problem] = std::from_chars(token.data(), end, value);
  if (token.empty() || problem != std::errc() || last != end)
    return expected(what);
  next();
  return true;
}

/// Index of `word` in `names`, -1 if it is none of them.
template <size_t N>
static int indexOf(std::string_view word, const char *const (&names)[N]) {
  for (size_t i = 0; i < N; ++i)
    if (word == names[i])
      return int(i);
  return -1;
}

bool QuantizerParser::parseRange() {
  int range = indexOf(token, kRangeNames);
  if (range < 0)
    return expected("a range (absmax, absmean, ends, minmax, span)");
  result.range = Quantizer::Range(range);
  next();
  if (take("reach") && !parseNumber(result.reach, "a number behind `reach`"))
    return false;
  return !take("least") ||
         parseNumber(result.leastRange, "a number behind `least`");
}

bool QuantizerParser::parseScale() {
  result.floorScale = take("floor");
  if (take("least"))
    return parseNumber(result.leastScale, "a number behind `least`");
  return result.floorScale || expected("`floor` or `least` behind `scale`");
}

bool QuantizerParser::parseType() {
  int type = indexOf(token, kTypeNames);
  if (type < 0)
    return expected("f32, f16 or bf16 behind `in`");
  result.type = FieldType::Kind(type);
  next();
  return true;
}

bool QuantizerParser::parsePart() {
  if (take("scale"))
    return parseScale();
  if (take("outer"))
    return parseNumber(result.outerReach, "a number behind `outer`");
  if (token == "multiply" || token == "divide") {
    result.apply = token == "divide" ? Quantizer::Apply::Divide
                                     : Quantizer::Apply::Multiply;
    next();
    return true;
  }
  if (take("clamp")) {
    result.hasClamp = true;
    constexpr const char *kWhat = "two integers behind `clamp`";
    return parseNumber(result.low, kWhat) && parseNumber(result.high, kWhat);
  }
  if (take("refine"))
    return parseNumber(result.refine, "a number of steps behind `refine`");
  if (take("proximal"))
    return parseNumber(result.proximal, "a number of steps behind `proximal`");
  if (take("in"))
    return parseType();
  return expected("`scale`, `outer`, `multiply`, `divide`, `clamp`, `refine`, "
                  "`proximal` or `in`");
}

bool QuantizerParser::parse() {
  next();
  if (!parseRange())
    return false;
  while (take(","))
    if (!parsePart())
      return false;
  return token.empty() || expected("`,` or the end");
}

bool Quantizer::parse(const std::string &text, Quantizer &quantizer,
                      std::string &error) {
  quantizer = Quantizer();
  return QuantizerParser(text, quantizer, error).parse();
}

} // namespace lowbit
