//===- RowQuantizerTest.cpp - Rows to codes as a quantizer says -----------===//
//
// Small cases by hand; BitLinearOracleTest and TorchAOOracleTest have the large
// ones of other systems.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Quantize/RowQuantizer.h"
#include "lowbit/Quantize/DoubleQuantize.h"

#include "lowbit/Support/Float.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

using namespace lowbit;

using Floats = std::vector<float>;
using Rows = std::vector<Floats>;

namespace {

const std::string kActivations =
    "absmax reach 127 least 1e-5, multiply, clamp -128 127";
const std::string kTernary = "absmean reach 1 least 1e-5, multiply, clamp -1 1";

/// A quantizer, a scheme, and what they make of a matrix.
class Fixture {
public:
  Fixture(const std::string &quantizerText, const std::string &schemeText) {
    std::string error;
    EXPECT_TRUE(Scheme::parse(schemeText, scheme, error)) << error;
    EXPECT_EQ(scheme.check(), "");
    EXPECT_TRUE(Quantizer::parse(quantizerText, quantizer, error)) << error;
    EXPECT_EQ(quantizer.check(), "");
    EXPECT_EQ(quantizer.check(scheme), "");
  }

  void quantize(const Rows &matrix) {
    RowQuantizer rows(quantizer, scheme);
    auto columns = int64_t(matrix[0].size());
    MatrixTotals totals(int64_t(matrix.size()) * columns);
    for (const Floats &x : matrix)
      if (rows.needsTotals())
        rows.observe(x.data(), columns, totals);
    for (const Floats &x : matrix) {
      RowFields row;
      rows.quantize(x.data(), columns, row, totals);
      codes.emplace_back();
      for (int64_t k = 0; k < columns; ++k)
        codes.back().push_back(elementValue(scheme, row, k));
      values.emplace_back(x.size());
      dequantizeRow(scheme, row, columns, values.back().data());
      fake.emplace_back(x.size());
      rows.fakeQuantize(x.data(), columns, fake.back().data(), totals);
      fields.push_back(row.fields);
    }
  }

  /// Of a component of a level, row 0.
  Floats field(size_t level, size_t component) const {
    Floats result;
    for (uint32_t bits : fields[0][level][component])
      result.push_back(
          fieldValue(scheme.levels[level].components[component].type, bits));
    return result;
  }

  Scheme scheme;
  Quantizer quantizer;
  Rows codes, values, fake;
  std::vector<std::vector<std::vector<std::vector<uint32_t>>>> fields;
};

} // namespace

//===- BitLinear ----------------------------------------------------------===//

TEST(RowQuantizerTest, activations_of_bitlinear) {
  Fixture f(kActivations, "s8, row divisor f32");
  f.quantize({{127, 0.5, 1.5, -2.5, -127, 126.5}});
  EXPECT_EQ(f.field(0, 0), (Floats{1}));
  EXPECT_EQ(f.codes[0], (Floats{127, 0, 2, -2, -127, 126}));
  EXPECT_EQ(f.values, f.fake);
}

/// fl(fl(1 / 3) * 127) is one unit above fl(127 / 3).
TEST(RowQuantizerTest, divisor_is_a_reciprocal_times_reach) {
  Fixture f(kActivations, "s8, row divisor f32");
  f.quantize({{3, 1, -2}});
  float expected = (1.0f / 3) * 127;
  EXPECT_EQ(f.field(0, 0), (Floats{expected}));
  EXPECT_NE(expected, 127.0f / 3);
  EXPECT_EQ(f.codes[0], (Floats{127, 42, -85}));
  EXPECT_EQ(f.values[0],
            (Floats{127 / expected, 42 / expected, -85 / expected}));
}

TEST(RowQuantizerTest, least_range_of_zeros) {
  Fixture f(kActivations, "s8, row divisor f32");
  f.quantize({{0, 0}, {1e-7f, -2e-7f}});
  EXPECT_EQ(f.field(0, 0), (Floats{(1 / 1e-5f) * 127}));
  EXPECT_EQ(f.codes, (Rows{{0, 0}, {1, -3}}));
}

TEST(RowQuantizerTest, nan_and_infinity_stay_in_their_row) {
  Fixture f(kActivations, "s8, row divisor f32");
  f.quantize({{1, NAN}, {INFINITY, 1}, {2, -1}});
  for (int row : {0, 1})
    for (int k : {0, 1}) {
      EXPECT_TRUE(std::isnan(f.values[row][k])) << row << ", " << k;
      EXPECT_TRUE(std::isnan(f.fake[row][k])) << row << ", " << k;
      EXPECT_EQ(f.codes[row][k], 0) << row << ", " << k;
    }
  EXPECT_EQ(f.codes[2], (Floats{127, -64}));
}

TEST(RowQuantizerTest, ternary_of_the_absolute_mean) {
  Fixture f(kTernary, "ternary, tensor divisor f32");
  // The mean is 1: 0.5 is a tie, 1.5 is clamped.
  f.quantize({{0.5, -0.5, 1.5, -1.5}, {0.75, 1.25, -2, 0}});
  EXPECT_EQ(f.field(0, 0), (Floats{1}));
  EXPECT_EQ(f.codes, (Rows{{0, 0, 1, -1}, {1, 1, -1, 0}}));
}

/// A row of f16 below 127 / 65504 has an infinite divisor, as in PyTorch.
TEST(RowQuantizerTest, half_precision_overflows) {
  Fixture f(kActivations + ", in f16", "s8, row divisor f16");
  f.quantize({{0x1p-10f, 0, -0x1p-10f}});
  EXPECT_EQ(f.field(0, 0), (Floats{INFINITY}));
  EXPECT_EQ(f.fake[0][0], 0);
  EXPECT_TRUE(std::isnan(f.fake[0][1]));
}

/// Every step is rounded to 8 bits: fl(1 / 3) = 0.333984375.
TEST(RowQuantizerTest, steps_in_bf16) {
  Fixture f(kActivations + ", in bf16", "s8, row divisor bf16");
  f.quantize({{3, 1, 2}});
  EXPECT_EQ(f.field(0, 0), (Floats{42.5}));
  EXPECT_EQ(f.codes[0], (Floats{127, 42, 85}));
  // 127 / 42.5 = 2.988 and 42 / 42.5 = 0.98824 to 8 bits.
  EXPECT_EQ(f.fake[0], (Floats{2.984375, 0.98828125, 2}));
}

//===- TorchAO ------------------------------------------------------------===//

/// +max has no code: 7.5 rounds to 8 and is clamped to 7.
TEST(RowQuantizerTest, symmetric_half_way_reach) {
  Fixture f("absmax reach 7.5, scale least 1.1754944e-38, multiply",
            "s4, group 2 scale f32");
  f.quantize({{15, -1, -15, 3, 5}}); // the last group is a tail
  EXPECT_EQ(f.field(0, 0), (Floats{2, 2, 5 / 7.5f}));
  EXPECT_EQ(f.codes[0], (Floats{7, 0, -8, 2, 7}));
  EXPECT_EQ(f.values[0], (Floats{14, 0, -16, 4, 7 * (5 / 7.5f)}));
  EXPECT_FALSE(std::signbit(f.fake[0][1])); // rn(-0.5) + z
}

/// x / s and x * fl(1 / s) on different sides of a tie: s = 0.9, x = 1.5 s.
TEST(RowQuantizerTest, multiply_and_divide_differ) {
  // A reach so large that the least scale is taken.
  const std::string range = "absmax reach 1000000, scale least 0.9, ";
  Fixture divide(range + "divide", "s8, row scale f32"),
      multiply(range + "multiply", "s8, row scale f32");
  float s = 0.9f, x = 1.5f * s;
  divide.quantize({{x}});
  multiply.quantize({{x}});
  EXPECT_EQ(divide.codes[0][0], std::nearbyint(x / s));
  EXPECT_EQ(multiply.codes[0][0], std::nearbyint(x * (1 / s)));
  EXPECT_NE(divide.codes, multiply.codes);
}

TEST(RowQuantizerTest, ends_without_clipping) {
  Fixture f("ends, scale least 1e-38, multiply", "s4, group 3 scale f32");
  f.quantize({{-16, 7, 3, -8, 14, 2}}); // -8 reaches -16; 7 reaches 14
  EXPECT_EQ(f.field(0, 0), (Floats{2, 2}));
  EXPECT_EQ(f.codes[0], (Floats{-8, 4, 2, -4, 7, 1}));
}

TEST(RowQuantizerTest, integer_zero_points) {
  Fixture f("minmax, scale least 1e-38, multiply",
            "s4, group 3 scale f32 zero s4");
  // lo is never above 0, hi never below: 3 .. 30 counts as 0 .. 30.
  f.quantize({{-5, 10, 2.4, 3, 30, 12}, {0, 0, 0, -15, -3, -8}});
  EXPECT_EQ(f.field(0, 0), (Floats{1, 2}));
  EXPECT_EQ(f.field(0, 1), (Floats{-3, -8}));
  EXPECT_EQ(f.codes, (Rows{{-8, 7, -1, -6, 7, -2}, {-8, -8, -8, -8, 4, -1}}));
  EXPECT_EQ(f.values[0], (Floats{-5, 10, 2, 4, 30, 12}));
  EXPECT_EQ(f.values[1], (Floats{0, 0, 0, -15, -3, -8}));
}

/// M = lo + 8 s: zero need not be a value.
TEST(RowQuantizerTest, minimum_of_a_span) {
  Fixture f("span, scale least 1e-6, divide",
            "u4 offset 8, group 4 scale f32 min f32");
  f.quantize({{1, 16, 4.5, 5.5, 3, 3}});
  EXPECT_EQ(f.field(0, 0), (Floats{1, 1e-6f}));
  EXPECT_EQ(f.field(0, 1), (Floats{9, 3 + 8 * 1e-6f}));
  EXPECT_EQ(f.codes[0], (Floats{-8, 7, -4, -4, -8, -8}));
  EXPECT_EQ(f.values[0][2], 5);
}

TEST(RowQuantizerTest, refined_scales) {
  Fixture f("absmax reach 8, scale least 1.1920929e-07, divide, refine 20",
            "s4, row scale f32");
  f.quantize({{-8, 4, 6.2, 1.1, -3.1}});
  // Codes -8, 4, 6, 1, -3: <x, c> / <c, c>.
  float products = 64 + 16 + 6.2f * 6 + 1.1f + 3.1f * 3, squares = 126;
  EXPECT_NEAR(f.field(0, 0)[0], products / squares, 1e-6);
  EXPECT_EQ(f.codes[0], (Floats{-8, 4, 6, 1, -3}));
  Fixture zeros("absmax reach 8, scale least 0.5, divide, refine 20",
                "s4, row scale f32");
  zeros.quantize({{0, 0}});
  EXPECT_EQ(zeros.field(0, 0), (Floats{0.5}));
}

static const char kE2M1[] =
    "u4 codebook [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, -0.0, -0.5, -1.0, "
    "-1.5, -2.0, -3.0, -4.0, -6.0]";

/// The scale is 2^(floor(log2 a) - 2); ties go to even codes; -0 is a code.
TEST(RowQuantizerTest, powers_of_two_rounded_down) {
  Fixture f("absmax reach 4, scale floor, divide",
            std::string(kE2M1) + ", group 8 scale e8m0");
  f.quantize({{7.9, 0.25, 0.75, -0.1, 1.75, 2.5, 5, -0.0, 0, 0}});
  EXPECT_EQ(f.field(0, 0), (Floats{1, 0x1p-127f}));
  EXPECT_EQ(f.codes[0], (Floats{6, 0, 1, 0, 2, 2, 4, 0, 0, 0}));
  EXPECT_TRUE(std::signbit(f.codes[0][3]));
  EXPECT_TRUE(std::signbit(f.codes[0][7]));
  EXPECT_FALSE(std::signbit(f.codes[0][8]));
}

TEST(RowQuantizerTest, scales_of_e4m3) {
  Fixture f("absmax reach 6, scale least 0.015625, multiply",
            std::string(kE2M1) + ", group 2 scale e4m3");
  f.quantize({{6.3, 3, 0.001, 0}}); // 1.05 is 1 in e4m3; the least is 2^-6
  EXPECT_EQ(f.field(0, 0), (Floats{1, 0x1p-6f}));
  EXPECT_EQ(f.codes[0], (Floats{6, 3, 0, 0}));
}

TEST(RowQuantizerTest, a_tensors_scale_above) {
  Fixture f("absmax reach 6, scale least 0.015625, outer 2688, multiply",
            std::string(kE2M1) + ", tensor scale f32, group 2 scale e4m3");
  f.quantize({{5376, 1}, {-12, 6}}); // S = 2; 448 and 1 above the groups
  EXPECT_EQ(f.field(0, 0), (Floats{2}));
  EXPECT_EQ(f.field(1, 0), (Floats{448}));
  EXPECT_EQ(f.codes, (Rows{{6, 0}, {-6, 3}}));
  EXPECT_EQ(f.values[1], (Floats{-12, 6}));
}

TEST(RowQuantizerTest, given_fields) {
  Fixture f("minmax, multiply", "s4, group 2 scale f32 zero s4");
  RowQuantizer rows(f.quantizer, f.scheme);
  Floats x = {1, -1, 3}, scales = {0.5, 0.25}, zeros = {0.5, 1}, v(3);
  rows.fakeQuantize(x.data(), 3, {scales.data(), zeros.data()}, v.data());
  // 2 + 0.5 - 0.5; 12 + 1 is clamped to 7.
  EXPECT_EQ(v, (Floats{1, -1, 1.5}));
  rows.fakeQuantize(x.data(), 3, {scales.data(), nullptr}, v.data());
  EXPECT_EQ(v, (Floats{1, -1, 1.75}));
}

TEST(RowQuantizerTest, tie_rule_is_the_schemes) {
  Fixture away("absmax reach 4, multiply", "s4, row scale f32, round "
                                           "nearest_away"),
      zero("absmax reach 4, multiply", "s4, row scale f32, round toward_zero");
  away.quantize({{4, 0.5, -2.5}});
  zero.quantize({{4, 0.9, -2.9}});
  EXPECT_EQ(away.codes[0], (Floats{4, 1, -3}));
  EXPECT_EQ(zero.codes[0], (Floats{4, 0, -2}));
}

/// 784 columns in groups of 32 and 128, as every other width.
TEST(RowQuantizerTest, tails_are_groups_of_their_own) {
  for (int64_t group : {32, 128, 5}) {
    Floats x;
    for (int i = 0; i < 784; ++i)
      x.push_back(std::sin(float(i) * 1.7f) * float(1 + i % 7));
    std::string level = "group " + std::to_string(group) + " scale f32";
    Fixture whole("absmax reach 7.5, multiply", "s4, " + level);
    whole.quantize({x});
    int64_t first = 784 / group * group;
    Fixture tail("absmax reach 7.5, multiply", "s4, row scale f32");
    tail.quantize({Floats(x.begin() + first, x.end())});
    EXPECT_EQ(whole.field(0, 0).back(), tail.field(0, 0)[0]);
    EXPECT_EQ(Floats(whole.codes[0].begin() + first, whole.codes[0].end()),
              tail.codes[0]);
  }
}

TEST(RowQuantizerTest, proximal_search) {
  Fixture f("span, scale least 5e-5, multiply, proximal 20",
            "u4 offset 8, group 4 scale f32 min f32");
  f.quantize({{0, 15, 1, 2, 3, 3, 3, 3}});
  EXPECT_EQ(f.field(0, 0)[0], 1);
  EXPECT_EQ(f.field(0, 1)[0], 8);
  EXPECT_EQ(f.values[0][1], 15);
  // Equal elements: the least scale, and 3 within it.
  EXPECT_NEAR(f.field(0, 0)[1], 5e-5, 1e-11);
  EXPECT_NEAR(f.values[0][5], 3, 1e-4);
}

TEST(DoubleQuantizeTest, scales_of_scales) {
  DoubleQuantized q = doubleQuantize({1, 3, 2, 2, 6}, 2);
  EXPECT_EQ(q.mean, 2.8f);
  ASSERT_EQ(q.factors.size(), 3u); // a tail of one
  EXPECT_EQ(q.factors[0], (1 / (2 * (2.8f - 1))) * 256);
  EXPECT_EQ(q.codes, (std::vector<int8_t>{-128, 14, -128, -128, 127}));
  EXPECT_EQ(q.scales[1], 14 / q.factors[0] + 2.8f);
  DoubleQuantized equal = doubleQuantize({3, 3}, 256);
  EXPECT_EQ(equal.scales, (Floats{3, 3}));
  EXPECT_TRUE(doubleQuantize({}, 256).scales.empty());
}

//===- Sums ---------------------------------------------------------------===//

/// Lanes, rows and what is left, in PyTorch's order: 2^24 swallows a one that
/// comes into its own lane and no other.
TEST(CascadeSumTest, order) {
  auto sum = [](int64_t count, std::initializer_list<int64_t> ones) {
    CascadeSum result(count);
    for (int64_t i = 0; i < count; ++i)
      result.add(i == 0 ? 0x1p24f
                        : float(std::count(ones.begin(), ones.end(), i)));
    return result.sum();
  };
  EXPECT_EQ(sum(64, {1, 2}), 0x1p24f);       // one by one to lane 0
  EXPECT_EQ(sum(64, {33, 34}), 0x1p24f);     // another row of the same lanes
  EXPECT_EQ(sum(64, {9, 1}), 0x1p24f + 2);   // one lane of two rows
  EXPECT_EQ(sum(66, {64, 65}), 0x1p24f + 2); // what is left is added first
  EXPECT_EQ(sum(4, {1, 2}), 0x1p24f);        // no vector at all
}

TEST(CascadeSumTest, long_sums_cascade) {
  // 2^16 rows: a plain sum of so many ones in one lane would be exact, too; of
  // thirds it would be off by more than a cascade is.
  int64_t count = int64_t(1) << 21;
  CascadeSum sum(count);
  for (int64_t i = 0; i < count; ++i)
    sum.add(1.0f / 3);
  double exact = double(1.0f / 3) * double(count);
  EXPECT_LT(std::fabs(sum.sum() - exact) / exact, 1e-6);
}
