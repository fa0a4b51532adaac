//===- HadamardTest.cpp - Rotations by Hadamard matrices ------------------===//

#include "lowbit/Quantize/Hadamard.h"

#include "Samples.h"

#include <algorithm>

using namespace lowbit;
using namespace lowbit::test;

static double bound(const Rotation &rotation) {
  return double(rotation.baseOrder() + 3) * 0x1p-24 +
         std::log2(double(rotation.powerOfTwo())) * 0x1p-24;
}

/// Q [n x n], as the rotation turns the unit vectors.
static std::vector<float> matrixOf(const Rotation &rotation) {
  int64_t n = rotation.size();
  std::vector<float> q(size_t(n * n));
  for (int64_t i = 0; i < n; ++i)
    q[size_t(i * n + i)] = 1;
  ThreadPool pool(2);
  rotation.applyToRows(pool, q.data(), n);
  return q;
}

TEST(HadamardTest, matrices_are_orthogonal) {
  int64_t known = 0;
  for (int64_t order = 1; order <= 256; ++order) {
    std::vector<int8_t> h = hadamardMatrix(order);
    if (h.empty())
      continue;
    ++known;
    ASSERT_EQ(h.size(), size_t(order * order));
    for (int64_t i = 0; i < order; ++i)
      for (int64_t j = 0; j <= i; ++j) {
        int64_t sum = 0;
        for (int64_t k = 0; k < order; ++k) {
          ASSERT_EQ(std::abs(h[size_t(i * order + k)]), 1);
          sum += h[size_t(i * order + k)] * h[size_t(j * order + k)];
        }
        ASSERT_EQ(sum, i == j ? order : 0) << order;
      }
  }
  EXPECT_GT(known, 30);
  for (int64_t order : {1, 2, 4, 8, 12, 20, 24, 28, 32, 36, 44, 60, 76})
    EXPECT_FALSE(hadamardMatrix(order).empty()) << order;
  for (int64_t order : {-4, 0, 3, 6, 14, 1000})
    EXPECT_TRUE(hadamardMatrix(order).empty()) << order;
}

TEST(HadamardTest, sizes_of_models_are_mixed_whole) {
  struct {
    int64_t size, base;
  } cases[] = {{64, 1},    {576, 36},  {640, 20},  {768, 12}, {896, 28},
               {1536, 12}, {2048, 1},  {2560, 20}, {960, 60}, {3072, 12},
               {3584, 28}, {4864, 76}, {8192, 1},  {1, 1},    {2, 1}};
  for (auto [size, base] : cases) {
    Rotation rotation(size, 1);
    EXPECT_EQ(rotation.blockSize(), size);
    EXPECT_EQ(rotation.baseOrder(), base) << size;
  }
  EXPECT_EQ(Rotation(11008, 1).blockSize(), 256);
  EXPECT_EQ(Rotation(18, 1).blockSize(), 2);
  EXPECT_EQ(Rotation(63, 1).blockSize(), 1);
}

TEST(HadamardTest, orthogonal_within_rounding) {
  for (int64_t n : {1, 2, 7, 12, 18, 28, 64, 160, 576}) {
    Rotation rotation(n, seed());
    std::vector<float> q = matrixOf(rotation);
    double entry = 1 / std::sqrt(double(rotation.blockSize()));
    for (float value : q)
      EXPECT_TRUE(value == 0 ||
                  std::abs(std::abs(value) - entry) <= bound(rotation));
    for (int64_t i = 0; i < n; i += 3)
      for (int64_t j = 0; j < n; ++j) {
        double sum = 0;
        for (int64_t k = 0; k < n; ++k)
          sum += double(q[size_t(i * n + k)]) * q[size_t(j * n + k)];
        EXPECT_NEAR(sum, i == j, 2 * bound(rotation)) << n;
      }
  }
}

TEST(HadamardTest, applications_agree_with_the_matrix) {
  constexpr int64_t kSize = 48, kOther = 21;
  Rotation rotation(kSize, 5);
  ThreadPool pool(3);
  std::vector<float> q = matrixOf(rotation), a = gaussian(kSize * kOther, 1);
  for (bool inverse : {false, true}) {
    std::vector<float> rows = a, columns = a;
    rotation.applyToRows(pool, rows.data(), kOther, inverse);
    rotation.applyToColumns(pool, columns.data(), kOther, inverse);
    for (int64_t r = 0; r < kOther; ++r)
      for (int64_t i = 0; i < kSize; ++i) {
        double row = 0, column = 0;
        for (int64_t k = 0; k < kSize; ++k) {
          double factor = q[size_t(inverse ? i * kSize + k : k * kSize + i)];
          row += a[size_t(r * kSize + k)] * factor;
          column += a[size_t(k * kOther + r)] * factor;
        }
        double slack = 4 * bound(rotation) * std::sqrt(double(kSize));
        EXPECT_NEAR(rows[size_t(r * kSize + i)], row, slack);
        EXPECT_NEAR(columns[size_t(i * kOther + r)], column, slack);
      }
  }
}

TEST(HadamardTest, products_stay_and_inverses_undo) {
  for (int64_t n : {36, 40, 96, 130}) {
    Rotation rotation(n, 9);
    ThreadPool pool(1);
    std::vector<float> x = gaussian(n, 2), w = gaussian(n, 3), xq = x, wq = w;
    rotation.applyToRows(pool, xq.data(), 1);
    rotation.applyToRows(pool, wq.data(), 1);
    double before = 0, after = 0, norms[2] = {};
    for (size_t k = 0; k < size_t(n); ++k) {
      before += double(x[k]) * w[k];
      after += double(xq[k]) * wq[k];
      norms[0] += double(x[k]) * x[k];
      norms[1] += double(w[k]) * w[k];
    }
    double reach = std::sqrt(norms[0] * norms[1]);
    EXPECT_NEAR(before, after,
                2 * bound(rotation) * std::sqrt(double(n)) * reach);
    rotation.applyToRows(pool, xq.data(), 1, true);
    for (size_t k = 0; k < size_t(n); ++k)
      EXPECT_NEAR(xq[k], x[k], 2 * bound(rotation) * std::sqrt(norms[0]));
  }
}

TEST(HadamardTest, spreads_outliers) {
  std::vector<float> x = gaussian(576, 4);
  x[100] = 200;
  Rotation rotation(576, 3);
  ThreadPool pool(1);
  rotation.applyToRows(pool, x.data(), 1);
  for (float value : x)
    EXPECT_LT(std::abs(value), 200 / 24.0 + 5.5);
}

TEST(HadamardTest, seeds_are_signs) {
  EXPECT_EQ(Rotation(64, 7).signs(), Rotation(64, 7).signs());
  EXPECT_NE(Rotation(64, 7).signs(), Rotation(64, 8).signs());
  Rotation large(4096, 1);
  const std::vector<int8_t> &signs = large.signs();
  EXPECT_NEAR(std::count(signs.begin(), signs.end(), 1), 2048, 200);
}
