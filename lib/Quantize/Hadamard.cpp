//===- Hadamard.cpp - Rotations by Hadamard matrices ----------------------===//

#include "lowbit/Quantize/Hadamard.h"

#include "Dispatch.h"

#include <algorithm>
#include <cmath>

namespace lowbit {

//===- Rotation -----------------------------------------------------------===//

/// Of SplitMix64 (Steele et al. 2014).
static uint64_t nextRandom(uint64_t &state) {
  uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

Rotation::Rotation(int64_t size, uint64_t seed)
    : length(std::max<int64_t>(size, 0)) {
  for (int64_t i = 0; i < length; ++i)
    flips.push_back(nextRandom(seed) >> 63 ? -1 : 1);
  for (int64_t blocks = 1; blocks <= length; ++blocks)
    if (length % blocks == 0 && hadamardBase(length / blocks)) {
      setBlock(length / blocks);
      break;
    }
}

Rotation Rotation::ofOneBlock(int64_t order) {
  Rotation result;
  result.length = std::max<int64_t>(order, 0);
  result.flips.assign(size_t(result.length), 1);
  if (hadamardBase(order))
    result.setBlock(order);
  return result;
}

void Rotation::setBlock(int64_t order) {
  base = hadamardBase(order);
  power = order / base;
  matrix = hadamardMatrix(base);
}

/// Vectors that are transformed side by side.
static constexpr int64_t kWidth = 16;

/// Sylvester's transform of `count` (a power of two) rows of kWidth.
LOWBIT_CLONES static void walsh(float *x, int64_t count) {
  for (int64_t half = 1; half < count; half *= 2)
    for (int64_t i = 0; i < count; i += 2 * half)
      for (int64_t j = i; j < i + half; ++j) {
        float *a = x + j * kWidth, *b = a + half * kWidth;
        for (int64_t k = 0; k < kWidth; ++k) {
          float sum = a[k] + b[k];
          b[k] = a[k] - b[k];
          a[k] = sum;
        }
      }
}

/// y[i] = sum_j sign[j * step] x[j * stride], over rows of kWidth.
LOWBIT_CLONES static void signedSum(const float *x, int64_t stride,
                                    const int8_t *sign, int64_t step,
                                    int64_t count, float *y) {
  float sum[kWidth] = {};
  for (int64_t j = 0; j < count; ++j) {
    auto factor = float(sign[j * step]);
    for (int64_t k = 0; k < kWidth; ++k)
      sum[k] += factor * x[j * stride * kWidth + k];
  }
  for (int64_t k = 0; k < kWidth; ++k)
    y[k] = sum[k];
}

/// x [size][kWidth], in place: Q^T from the left, or Q.
void Rotation::transform(float *x, bool inverse) const {
  auto flip = [&] {
    for (int64_t i = 0; i < length; ++i)
      for (int64_t k = 0; k < kWidth; ++k)
        x[i * kWidth + k] *= float(flips[size_t(i)]);
  };
  if (!inverse)
    flip();
  float factor = float(1 / std::sqrt(double(blockSize())));
  std::vector<float> mixed(size_t(base * kWidth));
  for (int64_t first = 0; first < length; first += blockSize()) {
    float *block = x + first * kWidth;
    for (int64_t i = 0; i < base; ++i)
      walsh(block + i * power * kWidth, power);
    for (int64_t i = 0; i < power; ++i) {
      float *column = block + i * kWidth;
      // Columns of the matrix for H^T, rows for H.
      for (int64_t j = 0; j < base; ++j)
        signedSum(column, power, matrix.data() + (inverse ? j * base : j),
                  inverse ? 1 : base, base, mixed.data() + j * kWidth);
      for (int64_t j = 0; j < base; ++j)
        for (int64_t k = 0; k < kWidth; ++k)
          column[j * power * kWidth + k] =
              factor * mixed[size_t(j * kWidth + k)];
    }
  }
  if (inverse)
    flip();
}

void Rotation::applyToRows(ThreadPool &pool, float *a, int64_t rows,
                           bool inverse) const {
  pool.forEach((rows + kWidth - 1) / kWidth, [&](int64_t part) {
    int64_t first = part * kWidth, count = std::min(kWidth, rows - first);
    std::vector<float> x(size_t(length * kWidth));
    for (int64_t r = 0; r < count; ++r)
      for (int64_t i = 0; i < length; ++i)
        x[size_t(i * kWidth + r)] = a[(first + r) * length + i];
    transform(x.data(), inverse);
    for (int64_t r = 0; r < count; ++r)
      for (int64_t i = 0; i < length; ++i)
        a[(first + r) * length + i] = x[size_t(i * kWidth + r)];
  });
}

void Rotation::applyToColumns(ThreadPool &pool, float *a, int64_t columns,
                              bool inverse) const {
  pool.forEach((columns + kWidth - 1) / kWidth, [&](int64_t part) {
    int64_t first = part * kWidth, count = std::min(kWidth, columns - first);
    std::vector<float> x(size_t(length * kWidth));
    for (int64_t i = 0; i < length; ++i)
      std::copy_n(a + i * columns + first, count, &x[size_t(i * kWidth)]);
    transform(x.data(), inverse);
    for (int64_t i = 0; i < length; ++i)
      std::copy_n(&x[size_t(i * kWidth)], count, a + i * columns + first);
  });
}

} // namespace lowbit
