//===- Factor.h - Triangular factors ----------------------------*- C++ -*-===//

#ifndef LOWBIT_QUANTIZE_FACTOR_H
#define LOWBIT_QUANTIZE_FACTOR_H

#include "lowbit/Quantize/ThreadPool.h"

#include <cstdint>

namespace lowbit {

/// Overwrites the lower triangle of the symmetric h [n x n] by L with
///
///     H = L^T L,    L lower triangular, its diagonal above 0
///
/// the Cholesky factorization from the last column to the first. (The usual one
/// is H = L L^T.) Then R = L^T is the upper triangle with H = R R^T, and
/// R^-1 is the Cholesky factor of H^-1 that GPTQ takes: no inverse is formed.
/// Blocks of 128 are factored in double, products are those of Products.h; the
/// result is that of a matrix within about 2^-22 sqrt(n) sqrt(H[i][i] H[j][j])
/// of H. False where a pivot is not above `floor`; h is then of no use.
bool factorFromLast(ThreadPool &pool, float *h, int64_t n, double floor);

} // namespace lowbit

#endif // LOWBIT_QUANTIZE_FACTOR_H
