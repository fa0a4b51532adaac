//===- ColumnScalesTest.cpp - Factors between activations and weights -----===//

#include "lowbit/Quantize/ColumnScales.h"

#include "Samples.h"
#include "lowbit/Quantize/Calibration.h"

#include <algorithm>

using namespace lowbit;
using namespace lowbit::test;

namespace {
struct Input {
  int64_t columns;
  std::vector<float> x;
  std::vector<double> exact;
  std::vector<float> h;
  ColumnStats stats;

  Input(int64_t columns, unsigned stream)
      : columns(columns), x(activations(500, columns, stream)),
        exact(gram(x, columns)), h(toFloat(exact)), stats(columns) {
    stats.add(x.data(), 500);
  }
};
} // namespace

/// sum e H e^T with e = w - round(s from) / s, in double.
static double errorOf(const Input &input, const Scheme &scheme,
                      const std::vector<float> &w,
                      const std::vector<float> &from,
                      const std::vector<float> &scales) {
  size_t n = size_t(input.columns);
  double sum = 0;
  for (size_t row = 0; row < w.size(); row += n) {
    std::vector<float> scaled(n), values(n);
    for (size_t k = 0; k < n; ++k)
      scaled[k] = from[row + k] * scales[k];
    RowFields fields;
    roundToNearest(scheme, scaled.data(), input.columns, fields);
    dequantizeRow(scheme, fields, input.columns, values.data());
    std::vector<double> e(n);
    for (size_t k = 0; k < n; ++k)
      e[k] = double(w[row + k]) - double(values[k]) / scales[k];
    sum += quadratic(input.exact, e);
  }
  return sum;
}

TEST(ColumnScalesTest, smooth_scales_are_the_formula) {
  std::vector<float> scales =
      smoothScales({4, 100, 0, INFINITY, 1e30f}, {1, 0.01f, 2, 1, 1e-30f}, 0.5);
  EXPECT_EQ(scales, (std::vector<float>{2, 100, 1, 1, 1e5f}));
  scales = smoothScales({16, 3}, {4, 5}, 0.75);
  EXPECT_FLOAT_EQ(scales[0], float(8 / std::sqrt(2.0)));
  // alpha 1: activations all reach 1; alpha 0: weights do.
  EXPECT_FLOAT_EQ(smoothScales({16, 3}, {4, 5}, 1)[1], 3);
  EXPECT_FLOAT_EQ(smoothScales({16, 3}, {4, 5}, 0)[1], 0.2f);
}

TEST(ColumnScalesTest, maxima_of_columns) {
  std::vector<float> a = {1, -2, 3, 4, -5, 0}, b = {-7, 1, 1};
  EXPECT_EQ(columnMaxima({{a.data(), 2, nullptr}, {b.data(), 1, nullptr}}, 3),
            (std::vector<float>{7, 5, 3}));
}

TEST(ColumnScalesTest, awq_is_better_and_as_reported) {
  for (const char *text : {"u4, group 32 scale f16 min f16",
                           "s3, group 32 scale f16", "s4, row scale f32"}) {
    Scheme scheme = test::scheme(text);
    Input input(96, 1);
    std::vector<float> w = gaussian(40 * 96, 2, 0.02f);
    ThreadPool pool(2);
    AwqResult result = awqScales(pool, {{w.data(), 40, &scheme}},
                                 input.h.data(), 96, input.stats.meanAbs());
    std::vector<float> ones(96, 1.0f);
    double plain = errorOf(input, scheme, w, w, ones),
           found = errorOf(input, scheme, w, w, result.scales);
    EXPECT_NEAR(result.plainError, plain, 1e-4 * plain) << text;
    EXPECT_NEAR(result.error, found, 1e-4 * plain) << text;
    // One column in 13 is 8 times as large, and shares its group's scale.
    EXPECT_LT(found, 0.7 * plain) << text;
    EXPECT_GT(result.alpha, 0);
    auto [least, largest] =
        std::minmax_element(result.scales.begin(), result.scales.end());
    EXPECT_NEAR(*least * *largest, 1, 1e-4);
  }
}

TEST(ColumnScalesTest, awq_shares_scales_between_matrices) {
  Scheme fine = test::scheme("s8, row scale f32"),
         coarse = test::scheme("s3, group 32 scale f16");
  Input input(64, 3);
  std::vector<float> a = gaussian(16 * 64, 4), b = gaussian(24 * 64, 5);
  ThreadPool pool(1);
  AwqResult both =
      awqScales(pool, {{a.data(), 16, &fine}, {b.data(), 24, &coarse}},
                input.h.data(), 64, input.stats.meanAbs());
  double exact = errorOf(input, fine, a, a, both.scales) +
                 errorOf(input, coarse, b, b, both.scales);
  EXPECT_NEAR(both.error, exact, 1e-4 * exact);
  AwqOptions some;
  some.sampleRows = 5;
  AwqResult sampled = awqScales(pool, {{b.data(), 24, &coarse}}, input.h.data(),
                                64, input.stats.meanAbs(), some);
  std::vector<float> rows; // 0, 4, 9, 14 and 19 of 24
  for (int64_t row : {0, 4, 9, 14, 19})
    rows.insert(rows.end(), b.begin() + row * 64, b.begin() + (row + 1) * 64);
  double expected = errorOf(input, coarse, rows, rows, sampled.scales);
  EXPECT_NEAR(sampled.error, expected, 1e-4 * expected);
  EXPECT_LE(sampled.error, sampled.plainError);
}

TEST(ColumnScalesTest, awq_of_equal_columns_or_none_stays) {
  Scheme scheme = test::scheme("s4, group 32 scale f16");
  std::vector<float> w = gaussian(8 * 64, 6), h(64 * 64);
  ThreadPool pool(1);
  AwqOptions options;
  options.withWeights = false;
  for (size_t k = 0; k < 64; ++k)
    h[k * 65] = 1;
  for (float mean : {0.0f, 1.0f, NAN}) {
    AwqResult result = awqScales(pool, {{w.data(), 8, &scheme}}, h.data(), 64,
                                 std::vector<float>(64, mean), options);
    EXPECT_EQ(result.scales, std::vector<float>(64, 1.0f));
    EXPECT_EQ(result.error, result.plainError);
  }
}

TEST(ColumnScalesTest, clipping_is_never_worse_and_as_reported) {
  for (const char *text :
       {"u4, group 32 scale f16 min f16", "s3, group 32 scale f16",
        "s4, row scale f32",
        "u3 offset 4, group 64 scale f16, group 16 scale u6 offset 32"}) {
    Scheme scheme = test::scheme(text);
    Input input(91, 7);
    std::vector<float> w = heavyTailed(20 * 91, 8, 0.02f), clipped(w.size());
    ThreadPool pool(2);
    double found = awqClip(pool, {w.data(), 20, &scheme}, input.h.data(), 91,
                           {}, clipped.data());
    std::vector<float> ones(91, 1.0f);
    double plain = errorOf(input, scheme, w, w, ones),
           exact = errorOf(input, scheme, w, clipped, ones);
    EXPECT_NEAR(found, exact, 1e-4 * plain) << text;
    EXPECT_LE(exact, plain) << text;
    EXPECT_LT(found, 0.995 * plain) << text;
    for (size_t i = 0; i < w.size(); ++i)
      EXPECT_LE(std::abs(clipped[i]), std::abs(w[i]));
  }
}
