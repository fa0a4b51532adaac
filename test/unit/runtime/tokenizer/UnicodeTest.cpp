//===- UnicodeTest.cpp - Tests of tokenizer/unicode.h ---------------------===//

#include "tokenizer/unicode.h"
#include "tokenizer/byte_level.h"

#include <gtest/gtest.h>

using namespace qrt;

namespace {

TEST(Unicode, EveryCodePointSurvivesEncodingAndDecoding) {
  for (uint32_t value = 0; value <= 0x10FFFF; ++value) {
    if (value >= 0xD800 && value <= 0xDFFF)
      continue;
    std::string text;
    appendUtf8(value, text);
    uint32_t back = 0;
    ASSERT_EQ(decodeUtf8(text, 0, back), text.size()) << value;
    ASSERT_EQ(back, value);
  }
}

TEST(Unicode, RefusesWhatIsNotUtf8) {
  // A stray tail, overlong forms, a surrogate, beyond U+10FFFF, cut off.
  for (std::string_view bad :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xF0\x80\x80\x80",
        "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xE2",
        "\xE2\x96", "\xF0\x9F\x99", "\xE2(\x81"}) {
    uint32_t value = 0;
    EXPECT_EQ(decodeUtf8(bad, 0, value), 0u);
  }
}

TEST(Unicode, StrayBytesAreCharactersWithoutClass) {
  std::vector<Character> characters;
  decodeCharacters("a\x80\xC3\xA9", characters);
  ASSERT_EQ(characters.size(), 4u);
  EXPECT_EQ(characters[1].classes, 0);
  EXPECT_EQ(characters[2].value, 0xE9u);
  EXPECT_EQ(characters[3].offset, 4u);
  EXPECT_EQ(countCharacters("a\x80\xC3\xA9"), 3u);
}

TEST(Unicode, Classes) {
  EXPECT_EQ(classOf('a'), ClassLetter | ClassLower);
  EXPECT_EQ(classOf(0x01C5), ClassLetter | ClassUpper); // Lt
  EXPECT_EQ(classOf(0x4E2D), ClassLetter);
  EXPECT_EQ(classOf(0xB2), ClassNumber); // superscript two
  EXPECT_EQ(classOf(0x301), ClassMark);
  EXPECT_EQ(classOf('_'), ClassPunctuation);
  EXPECT_EQ(classOf('+'), ClassSymbol);
  EXPECT_EQ(classOf('\n'), ClassSpace | ClassLineEnd);
  EXPECT_EQ(classOf(0x85), ClassSpace);
  EXPECT_EQ(classOf(0x3000), ClassSpace);
  EXPECT_EQ(classOf(0x200B), 0); // zero-width space is no White_Space
  EXPECT_EQ(classOf(0x1C), 0);
}

TEST(Unicode, ComposesToNfc) {
  auto nfc = [](std::string_view text) {
    std::string out;
    return composeNfc(text, out) ? out : std::string(text);
  };
  EXPECT_EQ(nfc("plain é"), "plain é");
  EXPECT_EQ(nfc("e\u0301"), "\u00e9");
  EXPECT_EQ(nfc("a\u0301\u0323"), "\u1ea1\u0301"); // marks are put in order
  EXPECT_EQ(nfc("\u1100\u1161\u11a8"), "\uac01");
  EXPECT_EQ(nfc("\uf900"), "\u8c48");
  EXPECT_EQ(nfc("\u0958"), "\u0915\u093c"); // excluded from composition
  EXPECT_EQ(nfc("\xff"
                "e\u0301\x80"),
            "\xff\u00e9\x80");
}

TEST(ByteLevel, SpellsAndUnspellsEveryByte) {
  std::string all, spelled, back;
  for (int byte = 0; byte < 256; ++byte)
    all += static_cast<char>(byte);
  appendSpelled(all, spelled);
  appendUnspelled(spelled, back);
  EXPECT_EQ(back, all);
  EXPECT_EQ(countCharacters(spelled), 256u);
  EXPECT_EQ(spellByte(' '), 0x120u);
  EXPECT_EQ(spellByte('\n'), 0x10Au);
  EXPECT_EQ(spellByte(0xAD), 0x143u);
}

} // namespace
