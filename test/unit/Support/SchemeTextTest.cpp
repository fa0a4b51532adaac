//===- SchemeTextTest.cpp - Schemes as words ------------------------------===//

#include "lowbit/Support/Scheme.h"

#include <gtest/gtest.h>

using namespace lowbit;

TEST(SchemeTextTest, prints_what_it_reads) {
  for (const char *text :
       {"f32", "f16", "bf16", "u4 offset 8, group 32 scale f16",
        "s4, row scale f32", "ternary, tensor scale f32",
        "sign, group 128 scale f16",
        "u4, group 256 scale f16 neg_min f16, group 32 scale u6 neg_min u6",
        "u3, group 48 scale bf16 zero u3 offset -4, round nearest_away",
        "s8, row scale e4m3, round toward_zero",
        "u1 codebook [-1.0e-05, 0.1], group 16 scale e8m0",
        "u2 codebook [-0.0, 1.0, 16777216.0, 1.0e+30], row scale f32",
        "u1 codebook [1.0, 2.5] signs, row scale f32",
        "u1 codebook 4 x01f8790a, group 32 scale f16",
        "u1 codebook 8 x0001080f197f80ff0000000000000001 signs, row scale f16",
        "u1 codebook 4 [0.5, 1.0, 1.5, 2.0, -0.0, 1.0, 2.0, 3.0] signs, group "
        "4 scale f16",
        "u1 codebook 4 [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 128.0], group 8 "
        "scale f16",
        "ternary, row scale f16, group 16 scale u3 delta 0.125"}) {
    Scheme scheme;
    std::string error;
    ASSERT_TRUE(Scheme::parse(text, scheme, error)) << error;
    EXPECT_EQ(scheme.str(), text);
  }
}

TEST(SchemeTextTest, codebook_entries_come_back_exactly) {
  Scheme scheme, again;
  std::string error;
  scheme.kind = CodeKind::Codebook;
  scheme.bits = 2;
  scheme.codebook = {0.1f, -0x1.fffffep127f, 0x1p-149f, 1.0f / 3};
  ASSERT_TRUE(Scheme::parse(scheme.str(), again, error)) << error;
  EXPECT_EQ(again.codebook, scheme.codebook);
}

// -8 .. 7 have one digit, -128 .. 127 two.
TEST(SchemeTextTest, digits_of_a_codebook) {
  Scheme scheme;
  std::string error;
  scheme.kind = CodeKind::Codebook;
  scheme.bits = 1;
  scheme.entryLength = 4;
  scheme.codebook = {-8, 7, -1, 0, 1, 2, 3, 4};
  EXPECT_EQ(scheme.str(), "u1 codebook 4 x87f01234");
  scheme.codebook = {-128, 127, -1, 0, 8, -8, -9, 25};
  EXPECT_EQ(scheme.str(), "u1 codebook 4 x807fff0008f8f719");
  Scheme again;
  ASSERT_TRUE(Scheme::parse(scheme.str(), again, error)) << error;
  EXPECT_EQ(again.codebook, scheme.codebook);
  // Two digits where one would do are read.
  ASSERT_TRUE(Scheme::parse("u1 codebook 4 xF807ff0001020304", again, error));
  EXPECT_EQ(again.str(), "u1 codebook 4 x87f01234");
}

// What check() refuses reads back too: the attribute is verified by its text.
TEST(SchemeTextTest, too_few_values_are_a_list) {
  Scheme scheme, again;
  std::string error;
  scheme.kind = CodeKind::Codebook;
  scheme.bits = 1;
  scheme.entryLength = 4;
  scheme.codebook = {1, 2, 3};
  ASSERT_TRUE(Scheme::parse(scheme.str(), again, error)) << error;
  EXPECT_EQ(again.str(), "u1 codebook 4 [1.0, 2.0, 3.0]");
}

TEST(SchemeTextTest, largest_codebook) {
  Scheme scheme, again;
  std::string error;
  scheme.kind = CodeKind::Codebook;
  scheme.bits = 11;
  scheme.entryLength = 8;
  for (int i = 0; i < 2048 * 8; ++i)
    scheme.codebook.push_back(float(i * 31 % 256 - 128));
  ASSERT_TRUE(Scheme::parse(scheme.str(), again, error)) << error;
  EXPECT_EQ(again, scheme);
}

TEST(SchemeTextTest, reads_loose_spelling) {
  Scheme scheme;
  std::string error;
  ASSERT_TRUE(Scheme::parse(
      " u1   codebook[1,-2e0] ,group 4 scale f16,round nearest_even", scheme,
      error))
      << error;
  EXPECT_EQ(scheme.str(), "u1 codebook [1.0, -2.0], group 4 scale f16");
}

/// The error of a text that is not a scheme.
static std::string errorOf(const std::string &text) {
  Scheme scheme;
  std::string error;
  EXPECT_FALSE(Scheme::parse(text, scheme, error)) << text;
  return error;
}

TEST(SchemeTextTest, errors_say_what_and_where) {
  EXPECT_EQ(errorOf("q4, row scale f16"),
            "scheme: expected a code (u4, s4, ternary, sign, f32, f16, bf16), "
            "but got `q4` at column 1");
  EXPECT_EQ(errorOf("u4, row scale q6"),
            "scheme: expected a field type (f32, f16, bf16, e8m0, e4m3, u6, "
            "s8), but got `q6` at column 15");
  EXPECT_EQ(errorOf("u1 codebook 4 x0123456, row scale f16"),
            "scheme: expected `x` and 8 or 16 hexadecimal digits, but got "
            "`x0123456` at column 15");
  EXPECT_EQ(errorOf("u1 codebook 8 x" + std::string(40, '0') + ", row"),
            "scheme: expected `x` and 16 or 32 hexadecimal digits, but got "
            "`x0000000000000000000000000000000...` at column 15");
  EXPECT_EQ(errorOf("u4, group"), "scheme: expected the number of elements of "
                                  "a group, but got the end");
}

TEST(SchemeTextTest, errors_of_every_rule) {
  for (const char *text :
       {"",
        ",",
        "u",
        "u4x",
        "u300, row scale f16",
        "e4m3",
        "u4 row scale f16",
        "u4,",
        "u4, row",
        "u4, row scale",
        "u4, scale f16",
        "u4, group -1 scale f16",
        "u4, group 0 scale f16",
        "u4, group 99999999999999999999 scale f16",
        "u4 offset, row scale f16",
        "u4 offset 1.5, row scale f16",
        "s4 offset 8, row scale f16",
        "u1 codebook 1, 2, row scale f16",
        "u1 codebook [1, 2, row scale f16",
        "u1 codebook [], row scale f16",
        "u1 codebook, row scale f16",
        "u1 codebook 4, row scale f16",
        "u1 codebook 400 x0, row scale f16",
        "u1 codebook 4 x, row scale f16",
        "u1 codebook 4 x0123456g, row scale f16",
        "u1 codebook 4 x-1-1-1-1-1-1-1-1, row scale f16",
        "u9 codebook 255 x00, row scale f16",
        "u4 signs, row scale f16",
        "u4, row scale f16 delta",
        "u4, row scale f16 delta u1",
        "u1 codebook [1, nan], row scale f16x",
        "u4, row scale f16 zero",
        "u4, row scale f16, round",
        "u4, row scale f16, round up",
        "u4, row scale f16, round toward_zero, row scale f16",
        "u4, row scale f16 ;",
        "u4, row scale u",
        "u4, row scale u6 offset"})
    EXPECT_NE(errorOf(text), "") << text;
}
