//===- TextTest.cpp - Escapes and UTF-8 -----------------------------------===//

#include "tools/common/text.h"

#include <gtest/gtest.h>

using namespace lowbit::tools;
using namespace std::string_literals;

TEST(Escapes, known) {
  EXPECT_EQ(processEscapes("a\\nb\\tc\\rd\\\\e\\\"f\\'g"),
            "a\nb\tc\rd\\e\"f'g");
  EXPECT_EQ(processEscapes("\\x41\\xe2\\x82\\xAC"), "A\u20ac");
  EXPECT_EQ(processEscapes("\\0"), "\0"s);
}

TEST(Escapes, othersStay) {
  EXPECT_EQ(processEscapes("\\d \\x4 \\xZZ \\"), "\\d \\x4 \\xZZ \\");
  EXPECT_EQ(processEscapes("\\\\n"), "\\n");
  EXPECT_EQ(processEscapes(""), "");
}

TEST(SplitLines, lastLineNeedsNoEnd) {
  EXPECT_TRUE(splitLines("").empty());
  EXPECT_EQ(splitLines("a"), (std::vector<std::string_view>{"a"}));
  EXPECT_EQ(splitLines("a\r\n\nb\n"),
            (std::vector<std::string_view>{"a\r", "", "b"}));
}

TEST(Utf8, wholeCharactersOnly) {
  Utf8Stream stream;
  std::string text = "x\u00e9\u20ac\U0001F600y", out;
  for (char byte : text) {
    std::string piece = stream.push(std::string(1, byte));
    // A piece is empty or one whole character.
    EXPECT_NE(static_cast<unsigned char>(piece[0]) & 0xC0, 0x80);
    out += piece;
  }
  EXPECT_EQ(out + stream.finish(), text);
}

TEST(Utf8, brokenBytesBecomeReplacementCharacters) {
  auto clean = [](const std::string &bytes) {
    Utf8Stream stream;
    std::string out = stream.push(bytes);
    return out + stream.finish();
  };
  const std::string r = "\uFFFD";
  EXPECT_EQ(clean("\x80"), r);
  EXPECT_EQ(clean("a\xFF"
                  "b"),
            "a" + r + "b");
  EXPECT_EQ(clean("\xC0\xAF"), r + r);         // overlong
  EXPECT_EQ(clean("\xED\xA0\x80"), r + r + r); // surrogate
  EXPECT_EQ(clean("\xE2\x82"
                  "x"),
            r + "x");                  // cut off
  EXPECT_EQ(clean("\xF0\x9F\x98"), r); // the end of the stream
  EXPECT_EQ(clean("\xF4\x90\x80\x80"), r + r + r + r);
}
