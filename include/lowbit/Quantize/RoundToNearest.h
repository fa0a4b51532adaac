//===- RoundToNearest.h - Reals to the nearest codes ------------*- C++ -*-===//

#ifndef LOWBIT_QUANTIZE_ROUNDTONEAREST_H
#define LOWBIT_QUANTIZE_ROUNDTONEAREST_H

#include "lowbit/Support/Scheme.h"

namespace lowbit {

/// Rounds a row into a scheme: fields chosen for each group from its values
/// alone (absolute maximum, or minimum and maximum where the scheme has minima
/// or zero points), stored fields rounded first, codes nearest to
/// (value - M) / S + z under the scheme's tie rule, clamped to the code set.
/// Nested scale levels: the outer field makes the inner integer range fit.
/// Tensor-level fields are taken from `row.fields` as they are.
void roundToNearest(const Scheme &scheme, const float *values, int64_t columns,
                    RowFields &row);

} // namespace lowbit

#endif // LOWBIT_QUANTIZE_ROUNDTONEAREST_H
