//===- RoundToNearestTest.cpp - Reals to the nearest codes ----------------===//

#include "lowbit/Quantize/RoundToNearest.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace lowbit;

static Scheme parse(const std::string &text) {
  Scheme scheme;
  std::string error;
  EXPECT_TRUE(Scheme::parse(text, scheme, error)) << text << ": " << error;
  EXPECT_EQ(scheme.check(), "") << text;
  return scheme;
}

static std::vector<float> gaussian(int64_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal(0, 0.02f);
  std::vector<float> values(static_cast<size_t>(count));
  for (float &value : values)
    value = normal(engine);
  return values;
}

/// What is left of `values` in `scheme`.
static std::vector<float> rounded(const Scheme &scheme,
                                  const std::vector<float> &values,
                                  const RoundOptions &options = {}) {
  RowFields row;
  int64_t columns = int64_t(values.size());
  row.resize(scheme, columns);
  TensorRange range;
  range.add(values.data(), columns);
  chooseTensorFields(scheme, range, row);
  roundToNearest(scheme, values.data(), columns, row, options);
  std::vector<float> result(values.size());
  dequantizeRow(scheme, row, columns, result.data());
  return result;
}

static double squaredError(const std::vector<float> &a,
                           const std::vector<float> &b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i)
    sum += (double(a[i]) - b[i]) * (double(a[i]) - b[i]);
  return sum;
}

//===- Grids --------------------------------------------------------------===//

/// Values that a scheme can express, with codes and fields at random and in
/// every group the codes that `ends` names: they pin the fields.
static std::vector<float>
onGrid(const Scheme &scheme, int64_t columns, std::vector<uint8_t> ends,
       const std::vector<std::vector<uint32_t>> &bits) {
  RowFields row;
  row.resize(scheme, columns);
  std::mt19937 engine(7);
  unsigned count = scheme.kind == CodeKind::Ternary ? 3 : 1u << scheme.bits;
  for (uint16_t &index : row.indices)
    index = uint16_t(engine() % count);
  for (uint8_t &sign : row.signs)
    sign = uint8_t(engine() % 2);
  for (uint8_t &code : row.codes)
    do // symmetric rounding does without the code that has no mirror image
      code = uint8_t(engine() % count);
    while (scheme.kind == CodeKind::Signed && code == 1u << (scheme.bits - 1));
  for (size_t i = 0; i < bits.size(); ++i)
    for (size_t j = 0; j < bits[i].size(); ++j)
      row.fields[i][j].assign(row.fields[i][j].size(), bits[i][j]);
  int64_t group = scheme.innerGroup() > 0 ? scheme.innerGroup() : columns;
  for (int64_t first = 0; first < columns; first += group)
    for (size_t i = 0;
         i < ends.size() && first + int64_t(i) * scheme.entryLength < columns;
         ++i) {
      if (scheme.isVector())
        row.indices[size_t(first / scheme.entryLength) + i] = ends[i];
      else
        row.codes[first + i] = ends[i];
    }
  std::vector<float> values(static_cast<size_t>(columns));
  dequantizeRow(scheme, row, columns, values.data());
  return values;
}

static void expectExact(const char *text, std::vector<uint8_t> ends,
                        std::vector<std::vector<uint32_t>> bits,
                        int64_t columns = 150) {
  Scheme scheme = parse(text);
  std::vector<float> values = onGrid(scheme, columns, ends, bits);
  EXPECT_EQ(rounded(scheme, values), values) << text;
}

TEST(RoundToNearestTest, grid_symmetric) {
  expectExact("s4, group 32 scale f16", {7}, {{0x2e66}});
  expectExact("s8, row scale f32", {0x81}, {{0x3dcccccd}});
  expectExact("s3, group 50 scale bf16", {3}, {{0x3e00}});
}

TEST(RoundToNearestTest, grid_offset_reaches_either_end) {
  expectExact("u4 offset 8, group 32 scale f16", {0}, {{0x2e66}});
  expectExact("u4 offset 8, group 32 scale f16", {0}, {{0xae66}});
}

TEST(RoundToNearestTest, grid_ternary_and_sign) {
  expectExact("ternary, group 64 scale f16", {2, 0}, {{0x3555}});
  expectExact("sign, group 16 scale f32", {1, 0}, {{0x3e000000}});
  expectExact("u2 offset 1, group 64 scale f16", {3, 0}, {{0x3555}});
}

TEST(RoundToNearestTest, grid_codebook) {
  const char *e2m1 =
      "u4 codebook [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 0.0, "
      "-0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0], group 32 "
      "scale e8m0";
  expectExact(e2m1, {7}, {{120}});
  expectExact(e2m1, {15}, {{0}});
  // The largest entry is positive or negative, the scale of either sign.
  const char *lopsided = "u2 codebook [-3.0, -1.0, 0.5, 2.0], row scale f16";
  expectExact(lopsided, {0, 3}, {{0x3c00}});
  expectExact(lopsided, {0, 3}, {{0xbc00}});
}

TEST(RoundToNearestTest, grid_signs) {
  const char *signs =
      "u2 codebook [0.5, 1.0, 3.0, 6.0] signs, group 24 scale f16";
  expectExact(signs, {3}, {{0x3400}});
}

TEST(RoundToNearestTest, grid_vectors) {
  const char *vectors = "u3 codebook 4 x1234e7a10110f00e43d2119b0101ff78, "
                        "group 32 scale f16";
  expectExact(vectors, {7}, {{0x3400}});
  expectExact(vectors, {7}, {{0xb400}});
  // Rows that end inside a vector.
  expectExact(vectors, {7}, {{0x3400}}, 141);
  expectExact("u2 codebook 8 x01234567765432100110220033000007 signs, group 64 "
              "scale f16, group 16 scale u4 offset 8",
              {3, 3}, {{0x3400}, {15}}, 152);
}

TEST(RoundToNearestTest, grid_deltas) {
  for (uint32_t bit : {0u, 1u})
    expectExact("u2 codebook 4 xf0f1010f11f0ff11, group 16 scale f16, group 8 "
                "delta 0.125",
                {0, 3}, {{0x3400}, {bit}});
}

// Entries by their squared error: neither value of (3, 3, 0, 0) is the nearest
// to 2, and (1, 1, 1, 1) has more values that are off.
TEST(RoundToNearestTest, vectors_by_their_squared_error) {
  Scheme scheme = parse("u2 codebook 4 x0000111133000004, row scale f32");
  std::vector<float> values = {2.2f, 2.2f, 0, 0, 0, 0, 0, 4};
  EXPECT_EQ(rounded(scheme, values),
            (std::vector<float>{3, 3, 0, 0, 0, 0, 0, 4}));
  values = {0.6f, 0.4f, 0.6f, 0.6f, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 4};
  EXPECT_EQ(
      rounded(scheme, values),
      (std::vector<float>{1, 1, 1, 1, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 4}));
}

/// A codebook like those of GGML's small formats: `most` and less, by chance.
static std::string vectors(int bits, int length, int most, bool signs) {
  Scheme scheme;
  scheme.kind = CodeKind::Codebook;
  scheme.bits = uint8_t(bits);
  scheme.entryLength = uint8_t(length);
  scheme.signs = signs;
  std::mt19937 engine(3);
  for (int i = 0; i < length << bits; ++i)
    scheme.codebook.push_back(
        float(int(engine() % (signs ? most + 1 : 2 * most + 1)) -
              (signs ? 0 : most)));
  return scheme.str();
}

// More bits leave less: 2.3 and 3.3 for each weight, 1.5 without signs.
TEST(RoundToNearestTest, vectors_of_gaussians) {
  std::vector<float> values = gaussian(1024, 9);
  double power = squaredError(values, std::vector<float>(1024));
  auto share = [&](const std::string &text) {
    return squaredError(rounded(parse(text), values), values) / power;
  };
  double one = share(vectors(11, 8, 1, false) +
                     ", group 256 scale f16, group 32 scale u3 delta 0.125");
  double two = share(vectors(8, 8, 3, true) + ", group 32 scale f16");
  double three = share(vectors(8, 4, 15, true) + ", group 32 scale f16");
  EXPECT_LT(three, two);
  EXPECT_LT(two, one);
  EXPECT_LT(one, 0.4);
}

TEST(RoundToNearestTest, grid_minimum) {
  expectExact("u4, group 32 scale f16 min f16", {0, 15}, {{0x3400, 0xbc00}});
  expectExact("u5, group 32 scale f16 neg_min f16", {0, 31},
              {{0x3400, 0x4400}});
  expectExact("s4, group 32 scale f16 min f16", {8, 7}, {{0x3400, 0x4400}});
}

TEST(RoundToNearestTest, grid_zero_point) {
  expectExact("u4, group 50 scale f16 zero u4", {0, 15}, {{0x3400, 6}});
  expectExact("s8, row scale f32 zero s8", {0x80, 0x7f}, {{0x3e000000, 0xf0}});
  expectExact("u4, group 32 scale f32 zero f16", {0, 15},
              {{0x3e000000, 0x4580}});
}

TEST(RoundToNearestTest, grid_nested_scales) {
  expectExact("u6 offset 32, group 256 scale f16, group 16 scale s8", {0},
              {{0x1400}, {0x80}}, 512);
  expectExact("u3 offset 4, group 256 scale f16, group 16 scale u6 offset 32",
              {0}, {{0x1400}, {0}}, 512);
  expectExact("u4, group 256 scale f16 neg_min f16, group 32 scale u6 neg_min "
              "u6",
              {0, 15}, {{0x1400, 0x1800}, {63, 63}}, 512);
  expectExact("s4, tensor scale f32, group 16 scale e4m3", {7},
              {{0x3a800000}, {0x7e}});
}

TEST(RoundToNearestTest, grid_floats) {
  std::vector<float> values = {1.0f, -0.5f, 65504.0f};
  EXPECT_EQ(rounded(parse("f32"), values), values);
  EXPECT_EQ(rounded(parse("f16"), values), values);
  EXPECT_EQ(rounded(parse("bf16"), {1 + 0x1p-9f})[0], 1.0f);
}

//===- Bounds -------------------------------------------------------------===//

/// |x - x'| <= bound * the largest |x| of its group, and a little for the
/// rounding of the stored fields.
static void expectWithin(const char *text, double bound) {
  Scheme scheme = parse(text);
  int64_t columns = 200, group = std::max<int64_t>(scheme.innerGroup(), 1);
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::vector<float> values = gaussian(columns, seed);
    std::vector<float> result = rounded(scheme, values);
    for (int64_t i = 0; i < columns; ++i) {
      double largest = 0;
      int64_t first = i / group * group;
      for (int64_t j = first; j < std::min(first + group, columns); ++j)
        largest = std::max<double>(largest, std::abs(values[j]));
      ASSERT_LE(std::abs(values[i] - result[i]), bound * largest)
          << text << " at " << i;
    }
  }
}

TEST(RoundToNearestTest, bound_is_half_a_step) {
  // Half a step over the extreme, with 1/512 for fields of f16, 1/64 of bf16.
  expectWithin("s8, group 32 scale f32", 0.5 / 127 * 1.0001);
  expectWithin("s4, group 48 scale f16", 0.5 / 7 + 1.0 / 512);
  expectWithin("s5, group 50 scale bf16", 0.5 / 15 + 1.0 / 64);
  expectWithin("u4, group 32 scale f16 min f16", 0.5 * 2 / 15 + 1.0 / 512);
  expectWithin("u5, group 50 scale f32 zero u5", 2.0 / 31);
}

TEST(RoundToNearestTest, bound_without_mirror_image_is_a_step) {
  // The extreme may go to -8, and its opposite is clipped at 7.
  expectWithin("u4 offset 8, group 32 scale f16", 1.0 / 8 + 1.0 / 512);
}

TEST(RoundToNearestTest, nested_scales_are_about_as_good) {
  std::vector<float> values = gaussian(2048, 3);
  double power = squaredError(values, std::vector<float>(2048));
  auto share = [&](const char *text) {
    return squaredError(rounded(parse(text), values), values) / power;
  };
  EXPECT_LT(share("u4, group 256 scale f16 neg_min f16, group 32 scale u6 "
                  "neg_min u6"),
            1.15 * share("u4, group 32 scale f16 min f16"));
  EXPECT_LT(share("u6 offset 32, group 256 scale f16, group 16 scale s8"),
            1.1 * share("u6 offset 32, group 16 scale f16"));
  EXPECT_LT(share("s4, tensor scale f32, row scale f32, group 32 scale u8"),
            1.1 * share("s4, group 32 scale f16"));
}

TEST(RoundToNearestTest, nested_tail_group_under_a_row_scale) {
  // 100 = 48 + 48 + 4: the last group is not swallowed by the first two.
  std::vector<float> values(100, 0.0f);
  values[0] = values[98] = 7 * 63; // the inner scale 63, the outer 1
  EXPECT_EQ(rounded(parse("s4, row scale f16, group 48 scale u6"), values),
            values);
}

TEST(RoundToNearestTest, shrinking_lowers_the_error) {
  RoundOptions search;
  search.shrinkSteps = 10;
  for (const char *text :
       {"s3, group 32 scale f16", "u2, group 32 scale f16 min f16",
        "s3, group 128 scale f16, group 32 scale u6"}) {
    std::vector<float> values = gaussian(512, 5);
    Scheme scheme = parse(text);
    EXPECT_LT(squaredError(rounded(scheme, values, search), values),
              squaredError(rounded(scheme, values), values) * 0.95)
        << text;
  }
}

//===- Ties ---------------------------------------------------------------===//

/// Codes of a row of signed 4-bit numbers whose scale is 1.
static std::vector<float> tie(const char *rounding) {
  return rounded(parse(std::string("s4, row scale f32, round ") + rounding),
                 {7, 0.5f, 1.5f, -0.5f, -1.5f, 1.75f});
}

TEST(RoundToNearestTest, ties) {
  EXPECT_EQ(tie("nearest_even"), (std::vector<float>{7, 0, 2, 0, -2, 2}));
  EXPECT_EQ(tie("nearest_away"), (std::vector<float>{7, 1, 2, -1, -2, 2}));
  EXPECT_EQ(tie("toward_zero"), (std::vector<float>{7, 0, 1, 0, -1, 1}));
}

TEST(RoundToNearestTest, ties_of_a_codebook) {
  auto roundedBy = [](const std::string &rounding) {
    return rounded(parse("u2 codebook [-4.0, 0.0, 1.0, 4.0], row scale f32, "
                         "round " +
                         rounding),
                   {4, 0.5f, -2, 2.5f, 3});
  };
  EXPECT_EQ(roundedBy("nearest_even"), (std::vector<float>{4, 1, -4, 1, 4}));
  EXPECT_EQ(roundedBy("nearest_away"), (std::vector<float>{4, 1, -4, 4, 4}));
  EXPECT_EQ(roundedBy("toward_zero"), (std::vector<float>{4, 0, 0, 1, 1}));
}

//===- Extremes -----------------------------------------------------------===//

static const char *const kAllKinds[] = {
    "u4 offset 8, group 32 scale f16",
    "s8, group 48 scale f32",
    "ternary, row scale f16",
    "sign, group 32 scale bf16",
    "u2 codebook [-1.0, 0.0, 0.5, 2.0], group 32 scale e8m0",
    "u4, group 32 scale f16 min f16",
    "u4, group 64 scale f16 neg_min f16, group 32 scale u6 neg_min u6",
    "u5, group 50 scale f16 zero u5",
    "u4, group 32 scale f16 zero f16",
    "u4, tensor scale f32 min f32",
    "s4, tensor scale f32, group 16 scale e4m3",
    "u3 codebook 4 x1234e7a10110f00e43d2119b0000ff78, group 32 scale f16",
    ("u1 codebook 8 x0123456700000011 signs, group 64 scale f16, group 16 "
     "scale "
     "u4"),
    "u2 codebook [0.0, 1.0, 3.0, 6.0] signs, row scale f32",
    "u1 codebook 4 x0000f211, tensor scale f32, row scale f32 min f32"};

TEST(RoundToNearestTest, zeros_stay_zero) {
  for (const char *text : kAllKinds)
    EXPECT_EQ(rounded(parse(text), std::vector<float>(70, 0.0f)),
              std::vector<float>(70, 0.0f))
        << text;
}

TEST(RoundToNearestTest, any_length_and_size_gives_finite_numbers) {
  for (const char *text : kAllKinds)
    for (int64_t columns : {1, 2, 31, 33, 97, 300})
      for (float scale : {1e-42f, 1e-20f, 1.0f, 1e30f, 1e38f}) {
        std::vector<float> values = gaussian(columns, 11);
        for (float &value : values)
          value *= scale;
        for (float value : rounded(parse(text), values))
          ASSERT_TRUE(std::isfinite(value)) << text << " x " << scale;
      }
}

TEST(RoundToNearestTest, signed_codes_are_never_the_lowest) {
  Scheme scheme = parse("s8, group 32 scale f32");
  std::vector<float> values = gaussian(320, 1);
  values[0] = -1;
  RowFields row;
  roundToNearest(scheme, values.data(), 320, row);
  EXPECT_EQ(std::count(row.codes.begin(), row.codes.end(), 0x80), 0);
  EXPECT_EQ(row.codes[0], 0x81);
}

TEST(RoundToNearestTest, not_finite_counts_as_zero_and_is_found) {
  std::vector<float> values = {1, NAN, -1, INFINITY};
  EXPECT_EQ(firstNonFinite(values.data(), 4), 1);
  EXPECT_EQ(firstNonFinite(values.data(), 1), -1);
  EXPECT_EQ(rounded(parse("s4, row scale f32"), values),
            (std::vector<float>{1, 0, -1, 0}));
}

TEST(RoundToNearestTest, tensor_fields_are_shared_by_all_rows) {
  Scheme scheme = parse("ternary, tensor scale f32");
  std::vector<float> rows[2] = {{0.5f, -0.5f, 0, 0}, {2, 2, 0, -3}};
  TensorRange range;
  for (const std::vector<float> &values : rows)
    range.add(values.data(), 4);
  RowFields row;
  row.resize(scheme, 4);
  chooseTensorFields(scheme, range, row);
  EXPECT_EQ(fieldValue({}, row.fields[0][0][0]), 1); // mean |x|
  roundToNearest(scheme, rows[1].data(), 4, row);
  EXPECT_EQ(row.codes, (std::vector<uint8_t>{2, 2, 1, 0}));
  EXPECT_EQ(fieldValue({}, row.fields[0][0][0]), 1);
}
