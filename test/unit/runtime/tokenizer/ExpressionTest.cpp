//===- ExpressionTest.cpp - Tests of tokenizer/expression.h ---------------===//

#include "tokenizer/expression.h"
#include "tokenizer/word_splitter.h"

#include <gtest/gtest.h>
#include <random>

using namespace qrt;

namespace {

/// What the expression matches at the beginning of a text, or "-".
std::string match(std::string_view expression, std::string_view text) {
  std::unique_ptr<const Expression> compiled;
  Status status = Expression::compile(expression, compiled);
  if (!status.ok())
    return status.message();
  std::vector<Character> characters;
  decodeCharacters(text, characters);
  size_t end = compiled->match(characters.data(), 0, 0, characters.size() - 1);
  return end == 0 ? "-" : std::string(text.substr(0, characters[end].offset));
}

void expectRefused(std::string_view expression, const std::string &part) {
  std::unique_ptr<const Expression> compiled;
  Status status = Expression::compile(expression, compiled);
  EXPECT_FALSE(status.ok()) << expression;
  EXPECT_NE(status.message().find(part), std::string::npos) << status.message();
}

std::string split(const WordSplitter &splitter, std::string_view text) {
  std::vector<Character> characters;
  decodeCharacters(text, characters);
  std::vector<uint32_t> ends;
  splitter.split(characters, ends);
  std::string out;
  for (uint32_t end : ends)
    out += std::to_string(end) + " ";
  return out;
}

} // namespace

TEST(ExpressionTest, Sets) {
  EXPECT_EQ(match("[a-cx]+", "abxcd"), "abxc");
  EXPECT_EQ(match("[^a-c]+", "xyzab"), "xyz");
  EXPECT_EQ(match(R"([\]\-a]+)", "a-]b"), "a-]");
  EXPECT_EQ(match("[]a]+", "a]b"), "a]");
  EXPECT_EQ(match("[a[bc]]+", "abcd"), "abc");
  EXPECT_EQ(match(R"([\p{Lu}\d]+)", "A1É2b"), "A1É2");
  EXPECT_EQ(match(R"(\p{^L}+)", "12a"), "12");
  EXPECT_EQ(match(R"(\P{L}+)", "12a"), "12");
  EXPECT_EQ(match(R"(\w+)", "aé_1\u0301-"), "aé_1\u0301");
  EXPECT_EQ(match(R"(\S+)", "ab\u00a0c"), "ab");
  EXPECT_EQ(match(R"(\x{e9}\u00e9\x41)", "ééA"), "ééA");
  EXPECT_EQ(match(".+", "ab\ncd"), "ab");
}

TEST(ExpressionTest, AnyCase) {
  EXPECT_EQ(match("(?i:'s|'LL)", "'Ll"), "'Ll");
  EXPECT_EQ(match("(?i:'s)x", "'\u017fx"), "'\u017fx"); // folds to s
  EXPECT_EQ(match("(?i:a)b", "AB"), "-");
  EXPECT_EQ(match("(?i:[^a]+)", "bBA"), "bB");
}

TEST(ExpressionTest, Repetitions) {
  EXPECT_EQ(match("a{2,3}", "aaaa"), "aaa");
  EXPECT_EQ(match("a{2}", "a"), "-");
  EXPECT_EQ(match("a{,2}b", "aab"), "aab");
  EXPECT_EQ(match("(?:ab){2,}", "ababab"), "ababab");
  EXPECT_EQ(match("a+?b?", "aab"), "a");
  EXPECT_EQ(match("a*ab", "aaab"), "aaab");
  EXPECT_EQ(match("a*+ab", "aaab"), "-");
  EXPECT_EQ(match("(?:ab?)++b", "abab"), "-");
  EXPECT_EQ(match("(?:a|ab)(?:c|bcd)", "abcd"), "abcd");
  EXPECT_EQ(match("a{x", "a{x"), "a{x");
}

TEST(ExpressionTest, Surroundings) {
  EXPECT_EQ(match(R"(\s+(?!\S)|\s+)", "   a"), "  ");
  EXPECT_EQ(match("a(?=b)", "ab"), "a");
  EXPECT_EQ(match("a(?=b)", "ac"), "-");
  EXPECT_EQ(match("(?>a+)a", "aa"), "-");
  EXPECT_EQ(match("^a$", "a\nb"), "a");
  EXPECT_EQ(match("a$", "ab"), "-");
}

TEST(ExpressionTest, AnchorsBelongToThePiece) {
  WordSplitter splitter;
  ASSERT_TRUE(WordSplitter::create({"^a"}, splitter).ok());
  EXPECT_EQ(split(splitter, "aa"), "1 2 ");
  ASSERT_TRUE(WordSplitter::create({" ", "^a"}, splitter).ok());
  EXPECT_EQ(split(splitter, "ba ac"), "2 3 4 5 ");
}

TEST(ExpressionTest, WhatIsRefused) {
  expectRefused("(a", ") is missing");
  expectRefused("a)", ") without (");
  expectRefused("[a", "] is missing");
  expectRefused("[b-a]", "a range is empty");
  expectRefused("*a", "nothing to repeat");
  expectRefused("(?:a+)+", "a repetition of what repeats");
  expectRefused("(?:a?)*", "or may be empty");
  expectRefused("(?<n>a)", "this kind of group");
  expectRefused(R"(\bx)", "\\b is not supported");
  expectRefused(R"((a)\1)", "\\1 is not supported");
  expectRefused(R"(\p{Han})", "\\p{Han} is not supported");
  expectRefused("[a&&b]", "&& and [: are not supported");
  expectRefused(R"(\x{110000})", "a hexadecimal number is missing");
  expectRefused("a{1001}", "an interval is too large");
  expectRefused(std::string(1000, '('), "too deep");
  expectRefused(std::string(1000, '['), "too deep");
  std::string nested = "a";
  for (int i = 0; i < 5; ++i)
    nested = "(?:" + nested + "){500}";
  expectRefused(nested, "too long");
}

TEST(ExpressionTest, ManyStepsAreNoMatch) {
  std::string text(20000, 'a');
  EXPECT_EQ(match("a*a*a*a*b", text), "-");
}

/// Each known expression has a function; both must split any text alike.
TEST(ExpressionTest, AgreesWithTheFunctions) {
  std::mt19937 random(1);
  static constexpr std::string_view parts[] = {
      "a",    "B",  "z",  "é",      "\u0301", "中",   " ",      "  ", "\n",
      "\r\n", "\t", "1",  "2345",   "½",      "'s",   "'LL",    "'",  "!",
      "--",   "/",  "🙂", "\u00a0", "\u017f", "\xff", "\u01c5", "_",  "カ"};
  for (std::string_view known : writtenExpressions()) {
    WordSplitter functions, general;
    ASSERT_TRUE(WordSplitter::create({known}, functions).ok());
    // A group hides the expression from the table of functions.
    std::string grouped = "(?:" + std::string(known) + ")";
    ASSERT_EQ(findWordMatch(grouped), nullptr);
    ASSERT_TRUE(WordSplitter::create({grouped}, general).ok()) << known;
    for (int i = 0; i < 2000; ++i) {
      std::string text;
      for (unsigned n = random() % 12; n > 0; --n)
        text += parts[random() % std::size(parts)];
      ASSERT_EQ(split(general, text), split(functions, text))
          << known << ": " << text;
    }
  }
}
