//===- LowBit.h - The ops of the lowbit dialect, evaluated ------*- C++ -*-===//

#ifndef LOWBIT_REFERENCE_LOWBIT_H
#define LOWBIT_REFERENCE_LOWBIT_H

#include "lowbit/Reference/Value.h"
#include "lowbit/Support/Quantizer.h"

namespace lowbit::reference {

/// Numerics N2, or N9 by a quantizer. `x` is rounded to f32 first. Without a
/// permutation columns are stored in order.
LowBits quantize(const Reals &x, const Scheme &scheme,
                 const Indices *permutation = nullptr,
                 const Quantizer *quantizer = nullptr);
/// Numerics N9. `scales` and `zeros` may be null: [rows, groups].
Reals fakeQuantize(const Reals &x, const Quantizer &quantizer,
                   const Scheme &scheme, const Reals *scales,
                   const Reals *zeros, bool straightThrough);
/// Numerics N1. Columns in their own order.
Reals dequantize(const LowBits &x);
/// One row of a matrix of reals or of low-bit numbers.
std::vector<double> rowOf(const Value &matrix, int64_t row);

/// The largest power of two from 1 to 2^-8 of which every c is a multiple by
/// an integer; 0 if there is none. 1 for all but codebooks.
double codeUnit(const Scheme &scheme);

/// The sums over the elements that share a group of the weight and one of the
/// activation, codes counted in their units: what a kernel with integer dot
/// products must reproduce exactly.
struct GroupSum {
  int64_t first = 0;       ///< column
  int64_t count = 0;       ///< columns
  int64_t products = 0;    ///< sum of c(x) * c(w)
  int64_t activations = 0; ///< sum of c(x)
  int64_t weights = 0;     ///< sum of c(w)
};
/// Both schemes have a code unit.
std::vector<GroupSum> groupSums(const Scheme &xScheme, const RowFields &x,
                                const Scheme &wScheme, const RowFields &w,
                                int64_t columns);

/// What a linear layer gives, and how far off an f32 computation may be.
struct LinearResult {
  Reals values;        ///< [T, N]
  Reals absoluteTerms; ///< [T, N]: sum of the |terms| that are added as floats
  Reals underflow;     ///< [T, N] for rows of bf16, else empty
  int64_t groups = 0;  ///< of these terms, the bias not counted

  /// Numerics N3: c * (groups + 1) * 2^-24 * sum |terms| + underflow.
  double bound(int64_t t, int64_t n, double c) const;
};

/// Numerics N3. `x` is Reals, or LowBits permuted as the weight; `bias` may be
/// null.
LinearResult linear(const Value &x, const LowBits &weight, const Reals *bias);

} // namespace lowbit::reference

#endif // LOWBIT_REFERENCE_LOWBIT_H
