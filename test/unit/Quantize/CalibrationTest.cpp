//===- CalibrationTest.cpp - Statistics of activations --------------------===//

#include "lowbit/Quantize/Calibration.h"

#include "Samples.h"

using namespace lowbit;
using namespace lowbit::test;

static constexpr int64_t kColumns = 37;

TEST(CalibrationTest, column_stats_of_pieces) {
  std::vector<float> x = activations(50, kColumns, 1);
  ColumnStats stats(kColumns), rest(kColumns);
  stats.add(x.data(), 1);
  stats.add(x.data() + kColumns, 29);
  rest.add(x.data() + 30 * kColumns, 20);
  stats.merge(rest);
  EXPECT_EQ(stats.rows(), 50);
  EXPECT_EQ(stats.nonFinite(), 0);
  for (int64_t c = 0; c < kColumns; ++c) {
    double squares = 0, sum = 0, largest = 0;
    for (int64_t r = 0; r < 50; ++r) {
      double value = std::abs(x[size_t(r * kColumns + c)]);
      squares += value * value;
      sum += value;
      largest = std::max(largest, value);
    }
    EXPECT_NEAR(stats.sumSquares()[size_t(c)], squares, 1e-13 * squares);
    EXPECT_FLOAT_EQ(stats.importance()[size_t(c)], float(squares / 50));
    EXPECT_FLOAT_EQ(stats.meanAbs()[size_t(c)], float(sum / 50));
    EXPECT_EQ(stats.absMax()[size_t(c)], float(largest));
  }
}

TEST(CalibrationTest, column_stats_count_what_is_not_finite) {
  ColumnStats stats(2);
  std::vector<float> x = {NAN, 2, -INFINITY, 1, 3, INFINITY};
  EXPECT_EQ(stats.importance(), (std::vector<float>{1, 1}));
  stats.add(x.data(), 3);
  EXPECT_EQ(stats.nonFinite(), 3);
  EXPECT_EQ(stats.sumSquares(), (std::vector<double>{9, 5}));
  EXPECT_EQ(stats.absMax(), (std::vector<float>{3, 2}));
}

TEST(CalibrationTest, second_moments_within_their_bound) {
  constexpr int64_t kRows = 700;
  std::vector<float> x = activations(kRows, kColumns, 2);
  ThreadPool pool(2);
  SecondMoments moments(kColumns);
  int64_t row = 0;
  for (int64_t piece : {1, 100, 300, 0, 299})
    moments.add(pool, x.data() + row * kColumns, piece), row += piece;
  ASSERT_EQ(moments.rows(), kRows);
  const float *h = moments.matrix(pool);
  std::vector<double> exact = gram(x, kColumns);
  for (size_t i = 0; i < kColumns; ++i)
    for (size_t j = 0; j < kColumns; ++j) {
      double reach =
          std::sqrt(exact[i * kColumns + i] * exact[j * kColumns + j]);
      EXPECT_NEAR(h[i * kColumns + j], exact[i * kColumns + j],
                  (256 + kRows / 256 + 2) * 0x1p-24 * reach);
      EXPECT_EQ(h[i * kColumns + j], h[j * kColumns + i]);
    }
}

TEST(CalibrationTest, second_moments_do_not_depend_on_pieces) {
  std::vector<float> x = activations(600, kColumns, 3);
  ThreadPool pool(1);
  SecondMoments whole(kColumns), single(kColumns);
  whole.add(pool, x.data(), 600);
  for (int64_t row = 0; row < 600; ++row)
    single.add(pool, x.data() + row * kColumns, 1);
  EXPECT_EQ(whole.take(pool), single.take(pool));
}

TEST(CalibrationTest, second_moments_go_on_behind_a_look) {
  std::vector<float> x = activations(300, kColumns, 4);
  ThreadPool pool(1);
  SecondMoments moments(kColumns);
  moments.add(pool, x.data(), 150);
  moments.matrix(pool);
  moments.add(pool, x.data() + 150 * kColumns, 150);
  const float *h = moments.matrix(pool);
  std::vector<double> exact = gram(x, kColumns);
  for (size_t i = 0; i < exact.size(); ++i)
    EXPECT_NEAR(h[i], exact[i], 1e-4 * 300 * 64);
}
