//===- Samples.h - Matrices for tests ---------------------------*- C++ -*-===//

#ifndef LOWBIT_TEST_UNIT_QUANTIZE_SAMPLES_H
#define LOWBIT_TEST_UNIT_QUANTIZE_SAMPLES_H

#include "lowbit/Support/Scheme.h"

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

namespace lowbit::test {

/// LOWBIT_TEST_SEED, or 1; a failing test prints it.
inline unsigned seed() {
  const char *text = std::getenv("LOWBIT_TEST_SEED");
  return text ? unsigned(std::strtoul(text, nullptr, 10)) : 1;
}

inline Scheme scheme(const std::string &text) {
  Scheme result;
  std::string error;
  EXPECT_TRUE(Scheme::parse(text, result, error)) << text << ": " << error;
  EXPECT_EQ(result.check(), "") << text;
  return result;
}

inline std::vector<float> gaussian(int64_t count, unsigned stream,
                                   float deviation = 1) {
  std::mt19937 engine(seed() * 1000 + stream);
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> values(static_cast<size_t>(count));
  for (float &value : values)
    value = normal(engine);
  return values;
}

/// Gaussians of which one in a hundred is ten times as large.
inline std::vector<float> heavyTailed(int64_t count, unsigned stream,
                                      float deviation = 1) {
  std::vector<float> values = gaussian(count, stream, deviation);
  std::mt19937 engine(seed() * 1000 + stream + 500);
  for (float &value : values)
    if (engine() % 100 == 0)
      value *= 10;
  return values;
}

/// Activations [rows x columns] whose columns are correlated and of different
/// sizes, as those of language models are: neighbours share three quarters of
/// their variance, some columns are 8 times larger.
inline std::vector<float> activations(int64_t rows, int64_t columns,
                                      unsigned stream) {
  std::vector<float> x = gaussian(rows * columns, stream);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 1; c < columns; ++c)
      x[size_t(r * columns + c)] = 0.5f * x[size_t(r * columns + c)] +
                                   0.866f * x[size_t(r * columns + c - 1)];
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; c += 13)
      x[size_t(r * columns + c)] *= 8;
  return x;
}

/// sum x x^T over the rows of x, in double.
inline std::vector<double> gram(const std::vector<float> &x, int64_t columns) {
  std::vector<double> h(size_t(columns * columns));
  for (size_t row = 0; row < x.size(); row += size_t(columns))
    for (size_t i = 0; i < size_t(columns); ++i)
      for (size_t j = 0; j < size_t(columns); ++j)
        h[i * size_t(columns) + j] += double(x[row + i]) * x[row + j];
  return h;
}

inline std::vector<float> toFloat(const std::vector<double> &values) {
  return {values.begin(), values.end()};
}

/// e H e^T of one row, in double.
inline double quadratic(const std::vector<double> &h,
                        const std::vector<double> &e) {
  double sum = 0;
  for (size_t i = 0; i < e.size(); ++i)
    for (size_t j = 0; j < e.size(); ++j)
      sum += e[i] * h[i * e.size() + j] * e[j];
  return sum;
}

} // namespace lowbit::test

#endif // LOWBIT_TEST_UNIT_QUANTIZE_SAMPLES_H
