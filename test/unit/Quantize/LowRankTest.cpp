//===- LowRankTest.cpp - What a few rows and columns can correct ----------===//

#include "lowbit/Quantize/LowRank.h"

#include "Samples.h"

#include <algorithm>

using namespace lowbit;
using namespace lowbit::test;

/// Eigenvalues of a symmetric matrix, by the power method with deflation in
/// double: slow, and another way than the library's.
static std::vector<double> eigenvalues(std::vector<double> a, size_t n,
                                       size_t count) {
  std::vector<double> values;
  for (size_t i = 0; i < count; ++i) {
    std::vector<double> v(n, 1.0);
    v[i % n] = 3;
    double value = 0;
    for (int turn = 0; turn < 3000; ++turn) {
      std::vector<double> next(n);
      double norm = 0;
      for (size_t r = 0; r < n; ++r) {
        for (size_t c = 0; c < n; ++c)
          next[r] += a[r * n + c] * v[c];
        norm += next[r] * next[r];
      }
      value = std::sqrt(norm);
      for (size_t r = 0; r < n; ++r)
        v[r] = value > 0 ? next[r] / value : 0;
    }
    values.push_back(value);
    for (size_t r = 0; r < n; ++r)
      for (size_t c = 0; c < n; ++c)
        a[r * n + c] -= value * v[r] * v[c];
  }
  return values;
}

/// E H E^T
static std::vector<double> outer(const std::vector<float> &e, size_t rows,
                                 size_t columns, const std::vector<double> &h) {
  std::vector<double> product(rows * columns), result(rows * rows);
  for (size_t i = 0; i < rows; ++i)
    for (size_t k = 0; k < columns; ++k)
      for (size_t j = 0; j < columns; ++j)
        product[i * columns + j] += e[i * columns + k] * h[k * columns + j];
  for (size_t i = 0; i < rows; ++i)
    for (size_t j = 0; j < rows; ++j)
      for (size_t k = 0; k < columns; ++k)
        result[i * rows + j] += product[i * columns + k] * e[j * columns + k];
  return result;
}

static double trace(const std::vector<double> &a, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; ++i)
    sum += a[i * n + i];
  return sum;
}

// No rank-r matrix leaves less than the eigenvalues behind the r-th (Eckart and
// Young); the factors leave nearly that.
TEST(LowRankTest, near_the_least_there_is) {
  constexpr size_t kRows = 30, kColumns = 44, kRank = 5;
  std::vector<float> e = gaussian(kRows * kColumns, 1);
  for (size_t i = 0; i < kRows; ++i)
    for (size_t k = 0; k < kColumns; ++k)
      e[i * kColumns + k] *= 1 + 4.0f / float(1 + i % 7);
  for (bool weighted : {false, true}) {
    std::vector<double> h(kColumns * kColumns);
    for (size_t k = 0; k < kColumns; ++k)
      h[k * (kColumns + 1)] = 1;
    if (weighted)
      h = gram(activations(200, kColumns, 2), kColumns);
    std::vector<float> single = toFloat(h);
    ThreadPool pool(2);
    LowRankOptions options;
    options.rank = kRank;
    options.turns = 12;
    LowRankFactors found =
        lowRankFactors(pool, e.data(), kRows, kColumns,
                       weighted ? single.data() : nullptr, options);
    std::vector<double> full = outer(e, kRows, kColumns, h);
    double least = trace(full, kRows);
    EXPECT_NEAR(found.plainError, least, 1e-5 * least);
    for (double value : eigenvalues(full, kRows, kRank))
      least -= value;

    std::vector<float> left = e;
    for (size_t i = 0; i < kRows; ++i)
      for (size_t k = 0; k < kColumns; ++k)
        for (size_t r = 0; r < kRank; ++r)
          left[i * kColumns + k] -=
              found.left[i * kRank + r] * found.right[r * kColumns + k];
    double exact = trace(outer(left, kRows, kColumns, h), kRows);
    EXPECT_NEAR(found.error, exact, 1e-4 * found.plainError);
    EXPECT_GT(exact, least - 1e-4 * found.plainError);
    EXPECT_LT(exact, 1.01 * least + 1e-4 * found.plainError);
  }
}

TEST(LowRankTest, exact_where_the_rank_suffices) {
  constexpr size_t kRows = 25, kColumns = 18;
  std::vector<float> a = gaussian(kRows * 3, 3), b = gaussian(3 * kColumns, 4),
                     e(kRows * kColumns);
  for (size_t i = 0; i < kRows; ++i)
    for (size_t k = 0; k < kColumns; ++k)
      for (size_t r = 0; r < 3; ++r)
        e[i * kColumns + k] += a[i * 3 + r] * b[r * kColumns + k];
  std::vector<float> h = toFloat(gram(activations(100, kColumns, 5), kColumns));
  ThreadPool pool(1);
  for (int64_t rank : {3, 7, 18, 1000}) {
    LowRankOptions options;
    options.rank = rank;
    LowRankFactors found =
        lowRankFactors(pool, e.data(), kRows, kColumns, h.data(), options);
    EXPECT_EQ(found.rank, std::min<int64_t>(rank, kColumns));
    EXPECT_LT(std::abs(found.error), 1e-9 * found.plainError);
  }
}

TEST(LowRankTest, columns_are_orthonormal) {
  constexpr size_t kRows = 40, kColumns = 33, kRank = 6;
  std::vector<float> e = gaussian(kRows * kColumns, 6);
  ThreadPool pool(1);
  LowRankOptions options;
  options.rank = kRank;
  LowRankFactors found =
      lowRankFactors(pool, e.data(), kRows, kColumns, nullptr, options);
  for (size_t i = 0; i < kRank; ++i)
    for (size_t j = 0; j < kRank; ++j) {
      double sum = 0;
      for (size_t row = 0; row < kRows; ++row)
        sum +=
            double(found.left[row * kRank + i]) * found.left[row * kRank + j];
      EXPECT_NEAR(sum, i == j, 1e-5);
    }
}

TEST(LowRankTest, nothing_and_rank_0) {
  std::vector<float> zero(12);
  ThreadPool pool(1);
  LowRankFactors found = lowRankFactors(pool, zero.data(), 3, 4, nullptr);
  EXPECT_EQ(found.error, 0);
  for (float value : found.right)
    EXPECT_EQ(value, 0);
  LowRankOptions options;
  options.rank = 0;
  std::vector<float> one(12, 1.0f);
  found = lowRankFactors(pool, one.data(), 3, 4, nullptr, options);
  EXPECT_EQ(found.rank, 0);
  EXPECT_EQ(found.error, 12);
}
