//===- HadamardMatrix.cpp - Matrices of signs with orthogonal rows --------===//

#include "lowbit/Support/HadamardMatrix.h"

#include <algorithm>

namespace lowbit {

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

int64_t hadamardBase(int64_t order) {
  if (order < 1)
    return 0;
  int64_t odd = order;
  while (odd % 2 == 0)
    odd /= 2;
  for (int64_t m = odd; m <= std::min(order, kLargestOrder); m *= 2)
    if (!hadamardMatrix(m).empty())
      return m;
  return 0;
}

} // namespace lowbit
