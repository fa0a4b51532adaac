//===- word_match.cpp - The expressions that define words -----------------===//

#include "tokenizer/word_match.h"

#include <string_view>

namespace qrt::word {

namespace {

constexpr uint16_t letterOrNumber = ClassLetter | ClassNumber;

/// Steps over up to `limit` characters that have one of `classes`.
size_t run(const Character *text, size_t i, size_t end, uint16_t classes,
           size_t limit = SIZE_MAX) {
  for (; i < end && limit > 0 && (text[i].classes & classes); --limit)
    ++i;
  return i;
}

/// Steps over characters that have none of `classes`.
size_t runWithout(const Character *text, size_t i, size_t end,
                  uint16_t classes) {
  while (i < end && !(text[i].classes & classes))
    ++i;
  return i;
}

bool is(const Character *text, size_t i, size_t end, uint32_t value) {
  return i < end && text[i].value == value;
}

/// 's|'t|'re|'ve|'m|'ll|'d; U+017F folds to s.
size_t contraction(const Character *text, size_t begin, size_t end,
                   bool anyCase) {
  if (!is(text, begin, end, '\''))
    return begin;
  auto at = [&](size_t i, char wanted) {
    if (i >= end)
      return false;
    uint32_t c = text[i].value;
    return c == static_cast<uint32_t>(wanted) ||
           (anyCase && (c == static_cast<uint32_t>(wanted - 'a' + 'A') ||
                        (wanted == 's' && c == 0x17F)));
  };
  for (char c : std::string_view("stmd"))
    if (at(begin + 1, c))
      return begin + 2;
  for (std::string_view pair : {"re", "ve", "ll"})
    if (at(begin + 1, pair[0]) && at(begin + 2, pair[1]))
      return begin + 3;
  return begin;
}

/// \s+(?!\S)|\s+ : a run of spaces leaves its last one to what follows.
size_t spaces(const Character *text, size_t begin, size_t end) {
  size_t last = run(text, begin, end, ClassSpace);
  return last < end && last > begin + 1 ? last - 1 : last;
}

/// \s*[\r\n]+|\s+(?!\S)|\s+ : up to the last line end of a run of spaces.
size_t linesOrSpaces(const Character *text, size_t begin, size_t end) {
  size_t last = run(text, begin, end, ClassSpace);
  for (size_t i = last; i > begin; --i)
    if (text[i - 1].classes & ClassLineEnd)
      return i;
  return spaces(text, begin, end);
}

/// [^\r\n\p{L}\p{N}]?W+ where W are `letters`.
size_t prefixedLetters(const Character *text, size_t begin, size_t end,
                       uint16_t letters) {
  size_t first = begin;
  if (!(text[begin].classes & (letterOrNumber | ClassLineEnd))) {
    size_t last = run(text, begin + 1, end, letters);
    if (last > begin + 1)
      return last;
  }
  return run(text, first, end, letters);
}

/// ?[^\s\p{L}\p{N}]+ and what may follow; `extra`: further classes excluded.
size_t spacedSymbols(const Character *text, size_t begin, size_t end,
                     uint16_t extra, bool lineEnds, bool slashes) {
  size_t first = begin + is(text, begin, end, ' ');
  size_t last =
      runWithout(text, first, end, letterOrNumber | ClassSpace | extra);
  if (last == first)
    return begin;
  while (last < end && ((lineEnds && (text[last].classes & ClassLineEnd)) ||
                        (slashes && text[last].value == '/')))
    ++last;
  return last;
}

/// The family of llama3's expression.
template <size_t MaxNumbers, uint16_t Letters, bool LineEnds = true>
size_t modern(const Character *text, size_t begin, size_t end) {
  if (size_t last = contraction(text, begin, end, true); last > begin)
    return last;
  if (size_t last = prefixedLetters(text, begin, end, Letters); last > begin)
    return last;
  if (text[begin].classes & ClassNumber)
    return run(text, begin, end, ClassNumber, MaxNumbers);
  size_t last =
      spacedSymbols(text, begin, end, Letters & ClassMark, LineEnds, false);
  return last > begin ? last : linesOrSpaces(text, begin, end);
}

bool isUpperPart(const Character &c) {
  return (c.classes & (ClassUpper | ClassMark)) ||
         (c.classes & (ClassLetter | ClassLower)) == ClassLetter;
}

bool isLowerPart(const Character &c) {
  return (c.classes & (ClassLower | ClassMark)) ||
         (c.classes & (ClassLetter | ClassUpper)) == ClassLetter;
}

/// U*L+ (`needsLower`) or U+L*, from `begin`; returns `begin` if there is none.
size_t casedWord(const Character *text, size_t begin, size_t end,
                 bool needsLower) {
  size_t upper = begin;
  while (upper < end && isUpperPart(text[upper]))
    ++upper;
  size_t last = upper;
  while (last < end && isLowerPart(text[last]))
    ++last;
  if (!needsLower)
    return upper > begin ? last : begin;
  if (last > upper)
    return last;
  // U* gives back until L+ has one: characters of both kinds.
  while (upper > begin && !isLowerPart(text[upper - 1]))
    --upper;
  return upper;
}

/// Both alternatives for words of tekken, each with its optional first
/// character.
size_t casedWords(const Character *text, size_t begin, size_t end) {
  bool prefix = !(text[begin].classes & (letterOrNumber | ClassLineEnd));
  for (bool needsLower : {true, false}) {
    if (prefix)
      if (size_t last = casedWord(text, begin + 1, end, needsLower);
          last > begin + 1)
        return last;
    if (size_t last = casedWord(text, begin, end, needsLower); last > begin)
      return last;
  }
  return begin;
}

template <size_t MaxNumbers, bool Contractions>
size_t cased(const Character *text, size_t begin, size_t end) {
  if (size_t last = casedWords(text, begin, end); last > begin)
    return Contractions ? contraction(text, last, end, true) : last;
  if (text[begin].classes & ClassNumber)
    return run(text, begin, end, ClassNumber, MaxNumbers);
  size_t last = spacedSymbols(text, begin, end, 0, true, true);
  return last > begin ? last : linesOrSpaces(text, begin, end);
}

bool isAsciiLetter(uint32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool isAsciiPunctuation(uint32_t c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') ||
         (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

template <typename Predicate>
size_t runOf(const Character *text, size_t i, size_t end, Predicate holds) {
  while (i < end && holds(text[i]))
    ++i;
  return i;
}

/// \s?C+
size_t spaced(const Character *text, size_t begin, size_t end,
              uint16_t classes) {
  size_t first = begin + ((text[begin].classes & ClassSpace) ? 1 : 0);
  size_t last = run(text, first, end, classes);
  return last > first ? last : begin;
}

bool isOneOf(uint32_t value, std::u32string_view set) {
  return set.find(static_cast<char32_t>(value)) != std::u32string_view::npos;
}

} // namespace

size_t gpt2(const Character *text, size_t begin, size_t end) {
  if (size_t last = contraction(text, begin, end, false); last > begin)
    return last;
  size_t first = begin + is(text, begin, end, ' ');
  for (uint16_t classes : {ClassLetter, ClassNumber})
    if (size_t last = run(text, first, end, classes); last > first)
      return last;
  size_t last = runWithout(text, first, end, letterOrNumber | ClassSpace);
  return last > first ? last : spaces(text, begin, end);
}

size_t llama3(const Character *text, size_t begin, size_t end) {
  return modern<3, ClassLetter>(text, begin, end);
}

size_t qwen2(const Character *text, size_t begin, size_t end) {
  return modern<1, ClassLetter>(text, begin, end);
}

size_t qwen35(const Character *text, size_t begin, size_t end) {
  return modern<1, ClassLetter | ClassMark>(text, begin, end);
}

size_t seedCoder(const Character *text, size_t begin, size_t end) {
  return modern<1, ClassLetter, false>(text, begin, end);
}

size_t tekken(const Character *text, size_t begin, size_t end) {
  return cased<1, false>(text, begin, end);
}

size_t gpt4o(const Character *text, size_t begin, size_t end) {
  return cased<3, true>(text, begin, end);
}

size_t deepseek3(const Character *text, size_t begin, size_t end) {
  constexpr uint16_t letters = ClassLetter | ClassMark;
  constexpr uint16_t symbols = ClassPunctuation | ClassSymbol;
  if (isAsciiPunctuation(text[begin].value)) {
    size_t last = runOf(text, begin + 1, end, [](const Character &c) {
      return isAsciiLetter(c.value);
    });
    if (last > begin + 1)
      return last;
  }
  if (!(text[begin].classes & (ClassLetter | symbols | ClassLineEnd)))
    if (size_t last = run(text, begin + 1, end, letters); last > begin + 1)
      return last;
  if (size_t last = run(text, begin, end, letters); last > begin)
    return last;
  size_t first = begin + is(text, begin, end, ' ');
  if (size_t last = run(text, first, end, symbols); last > first)
    return run(text, last, end, ClassLineEnd);
  return linesOrSpaces(text, begin, end);
}

size_t number(const Character *text, size_t begin, size_t end) {
  return run(text, begin, end, ClassNumber, 1);
}

size_t numbers(const Character *text, size_t begin, size_t end) {
  return run(text, begin, end, ClassNumber);
}

size_t numbersBy3(const Character *text, size_t begin, size_t end) {
  return run(text, begin, end, ClassNumber, 3);
}

size_t digits3(const Character *text, size_t begin, size_t end) {
  size_t last = runOf(text, begin, end, [](const Character &c) {
    return c.value >= '0' && c.value <= '9';
  });
  return last >= begin + 3 ? begin + 3 : begin;
}

size_t lineEnd(const Character *text, size_t begin, size_t end) {
  return run(text, begin, end, ClassLineEnd, 1);
}

size_t spacedLetters(const Character *text, size_t begin, size_t end) {
  return spaced(text, begin, end, ClassLetter);
}

size_t spacedPunctuation(const Character *text, size_t begin, size_t end) {
  return spaced(text, begin, end, ClassPunctuation);
}

size_t eastAsian(const Character *text, size_t begin, size_t end) {
  return runOf(text, begin, end, [](const Character &c) {
    return (c.value >= 0x0800 && c.value <= 0x9FA5) ||
           (c.value >= 0xAC00 && c.value <= 0xD7FF);
  });
}

size_t hanKana(const Character *text, size_t begin, size_t end) {
  return runOf(text, begin, end, [](const Character &c) {
    return (c.value >= 0x4E00 && c.value <= 0x9FA5) ||
           (c.value >= 0x3040 && c.value <= 0x30FF);
  });
}

size_t punctuation(const Character *text, size_t begin, size_t end) {
  return runOf(text, begin, end, [](const Character &c) {
    return (c.classes & ClassPunctuation) || isOneOf(c.value, U"$+<=>^~|");
  });
}

size_t punctuationQuote(const Character *text, size_t begin, size_t end) {
  return runOf(text, begin, end, [](const Character &c) {
    return (c.classes & ClassPunctuation) || isOneOf(c.value, U"$+<=>^~|`");
  });
}

size_t bloom(const Character *text, size_t begin, size_t end) {
  auto inside = [](const Character &c) {
    return !(c.classes & ClassSpace) &&
           !isOneOf(c.value, U"(|.,!?)\u2026\u3002\uFF0C\u3001\u0964\u06D4"
                             U"\u060C");
  };
  size_t first = begin + is(text, begin, end, ' ');
  size_t last = runOf(text, first, end, inside);
  return last > first ? last : begin;
}

} // namespace qrt::word
