//===- Utf8StreamTest.cpp - Tests of tokenizer/utf8_stream.h --------------===//

#include "tokenizer/utf8_stream.h"

#include <gtest/gtest.h>

using namespace qrt;

namespace {

std::string pushAll(const std::vector<std::string> &parts) {
  Utf8Stream stream;
  std::string out;
  for (const std::string &part : parts)
    stream.push(part, out);
  stream.flush(out);
  EXPECT_TRUE(stream.empty());
  return out;
}

TEST(Utf8Stream, HoldsAPartOfACharacterBack) {
  Utf8Stream stream;
  std::string out;
  stream.push("a\xF0\x9F", out);
  EXPECT_EQ(out, "a");
  stream.push("\x99", out);
  EXPECT_EQ(out, "a");
  stream.push("\x82z", out);
  EXPECT_EQ(out, "a🙂z");
}

TEST(Utf8Stream, AnySplitGivesTheSameText) {
  const std::string text = "aé中🙂\u0301 z";
  for (size_t i = 0; i <= text.size(); ++i)
    for (size_t k = i; k <= text.size(); ++k)
      EXPECT_EQ(
          pushAll({text.substr(0, i), text.substr(i, k - i), text.substr(k)}),
          text);
}

TEST(Utf8Stream, ReplacesWhatCannotBecomeACharacter) {
  EXPECT_EQ(pushAll({"\x80"}), "\uFFFD");
  EXPECT_EQ(pushAll({"\xE2", "a"}), "\uFFFDa");
  EXPECT_EQ(pushAll({"\xE2\x96", "\xE2\x96\x81"}), "\uFFFD\u2581");
  EXPECT_EQ(pushAll({"\xED\xA0\x80"}), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(pushAll({"\xF0\x80"}), "\uFFFD\uFFFD");
  EXPECT_EQ(pushAll({"\xC0\xFF"}), "\uFFFD\uFFFD");
}

TEST(Utf8Stream, FlushReplacesTheRest) {
  EXPECT_EQ(pushAll({"ok\xF0\x9F\x99"}), "ok\uFFFD");
  EXPECT_EQ(pushAll({""}), "");
}

} // namespace
