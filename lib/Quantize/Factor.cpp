//===- Factor.cpp - Triangular factors ------------------------------------===//

#include "Factor.h"

#include "Products.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace lowbit {

static constexpr int64_t kBlock = 128;
/// Columns that a thread solves for together.
static constexpr int64_t kSolved = 64;

/// The factor of one block, [size x size] in rows of `size`, lower triangle.
static bool factorBlock(std::vector<double> &a, int64_t size, double floor) {
  for (int64_t k = size - 1; k >= 0; --k) {
    double *pivotRow = &a[size_t(k * size)];
    if (!(pivotRow[k] > floor))
      return false;
    double pivot = std::sqrt(pivotRow[k]);
    for (int64_t i = 0; i <= k; ++i)
      pivotRow[i] /= pivot;
    for (int64_t i = 0; i < k; ++i)
      for (int64_t j = 0; j <= i; ++j)
        a[size_t(i * size + j)] -= pivotRow[i] * pivotRow[j];
  }
  return true;
}

/// Columns first .. first + count - 1 of rows [0, size) of `a`: X with
/// block^T X = A.
static void solveColumns(const std::vector<double> &block, int64_t size,
                         float *a, int64_t stride, int64_t first,
                         int64_t count) {
  std::vector<double> x(size_t(size * kSolved));
  for (int64_t k = size - 1; k >= 0; --k) {
    double *row = &x[size_t(k * kSolved)];
    float *stored = a + k * stride + first;
    for (int64_t c = 0; c < count; ++c)
      row[c] = stored[c];
    for (int64_t j = k + 1; j < size; ++j) {
      double factor = block[size_t(j * size + k)];
      const double *above = &x[size_t(j * kSolved)];
      for (int64_t c = 0; c < kSolved; ++c)
        row[c] -= factor * above[c];
    }
    double inverse = 1 / block[size_t(k * size + k)];
    for (int64_t c = 0; c < kSolved; ++c)
      row[c] *= inverse;
    for (int64_t c = 0; c < count; ++c)
      stored[c] = float(row[c]);
  }
}

bool factorFromLast(ThreadPool &pool, float *h, int64_t n, double floor) {
  std::vector<double> block;
  for (int64_t end = n; end > 0;) {
    int64_t begin = (end - 1) / kBlock * kBlock, size = end - begin;
    float *rows = h + begin * n;
    block.assign(size_t(size * size), 0.0);
    for (int64_t i = 0; i < size; ++i)
      std::copy_n(rows + i * n + begin, i + 1, &block[size_t(i * size)]);
    if (!factorBlock(block, size, floor))
      return false;
    for (int64_t i = 0; i < size; ++i)
      for (int64_t j = 0; j <= i; ++j)
        rows[i * n + begin + j] = float(block[size_t(i * size + j)]);
    pool.forEach((begin + kSolved - 1) / kSolved, [&](int64_t part) {
      int64_t first = part * kSolved;
      solveColumns(block, size, rows, n, first,
                   std::min(kSolved, begin - first));
    });
    if (begin > 0)
      addGram(pool, -1, {rows, size, begin, n}, h, n);
    end = begin;
  }
  return true;
}

} // namespace lowbit
