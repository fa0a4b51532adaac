//===- RowSearchTest.cpp - Fields of a row by their weighted error --------===//

#include "Samples.h"
#include "lowbit/Quantize/RoundToNearest.h"

using namespace lowbit;
using namespace lowbit::test;

static std::vector<float> rounded(const Scheme &scheme,
                                  const std::vector<float> &values,
                                  const RoundOptions &options) {
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

static double weightedError(const std::vector<float> &values,
                            const std::vector<float> &rounded,
                            const std::vector<float> &weights) {
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i)
    sum += weights[i] * std::pow(double(values[i]) - rounded[i], 2);
  return sum;
}

static RoundOptions searching(const std::vector<float> &weights) {
  RoundOptions options;
  options.search = true;
  options.weights = weights.data();
  return options;
}

/// Weights as the mean squares of activations have them: over three decades.
static std::vector<float> weightsOf(int64_t count, unsigned stream) {
  std::vector<float> weights = gaussian(count, stream);
  for (float &weight : weights)
    weight = std::exp(1.5f * weight);
  return weights;
}

static const char *const kKinds[] = {
    "u4 offset 8, group 32 scale f16",
    "s8, group 48 scale f32",
    "ternary, row scale f16",
    "sign, group 32 scale bf16",
    "u2 codebook [-1.0, 0.0, 0.5, 2.0], group 32 scale e8m0",
    "u4, group 32 scale f16 min f16",
    "u4, group 64 scale f16 neg_min f16, group 32 scale u6 neg_min u6",
    "u2, group 128 scale f16 neg_min f16, group 16 scale u4 neg_min u4",
    "u3 offset 4, group 128 scale f16, group 16 scale u6 offset 32",
    "u5, group 50 scale f16 zero u5",
    "u4, group 32 scale f16 zero f16",
    "s8, row scale f32 zero s8",
    "u4, row scale f16, group 32 zero u4",
    "u4, row scale f32, group 25 min bf16",
    "u4, row min f32, group 25 scale bf16",
    "u4, tensor scale f32 min f32",
    "s4, tensor scale f32, group 16 scale e4m3",
    "s4, tensor scale f32, row scale f32, group 32 scale u8",
    "s4, group 32 scale f16, round toward_zero",
    "u3 codebook 4 x1234e7a10110f00e43d2119b0000ff78, group 32 scale f16",
    "u2 codebook 4 xf0f1010f11f0ff11, group 16 scale f16, group 8 delta 0.125",
    "u2 codebook [0.0, 1.0, 3.0, 6.0] signs, row scale f32",
    "u1 codebook 4 x0000f211, tensor scale f32, row scale f32 min f32"};

// By construction; the slack is for the order of sums.
TEST(RowSearchTest, never_worse_than_without_search) {
  for (const char *text : kKinds)
    for (unsigned stream = 0; stream < 6; ++stream)
      for (int64_t columns : {1, 31, 130, 256}) {
        Scheme scheme = test::scheme(text);
        std::vector<float> values =
            (stream % 2 ? heavyTailed : gaussian)(columns, stream, 0.02f);
        std::vector<float> weights = weightsOf(columns, stream + 50);
        double without =
            weightedError(values, rounded(scheme, values, {}), weights);
        double with = weightedError(
            values, rounded(scheme, values, searching(weights)), weights);
        EXPECT_LE(with, without * (1 + 1e-12) + 1e-40)
            << text << ", " << columns << " columns, stream " << stream;
      }
}

// Shares of what is left without search; 1 would be no gain.
TEST(RowSearchTest, clearly_better_where_fields_are_free) {
  struct {
    const char *text;
    double share;
  } cases[] = {
      {"u4 offset 8, group 32 scale f16", 0.88},
      {"s3, group 128 scale f16", 0.7},
      {"s8, row scale f32", 0.99},
      {"ternary, group 64 scale f16", 0.8},
      {"sign, group 64 scale f16", 0.98},
      {"u4, group 32 scale f16 min f16", 0.75},
      {"u4, group 32 scale f16 zero u4", 0.85},
      {"u4, row scale f16, group 32 zero u4", 0.9},
      {"u4, row min f32, group 25 scale bf16", 0.95},
      {"u4, row scale f32, group 25 min bf16", 0.95},
      {"u4, group 256 scale f16 neg_min f16, group 32 scale u6 neg_min u6",
       0.75},
      {"u2, group 256 scale f16 neg_min f16, group 16 scale u4 neg_min u4",
       0.6},
      {"u3 offset 4, group 256 scale f16, group 16 scale u6 offset 32", 0.8},
  };
  for (auto [text, share] : cases) {
    Scheme scheme = test::scheme(text);
    double without = 0, with = 0;
    for (unsigned stream = 0; stream < 10; ++stream) {
      std::vector<float> values = heavyTailed(512, stream, 0.02f);
      std::vector<float> weights = weightsOf(512, stream + 50);
      without += weightedError(values, rounded(scheme, values, {}), weights);
      with += weightedError(values, rounded(scheme, values, searching(weights)),
                            weights);
    }
    EXPECT_LT(with, share * without) << text;
  }
}

/// The least weighted error of all assignments of codes 0 .. levels - 1, with
/// the best real scale and minimum (or no minimum, codes -offset ...).
static double leastError(const std::vector<float> &values,
                         const std::vector<float> &weights, int levels,
                         int offset, bool hasMin) {
  size_t count = values.size(), assignments = 1;
  for (size_t i = 0; i < count; ++i)
    assignments *= size_t(levels);
  double least = 1e300;
  for (size_t n = 0; n < assignments; ++n) {
    double w = 0, wx = 0, wxx = 0, wc = 0, wcc = 0, wxc = 0;
    size_t rest = n;
    for (size_t i = 0; i < count; ++i, rest /= size_t(levels)) {
      double c = double(rest % size_t(levels)) - offset, x = values[i];
      w += weights[i];
      wx += weights[i] * x;
      wxx += weights[i] * x * x;
      wc += weights[i] * c;
      wcc += weights[i] * c * c;
      wxc += weights[i] * x * c;
    }
    double explained = wcc > 0 ? wxc * wxc / wcc : 0;
    double determinant = w * wcc - wc * wc;
    if (hasMin)
      explained =
          determinant > 1e-9
              ? wx * wx / w + std::pow(w * wxc - wx * wc, 2) / (w * determinant)
              : wx * wx / w;
    least = std::min(least, wxx - explained);
  }
  return least;
}

// Nothing is below the least error over all assignments; the search comes
// within a few percent of it on average.
TEST(RowSearchTest, near_the_best_of_all_assignments) {
  struct {
    const char *text;
    int levels, offset;
    bool hasMin;
    int64_t columns;
  } cases[] = {{"u2, row scale f32 min f32", 4, 0, true, 7},
               {"ternary, row scale f32", 3, 1, false, 9},
               {"u2 offset 2, row scale f32", 4, 2, false, 7},
               {"sign, row scale f32 min f32", 2, 0, true, 10}};
  for (auto [text, levels, offset, hasMin, columns] : cases) {
    Scheme scheme = test::scheme(text);
    double found = 0, best = 0;
    for (unsigned stream = 0; stream < 30; ++stream) {
      std::vector<float> values = gaussian(columns, stream);
      std::vector<float> weights = weightsOf(columns, stream + 50);
      double one = weightedError(
          values, rounded(scheme, values, searching(weights)), weights);
      double bound = leastError(values, weights, levels, offset, hasMin);
      EXPECT_GT(one, bound - 1e-6) << text << " stream " << stream;
      found += one;
      best += bound;
    }
    EXPECT_LT(found, 1.06 * best) << text;
  }
}

TEST(RowSearchTest, nested_fields_cost_little) {
  auto total = [&](const char *text) {
    double sum = 0;
    for (unsigned stream = 0; stream < 10; ++stream) {
      std::vector<float> values = gaussian(1024, stream);
      std::vector<float> weights = weightsOf(1024, stream + 50);
      sum += weightedError(
          values, rounded(test::scheme(text), values, searching(weights)),
          weights);
    }
    return sum;
  };
  EXPECT_LT(total("u4, group 256 scale f16 neg_min f16, group 32 scale u6 "
                  "neg_min u6"),
            1.05 * total("u4, group 32 scale f16 min f16"));
  EXPECT_LT(total("u6 offset 32, group 256 scale f16, group 16 scale s8"),
            1.05 * total("u6 offset 32, group 16 scale f16"));
  EXPECT_LT(total("s4, tensor scale f32, row scale f32, group 32 scale u8"),
            1.05 * total("s4, group 32 scale f16"));
}

TEST(RowSearchTest, weights_move_the_error) {
  Scheme scheme = test::scheme("u2, row scale f16 min f16");
  double plain = 0, weighted = 0;
  for (unsigned stream = 0; stream < 20; ++stream) {
    std::vector<float> values = gaussian(64, stream), weights(64, 1.0f);
    weights[5] = weights[6] = weights[7] = 1000;
    std::vector<float> alike(64, 1.0f);
    auto heavy = [&](const std::vector<float> &by) {
      std::vector<float> result = rounded(scheme, values, searching(by));
      return weightedError({values.begin() + 5, values.begin() + 8},
                           {result.begin() + 5, result.begin() + 8}, {1, 1, 1});
    };
    plain += heavy(alike);
    weighted += heavy(weights);
  }
  EXPECT_LT(weighted, 0.1 * plain);
}

TEST(RowSearchTest, weights_that_are_none_count_as_zero) {
  Scheme scheme = test::scheme("u4, group 32 scale f16 min f16");
  std::vector<float> values = gaussian(64, 2);
  std::vector<float> bad(64, NAN), negative(64, -1), zero(64, 0.0f);
  std::vector<float> expected = rounded(scheme, values, searching(zero));
  EXPECT_EQ(rounded(scheme, values, searching(bad)), expected);
  EXPECT_EQ(rounded(scheme, values, searching(negative)), expected);
  for (const char *text : kKinds)
    for (float value : rounded(test::scheme(text), values, searching(bad)))
      EXPECT_TRUE(std::isfinite(value)) << text;
}

TEST(RowSearchTest, any_size_gives_finite_numbers) {
  for (const char *text : kKinds)
    for (float size : {0.0f, 1e-42f, 1e-20f, 1e30f, 1e38f}) {
      std::vector<float> values = gaussian(97, 11);
      for (float &value : values)
        value *= size;
      std::vector<float> weights = weightsOf(97, 12);
      // Rounding without search may overflow in S c + M near the largest
      // float; the search never makes it so.
      std::vector<float> without = rounded(test::scheme(text), values, {});
      bool isFinite = true;
      for (float value : without)
        isFinite &= std::isfinite(value);
      EXPECT_TRUE(isFinite || size == 1e38f);
      for (float value :
           rounded(test::scheme(text), values, searching(weights)))
        ASSERT_TRUE(std::isfinite(value) || !isFinite) << text << " x " << size;
    }
}
