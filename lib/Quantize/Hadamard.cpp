//===- Hadamard.cpp - Rotations by Hadamard matrices ----------------------===//

#include "lowbit/Quantize/Hadamard.h"

#include "Dispatch.h"

#include <algorithm>
#include <cmath>

namespace lowbit {

//===- Matrices -----------------------------------------------------------===//

static constexpr int64_t kLargestOrder = 256;

static bool isPrime(int64_t n) {
  for (int64_t d = 2; d * d <= n; ++d)
    if (n % d == 0)
      return false;
  return n > 1;
}

/// The quadratic character of each residue modulo p: 0, 1 for squares, -1.
static std::vector<int8_t> characters(int64_t p) {
  std::vector<int8_t> result(size_t(p), -1);
  result[0] = 0;
  for (int64_t i = 1; i < p; ++i)
    result[size_t(i * i % p)] = 1;
  return result;
}

/// [order x order], order = p + 1: a border around the Jacobsthal matrix of p.
/// Skew-symmetric for p = 3 (mod 4), symmetric for p = 1; zeros on the
/// diagonal.
static std::vector<int8_t> conferenceMatrix(int64_t p) {
  int64_t order = p + 1;
  std::vector<int8_t> chi = characters(p);
  std::vector<int8_t> c(size_t(order * order));
  int8_t corner = p % 4 == 3 ? -1 : 1;
  for (int64_t i = 1; i < order; ++i) {
    c[size_t(i)] = 1;
    c[size_t(i * order)] = corner;
    for (int64_t j = 1; j < order; ++j)
      c[size_t(i * order + j)] = chi[size_t((i - j + p) % p)];
  }
  return c;
}

/// H = I + C.
static std::vector<int8_t> paleyFirst(int64_t order) {
  std::vector<int8_t> h = conferenceMatrix(order - 1);
  for (int64_t i = 0; i < order; ++i)
    h[size_t(i * order + i)] = 1;
  return h;
}

/// Every 0 of C becomes [1 -1; -1 -1], every +-1 becomes +-[1 1; 1 -1].
static std::vector<int8_t> paleySecond(int64_t order) {
  int64_t half = order / 2;
  std::vector<int8_t> c = conferenceMatrix(half - 1);
  std::vector<int8_t> h(size_t(order * order));
  for (int64_t i = 0; i < half; ++i)
    for (int64_t j = 0; j < half; ++j) {
      int8_t value = c[size_t(i * half + j)];
      int8_t *cell = &h[size_t(2 * i * order + 2 * j)];
      cell[0] = value ? value : 1;
      cell[1] = cell[order] = value ? value : -1;
      cell[order + 1] = value ? int8_t(-value) : -1;
    }
  return h;
}

std::vector<int8_t> hadamardMatrix(int64_t order) {
  if (order == 1)
    return {1};
  if (order == 2)
    return {1, 1, 1, -1};
  if (order < 4 || order % 4 || order > kLargestOrder)
    return {};
  if (isPrime(order - 1))
    return paleyFirst(order);
  if (isPrime(order / 2 - 1) && order / 2 % 2 == 0 && (order / 2 - 1) % 4 == 1)
    return paleySecond(order);
  return {};
}

//===- Rotation -----------------------------------------------------------===//

/// The smallest m with size = m * 2^k and a Hadamard matrix; 0 if none.
static int64_t baseOf(int64_t size) {
  int64_t odd = size;
  while (odd % 2 == 0)
    odd /= 2;
  for (int64_t m = odd; m <= std::min(size, kLargestOrder); m *= 2)
    if (!hadamardMatrix(m).empty())
      return m;
  return 0;
}

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
    if (length % blocks == 0 && baseOf(length / blocks)) {
      base = baseOf(length / blocks);
      power = length / blocks / base;
      break;
    }
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
