//===- QuantizerTest.cpp - How reals become codes -------------------------===//

#include "lowbit/Support/Quantizer.h"

#include <gtest/gtest.h>

using namespace lowbit;

static Quantizer parse(const std::string &text) {
  Quantizer quantizer;
  std::string error;
  EXPECT_TRUE(Quantizer::parse(text, quantizer, error))
      << text << ": " << error;
  return quantizer;
}

/// What is wrong with the text, or with the numbers in it.
static std::string errorOf(const std::string &text) {
  Quantizer quantizer;
  std::string error;
  return Quantizer::parse(text, quantizer, error) ? quantizer.check() : error;
}

static std::string errorOf(const std::string &text,
                           const std::string &schemeText) {
  Scheme scheme;
  std::string error;
  EXPECT_TRUE(Scheme::parse(schemeText, scheme, error)) << error;
  EXPECT_EQ(scheme.check(), "") << schemeText;
  EXPECT_EQ(parse(text).check(), "") << text;
  return parse(text).check(scheme);
}

TEST(QuantizerTest, prints_what_it_reads) {
  for (const char *text :
       {"absmax reach 127.0 least 1.0e-05, multiply, clamp -128 127",
        "absmean reach 1.0 least 1.0e-05, multiply, clamp -1 1, in bf16",
        "ends, scale least 1.1754944e-38, multiply", "minmax, multiply, in f16",
        "span, scale least 1.0e-06, divide",
        "absmax reach 8.0, scale least 1.1920929e-07, divide, refine 20",
        "absmax reach 4.0, scale floor, divide",
        "span, scale least 5.0e-05, multiply, proximal 20",
        "absmax reach 6.0, scale floor least 0.015625, outer 2688.0, multiply"})
    EXPECT_EQ(parse(text).str(), text);
  EXPECT_EQ(parse("  absmax   reach 7.5 ,clamp -7 7").str(),
            "absmax reach 7.5, multiply, clamp -7 7");
  EXPECT_FALSE(parse("minmax") == parse("span"));
}

TEST(QuantizerTest, grammar) {
  EXPECT_EQ(errorOf("mean"), "quantizer: expected a range (absmax, absmean, "
                             "ends, minmax, span), but got `mean` at column 1");
  EXPECT_EQ(errorOf(""), "quantizer: expected a range (absmax, absmean, ends, "
                         "minmax, span), but got the end");
  EXPECT_EQ(errorOf("absmax reach x"), "quantizer: expected a number behind "
                                       "`reach`, but got `x` at column 14");
  EXPECT_EQ(
      errorOf("minmax multiply"),
      "quantizer: expected `,` or the end, but got `multiply` at column 8");
  EXPECT_EQ(errorOf("minmax, add"),
            "quantizer: expected `scale`, `outer`, `multiply`, `divide`, "
            "`clamp`, `refine`, `proximal` or `in`, but got `add` at column 9");
  EXPECT_EQ(errorOf("minmax, scale"), "quantizer: expected `floor` or `least` "
                                      "behind `scale`, but got the end");
  EXPECT_EQ(errorOf("minmax, clamp 1"), "quantizer: expected two integers "
                                        "behind `clamp`, but got the end");
  EXPECT_EQ(errorOf("minmax, in f64"),
            "quantizer: expected f32, f16 or bf16 "
            "behind `in`, but got `f64` at column 12");
  EXPECT_EQ(errorOf("minmax,"),
            "quantizer: expected `scale`, `outer`, `multiply`, `divide`, "
            "`clamp`, `refine`, `proximal` or `in`, but got the end");
}

TEST(QuantizerTest, q1_numbers) {
  EXPECT_NE(errorOf("absmax reach inf"), "");
  EXPECT_NE(errorOf("absmax reach nan"), "");
  EXPECT_NE(errorOf("absmax reach -7"), "");
  EXPECT_NE(errorOf("absmax"), "");
  EXPECT_NE(errorOf("minmax reach 7"), "");
  EXPECT_NE(errorOf("span least 1e-5"), "");
  EXPECT_NE(errorOf("absmax reach 7, scale least -1"), "");
  EXPECT_NE(errorOf("absmax reach 7, clamp 3 3"), "");
  EXPECT_NE(errorOf("absmax reach 7, divide, refine 101"), "");
  EXPECT_EQ(errorOf("absmax reach 7, divide, refine 100"), "");
}

TEST(QuantizerTest, q2_codes) {
  const char *entries = "u1 codebook [-1.0, 1.0], group 4 scale f32";
  EXPECT_EQ(errorOf("absmax reach 1, divide", entries), "");
  EXPECT_NE(errorOf("ends", entries), "");
  EXPECT_NE(errorOf("absmax reach 1, clamp -1 1", entries), "");
  EXPECT_NE(errorOf("absmax reach 1", "sign, row scale f32"), "");
  EXPECT_NE(
      errorOf("absmax reach 1", "u1 codebook 4 x01234567, group 4 scale f32"),
      "");
  EXPECT_NE(errorOf("absmax reach 1", "bf16"), "");
}

TEST(QuantizerTest, q3_clamp) {
  EXPECT_EQ(errorOf("absmax reach 7, clamp -8 7", "s4, row scale f32"), "");
  EXPECT_EQ(errorOf("absmax reach 7, clamp -9 7", "s4, row scale f32"),
            "a clamp lies within the codes, expected -8 to 7, but got -9 to 7");
  EXPECT_NE(errorOf("absmax reach 7, clamp -8 8", "u4 offset 8, row scale f32"),
            "");
  EXPECT_NE(errorOf("absmean reach 1, clamp -1 2", "ternary, row scale f32"),
            "");
}

TEST(QuantizerTest, q4_levels) {
  const char *nested = "s4, tensor scale f32, group 16 scale e4m3";
  EXPECT_EQ(errorOf("absmax reach 7, outer 3136", nested), "");
  EXPECT_NE(errorOf("absmax reach 7", nested), "");
  EXPECT_NE(errorOf("absmax reach 7, outer 9", "s4, row scale f32"), "");
  EXPECT_NE(errorOf("absmax reach 7, outer 9",
                    "s4, row scale f32, group 16 scale e4m3"),
            "");
  EXPECT_NE(errorOf("absmax reach 7, outer 9",
                    "s4, tensor scale f32, group 16 scale u6"),
            "");
}

TEST(QuantizerTest, q5_terms) {
  EXPECT_EQ(errorOf("minmax", "u4, row scale f32 zero u4"), "");
  EXPECT_NE(errorOf("minmax", "u4, row scale f32"), "");
  EXPECT_NE(errorOf("minmax", "u4, row scale f32 zero f16"), "");
  EXPECT_NE(errorOf("absmax reach 7", "u4, row scale f32 zero u4"), "");
  EXPECT_EQ(errorOf("span, divide", "u4, row scale f32 min f32"), "");
  EXPECT_NE(errorOf("span", "u4, row scale f32 min f32"), "");
  EXPECT_EQ(errorOf("span, proximal 20", "u4, row scale f32 min f32"), "");
  EXPECT_NE(errorOf("span, divide, proximal 20", "u4, row scale f32 min f32"),
            "");
  EXPECT_NE(errorOf("span, divide", "u4, row scale f32 neg_min f32"), "");
  EXPECT_NE(errorOf("ends", "u4, row scale f32"), "");
  EXPECT_EQ(errorOf("ends", "u4 offset 8, row scale f32"), "");
}

TEST(QuantizerTest, q6_factors) {
  const char *divisor = "s8, row divisor f32";
  EXPECT_EQ(errorOf("absmax reach 127 least 1e-5", divisor), "");
  EXPECT_NE(errorOf("absmax reach 127, divide", divisor), "");
  EXPECT_NE(errorOf("absmax reach 127, scale least 1e-5", divisor), "");
  EXPECT_NE(errorOf("ends", divisor), "");
  EXPECT_EQ(errorOf("absmax reach 4, scale floor", "s4, row scale e8m0"), "");
  EXPECT_NE(errorOf("absmax reach 4, scale floor", "s4, row scale f32"), "");
}

TEST(QuantizerTest, q7_refining) {
  EXPECT_EQ(errorOf("absmax reach 8, divide, refine 1", "s4, row scale f32"),
            "");
  EXPECT_NE(errorOf("absmax reach 8, refine 1", "s4, row scale f32"), "");
  EXPECT_NE(errorOf("absmean reach 8, divide, refine 1", "s4, row scale f32"),
            "");
  EXPECT_NE(errorOf("absmax reach 8, divide, refine 1", "s4, tensor scale f32"),
            "");
  EXPECT_NE(errorOf("absmax reach 8, proximal 1", "s4, row scale f32"), "");
  EXPECT_NE(errorOf("span, proximal 1", "u4, tensor scale f32 min f32"), "");
}
