//===- Calibration.cpp - Statistics of activations ------------------------===//

#include "lowbit/Quantize/Calibration.h"

#include "Dispatch.h"
#include "Products.h"

#include <algorithm>
#include <cmath>

namespace lowbit {

//===- ColumnStats --------------------------------------------------------===//

ColumnStats::ColumnStats(int64_t columns)
    : squares(size_t(columns)), sums(size_t(columns)),
      largest(size_t(columns)) {}

LOWBIT_CLONES static int64_t addRow(const float *x, int64_t columns,
                                    double *squares, double *sums,
                                    float *largest) {
  int64_t bad = 0;
  for (int64_t i = 0; i < columns; ++i) {
    float magnitude = __builtin_fabsf(x[i]);
    bool isFinite = magnitude <= 0x1.fffffep127f; // false for NaN
    bad += !isFinite;
    magnitude = isFinite ? magnitude : 0;
    largest[i] = magnitude > largest[i] ? magnitude : largest[i];
    double value = magnitude;
    sums[i] += value;
    squares[i] += value * value;
  }
  return bad;
}

void ColumnStats::add(const float *x, int64_t rows) {
  for (int64_t row = 0; row < rows; ++row)
    bad += addRow(x + row * columns(), columns(), squares.data(), sums.data(),
                  largest.data());
  count += rows;
}

void ColumnStats::merge(const ColumnStats &other) {
  for (size_t i = 0; i < squares.size() && i < other.squares.size(); ++i) {
    squares[i] += other.squares[i];
    sums[i] += other.sums[i];
    largest[i] = std::max(largest[i], other.largest[i]);
  }
  count += other.count;
  bad += other.bad;
}

static std::vector<float> means(const std::vector<double> &sums, int64_t count,
                                float without) {
  std::vector<float> result(sums.size(), without);
  if (count > 0)
    for (size_t i = 0; i < sums.size(); ++i)
      result[i] = float(sums[i] / double(count));
  return result;
}

std::vector<float> ColumnStats::importance() const {
  return means(squares, count, 1);
}

std::vector<float> ColumnStats::meanAbs() const {
  return means(sums, count, 0);
}

//===- SecondMoments ------------------------------------------------------===//

SecondMoments::SecondMoments(int64_t columns)
    : width(columns), moments(size_t(columns) * size_t(columns)) {
  block.reserve(size_t(kDepth * columns));
}

void SecondMoments::addBlock(ThreadPool &pool, const float *x, int64_t rows) {
  addGram(pool, 1, {x, rows, width}, moments.data(), width);
}

void SecondMoments::add(ThreadPool &pool, const float *x, int64_t rows) {
  count += rows;
  while (rows > 0) {
    int64_t waiting = int64_t(block.size()) / std::max<int64_t>(width, 1);
    if (waiting == 0 && rows >= kDepth) {
      addBlock(pool, x, kDepth);
      x += kDepth * width;
      rows -= kDepth;
      continue;
    }
    int64_t taken = std::min(rows, kDepth - waiting);
    block.insert(block.end(), x, x + taken * width);
    x += taken * width;
    rows -= taken;
    if (waiting + taken == kDepth) {
      addBlock(pool, block.data(), kDepth);
      block.clear();
    }
  }
}

const float *SecondMoments::matrix(ThreadPool &pool) {
  if (!block.empty())
    addBlock(pool, block.data(), int64_t(block.size()) / width);
  block.clear();
  mirrorLower(moments.data(), width);
  return moments.data();
}

std::vector<float> SecondMoments::take(ThreadPool &pool) {
  matrix(pool);
  return std::move(moments);
}

} // namespace lowbit
