//===- Hadamard.h - Rotations by Hadamard matrices --------------*- C++ -*-===//
//
// A random orthogonal matrix spreads outliers over all columns, so that codes
// need not reach for them (Ashkboos et al. 2024, "QuaRot", arXiv:2404.00456;
// random signs: Chee et al. 2023, "QuIP", arXiv:2307.13304). With
//
//     Q = diag(signs) H / sqrt(b)
//
// a product stays what it was when the activation x becomes x Q and each row w
// of the weights w Q, for Q Q^T = I.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_QUANTIZE_HADAMARD_H
#define LOWBIT_QUANTIZE_HADAMARD_H

#include "lowbit/Quantize/ThreadPool.h"
#include "lowbit/Support/HadamardMatrix.h"

#include <cstdint>
#include <vector>

namespace lowbit {

/// Q for vectors of `size` elements. Where size = m * 2^k and there is a
/// Hadamard matrix of order m, H is the product (Kronecker's) of that and of
/// Sylvester's of order 2^k: 576 = 36 * 16, 1536 = 12 * 128, 640 = 20 * 32.
/// Else Q has equal blocks on its diagonal, the largest that divide `size`: an
/// odd size is left with signs alone.
class Rotation {
public:
  Rotation(int64_t size, uint64_t seed);
  /// One block, without signs: H / sqrt(order), as lm.rotate has it. An order
  /// without a Hadamard matrix leaves everything as it is.
  static Rotation ofOneBlock(int64_t order);

  int64_t size() const { return length; }
  /// Elements that are mixed with each other; size() if all are.
  int64_t blockSize() const { return base * power; }
  /// m and 2^k.
  int64_t baseOrder() const { return base; }
  int64_t powerOfTwo() const { return power; }
  /// +1 or -1 for each element. The same for a size and a seed everywhere.
  const std::vector<int8_t> &signs() const { return flips; }

  /// Each row of a [rows x size]: a Q, or a Q^T for `inverse`. In f32: each
  /// result is within (m + k + 3) * 2^-24 of the row's norm.
  void applyToRows(ThreadPool &pool, float *a, int64_t rows,
                   bool inverse = false) const;
  /// Each column of a [size x columns]: Q^T a, or Q a for `inverse`: what
  /// rotates the outputs of a matrix so that whoever reads them sees y Q.
  void applyToColumns(ThreadPool &pool, float *a, int64_t columns,
                      bool inverse = false) const;

private:
  Rotation() = default;
  void setBlock(int64_t order);
  void transform(float *x, bool inverse) const;

  int64_t length = 0, base = 1, power = 1;
  std::vector<int8_t> flips, matrix; ///< [size], [base x base]
};

} // namespace lowbit

#endif // LOWBIT_QUANTIZE_HADAMARD_H
