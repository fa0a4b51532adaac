//===- ScaleTest.cpp - From numbers to places -----------------------------===//

#include "tools/quant-report/scale.h"

#include <gtest/gtest.h>

#include <cmath>

using lowbit::tools::report::Scale;
using Numbers = std::vector<double>;

TEST(ScaleTest, ends_are_exact_and_the_rest_stays_within) {
  Scale linear(Scale::Linear, 2, 6, 100, 300);
  EXPECT_DOUBLE_EQ(linear.at(2), 100);
  EXPECT_DOUBLE_EQ(linear.at(3), 150);
  EXPECT_DOUBLE_EQ(linear.at(6), 300);
  EXPECT_DOUBLE_EQ(linear.at(-1e30), 100);
  EXPECT_DOUBLE_EQ(linear.at(1e30), 300);
  Scale logarithmic(Scale::Logarithmic, 1, 100, 200, 0);
  EXPECT_DOUBLE_EQ(logarithmic.at(10), 100);
  EXPECT_DOUBLE_EQ(logarithmic.at(1000), 0);
}

TEST(ScaleTest, empty_and_absurd_ranges_are_widened) {
  for (auto kind : {Scale::Linear, Scale::Logarithmic})
    for (double low : {0.0, -3.0, 5.0, double(NAN), double(INFINITY)})
      for (double high : {0.0, -3.0, 5.0, double(NAN)}) {
        Scale scale(kind, low, high, 0, 10);
        EXPECT_LT(scale.low(), scale.high()) << low << " " << high;
        EXPECT_TRUE(std::isfinite(scale.at(1)));
        EXPECT_LE(scale.ticks(7).size(), 7u);
      }
}

TEST(ScaleTest, linear_ticks_are_round) {
  EXPECT_EQ(Scale(Scale::Linear, 0, 100, 0, 1).ticks(6),
            (Numbers{0, 20, 40, 60, 80, 100}));
  EXPECT_EQ(Scale(Scale::Linear, -3, 7, 0, 1).ticks(6),
            (Numbers{-2, 0, 2, 4, 6}));
  EXPECT_EQ(Scale(Scale::Linear, 0, 269, 0, 1).ticks(7),
            (Numbers{0, 50, 100, 150, 200, 250}));
  EXPECT_TRUE(Scale(Scale::Linear, 0, 1, 0, 1).ticks(0).empty());
}

TEST(ScaleTest, logarithmic_ticks_thin_out) {
  EXPECT_EQ(Scale(Scale::Logarithmic, 1, 100, 0, 1).ticks(7),
            (Numbers{1, 2, 5, 10, 20, 50, 100}));
  EXPECT_EQ(Scale(Scale::Logarithmic, 1, 100, 0, 1).ticks(5),
            (Numbers{1, 3, 10, 30, 100}));
  EXPECT_EQ(Scale(Scale::Logarithmic, 1, 100, 0, 1).ticks(3),
            (Numbers{1, 10, 100}));
  EXPECT_EQ(Scale(Scale::Logarithmic, 1, 1e6, 0, 1).ticks(4).size(), 4u);
}
