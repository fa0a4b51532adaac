//===- NormalizerTest.cpp - Steps before words ----------------------------===//

#include "tokenizer/normalizer.h"
#include "tokenizer/unicode.h"

#include <gtest/gtest.h>

using namespace qrt;

namespace {

std::string textOf(const Points &points) {
  std::string text;
  for (uint32_t point : points)
    appendUtf8(point, text);
  return text;
}

std::string normalized(std::string_view step, std::string_view text) {
  Normalizer normalizer;
  Status status = Normalizer::create({step}, {}, normalizer);
  EXPECT_TRUE(status.ok()) << status.message();
  Points points = pointsOf(text);
  normalizer.apply(points);
  return textOf(points);
}

std::vector<std::string> split(const std::vector<std::string_view> &steps,
                               std::string_view text) {
  WordSteps splitter;
  EXPECT_TRUE(WordSteps::create(steps, splitter).ok());
  Points points = pointsOf(text);
  WordSteps::Words words;
  splitter.split(points, words);
  std::vector<std::string> result;
  for (auto [begin, end] : words)
    result.push_back(textOf(Points(points.begin() + ptrdiff_t(begin),
                                   points.begin() + ptrdiff_t(end))));
  return result;
}

using Words = std::vector<std::string>;

TEST(NormalizerTest, Steps) {
  EXPECT_EQ(normalized("clean", "a\tb\u00a0c\u00add\x01\uFFFD"), "a b cd");
  EXPECT_EQ(normalized("chinese", "a\u5317b"), "a \u5317 b");
  EXPECT_EQ(normalized("nfd", "\u00e9"), "e\u0301");
  EXPECT_EQ(normalized("nfc", "e\u0301"), "\u00e9");
  EXPECT_EQ(normalized("nfkc", "\ufb01\u2460"), "fi1");
  EXPECT_EQ(normalized("nfd", "a\u0315\u0300"), "a\u0300\u0315");
  EXPECT_EQ(normalized("strip_nonspacing", "e\u0301"), "e");
  EXPECT_EQ(normalized("lowercase", "\u0130\u00dcA"), "i\u0307\u00fca");
  EXPECT_EQ(normalized("strip_left", " \ta "), "a ");
  EXPECT_EQ(normalized("strip_right", " a\u3000"), " a");
  EXPECT_EQ(normalized("replace:6161:62", "aaaca"), "baca");
  EXPECT_EQ(normalized("prepend:5f", "a"), "_a");
  EXPECT_EQ(normalized("prepend:5f", ""), "");
  EXPECT_EQ(normalized("squeeze:20", "a  b c   d"), "a b c d");
  EXPECT_EQ(normalized("nmt", "a\u200bb\x07"), "a b");
}

TEST(NormalizerTest, Splits) {
  EXPECT_EQ(split({"spaces"}, " a  b.c "), (Words{"a", "b.c"}));
  EXPECT_EQ(split({"spaces", "punctuation"}, "it's $5..."),
            (Words{"it", "'", "s", "$", "5", ".", ".", "."}));
  EXPECT_EQ(split({"words"}, "a_b?! c"), (Words{"a_b", "?!", "c"}));
  EXPECT_EQ(split({"words"}, "a\u203fb\u00b2"), (Words{"a\u203fb", "\u00b2"}));
  EXPECT_EQ(split({"digits"}, "ab12c"), (Words{"ab", "12", "c"}));
  EXPECT_EQ(split({"digit"}, "ab12c"), (Words{"ab", "1", "2", "c"}));
  EXPECT_EQ(split({"spaces"}, ""), Words{});
}

} // namespace
