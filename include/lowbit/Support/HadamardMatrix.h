//===- HadamardMatrix.h - Matrices of signs -------------------*- C++ -*-===//

#ifndef LOWBIT_SUPPORT_HADAMARDMATRIX_H
#define LOWBIT_SUPPORT_HADAMARDMATRIX_H

#include <cstdint>
#include <vector>

namespace lowbit {

/// A Hadamard matrix [order x order] of +1 and -1, row-major, with H H^T =
/// order * I: of Sylvester's construction for 1 and 2, of Paley's first for
/// order - 1 a prime p = 3 (mod 4) (4, 8, 12, 20, 24, 32, 44 ...), of his
/// second for order / 2 - 1 a prime p = 1 (mod 4) (28, 36, 60, 76 ...). Empty
/// if there is none here. Orders up to 256.
std::vector<int8_t> hadamardMatrix(int64_t order);

/// The smallest m with order = m * 2^k and a matrix of order m: H is the
/// product (Kronecker's) of that and of Sylvester's of order 2^k: 36 for 576 =
/// 36 * 16, 12 for 1536, 20 for 640. 0 if there is none.
int64_t hadamardBase(int64_t order);

} // namespace lowbit

#endif // LOWBIT_SUPPORT_HADAMARDMATRIX_H
