//===- HistogramTest.cpp - Where values lie, and where to clip ------------===//

#include "lowbit/Quantize/Histogram.h"

#include "Samples.h"

#include <algorithm>
#include <numeric>

using namespace lowbit;
using namespace lowbit::test;

static Histogram histogramOf(const std::vector<float> &values) {
  Histogram histogram;
  histogram.add(values.data(), int64_t(values.size()));
  return histogram;
}

TEST(HistogramTest, order_and_pieces_do_not_matter) {
  std::vector<float> values = heavyTailed(5000, 1);
  values[10] = values[20] = 0;
  std::vector<float> sorted = values;
  std::sort(sorted.begin(), sorted.end(),
            [](float a, float b) { return std::abs(a) < std::abs(b); });
  Histogram one = histogramOf(values), other;
  for (float value : sorted)
    other.add(&value, 1);
  EXPECT_EQ(one.bins(), other.bins());
  EXPECT_EQ(one.limit(), other.limit());
  EXPECT_EQ(one.min(), *std::min_element(values.begin(), values.end()));
  EXPECT_EQ(one.max(), *std::max_element(values.begin(), values.end()));
}

TEST(HistogramTest, every_value_in_its_bin) {
  std::vector<float> values = gaussian(3000, 2);
  Histogram histogram = histogramOf(values);
  std::vector<int64_t> expected(Histogram::kBins);
  double width = 2 * histogram.limit() / Histogram::kBins;
  for (float value : values)
    for (int64_t bin = 0; bin < Histogram::kBins; ++bin)
      if (std::abs(value - histogram.binCenter(bin)) < width / 2 ||
          value == histogram.binCenter(bin) - width / 2)
        ++expected[size_t(bin)];
  EXPECT_EQ(histogram.bins(), expected);
}

TEST(HistogramTest, extremes_of_floats) {
  Histogram histogram =
      histogramOf({1e-45f, -3.4e38f, NAN, INFINITY, 0, -0.0f, 3.4028235e38f});
  EXPECT_EQ(histogram.nonFinite(), 2);
  EXPECT_EQ(histogram.count(), 5);
  EXPECT_EQ(std::accumulate(histogram.bins().begin(), histogram.bins().end(),
                            int64_t(0)),
            5);
}

TEST(HistogramTest, clips_of_nothing_are_empty) {
  for (const Histogram &histogram :
       {Histogram(), histogramOf({0, 0, 0}), histogramOf({NAN})})
    for (ClipRange range : {percentileClip(histogram, 0.01, true),
                            percentileClip(histogram, 0.01, false),
                            squaredErrorClip(histogram, {16, true}),
                            squaredErrorClip(histogram, {16, false}),
                            entropyClip(histogram, 256)}) {
      EXPECT_EQ(range.low, 0);
      EXPECT_EQ(range.high, 0);
    }
}

TEST(HistogramTest, percentile) {
  std::vector<float> values(10000);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = float(i) / 10000; // 0 to 1
  Histogram histogram = histogramOf(values);
  // To a bin.
  double width = 2 * histogram.limit() / Histogram::kBins;
  EXPECT_NEAR(percentileClip(histogram, 0.1, true).high, 0.9, 2 * width);
  ClipRange range = percentileClip(histogram, 0.1, false);
  EXPECT_NEAR(range.low, 0.05, 2 * width);
  EXPECT_NEAR(range.high, 0.95, 2 * width);
  EXPECT_EQ(percentileClip(histogram, 0, false).high, histogram.max());
}

/// sum of squared errors of the values themselves under `steps` equal steps.
static double squaredError(const std::vector<float> &values, ClipRange range,
                           int steps) {
  double step = (range.high - range.low) / steps, sum = 0;
  for (float value : values) {
    double code = std::clamp<double>(std::nearbyint((value - range.low) / step),
                                     0, steps);
    sum += std::pow(value - (range.low + step * code), 2);
  }
  return sum;
}

// Against a search of a thousand clip points on the values themselves.
TEST(HistogramTest, squared_error_is_near_the_best) {
  for (bool heavy : {false, true})
    for (int levels : {3, 16, 256}) {
      std::vector<float> values = (heavy ? heavyTailed : gaussian)(20000, 3, 1);
      Histogram histogram = histogramOf(values);
      int steps = 2 * ((levels - 1) / 2);
      double reach = std::max(histogram.max(), -histogram.min()), best = 1e300;
      for (int i = 1; i <= 1000; ++i)
        best = std::min(
            best,
            squaredError(values, {-reach * i / 1000, reach * i / 1000}, steps));
      ClipRange found = squaredErrorClip(histogram, {levels, true});
      EXPECT_EQ(found.low, -found.high);
      EXPECT_LT(squaredError(values, found, steps), 1.03 * best)
          << levels << " levels";
      EXPECT_LE(found.high, reach);
    }
}

TEST(HistogramTest, squared_error_finds_a_lopsided_range) {
  std::vector<float> values = gaussian(20000, 4);
  for (float &value : values)
    value = value < 0 ? 0.05f * value : value;
  values[0] = -20;
  Histogram histogram = histogramOf(values);
  double best = 1e300;
  for (int low = 0; low < 40; ++low)
    for (int high = 1; high <= 40; ++high)
      best = std::min(
          best, squaredError(values, {-20.0 * low / 40, 4.0 * high / 40}, 15));
  ClipRange range = squaredErrorClip(histogram, {16, false});
  EXPECT_GT(range.low, -3);
  // Bins are 1/64 wide, a third of the deviation of the values below 0.
  EXPECT_LT(squaredError(values, range, 15), 1.1 * best);
  EXPECT_LT(best,
            0.5 * squaredError(values, {histogram.min(), histogram.max()}, 15));
}

TEST(HistogramTest, entropy_cuts_outliers_and_nothing_else) {
  std::vector<float> values = gaussian(50000, 5);
  double largest = 0;
  for (float value : values)
    largest = std::max<double>(largest, std::abs(value));
  EXPECT_GT(entropyClip(histogramOf(values), 256).high, 0.7 * largest);
  values[0] = 60;
  EXPECT_LT(entropyClip(histogramOf(values), 256).high, 2 * largest);
}
