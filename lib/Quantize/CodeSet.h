//===- CodeSet.h - The values that codes can take ---------------*- C++ -*-===//

#ifndef LOWBIT_QUANTIZE_CODESET_H
#define LOWBIT_QUANTIZE_CODESET_H

#include "lowbit/Support/Scheme.h"

#include <algorithm>
#include <cmath>

namespace lowbit {

/// A scheme's codes as a set of values to round to. Of a codebook with vectors
/// or signs it knows the range alone: see EntrySet.
class CodeSet {
public:
  explicit CodeSet(const Scheme &scheme);

  /// The smallest and the largest value in use.
  double low() const { return lowest; }
  double high() const { return highest; }
  bool isSymmetric() const { return lowest == -highest; }
  /// Mean magnitude of a codebook's values.
  double meanMagnitude() const { return mean; }

  /// The code whose value is nearest to `target` under the scheme's tie rule.
  uint8_t nearest(double target) const {
    if (!(target > lowest)) // also what infinite fields make of it, NaN
      target = lowest;
    target = std::min(target, highest);
    if (kind == CodeKind::Codebook)
      return nearestEntry(target);
    if (kind == CodeKind::Sign)
      return target >= 0;
    return uint8_t(int32_t(roundInteger(target)) + integer0) & mask;
  }
  double value(uint8_t code) const { return values[code]; }

private:
  double roundInteger(double value) const {
    if (rounding == Rounding::NearestAway)
      return std::round(value);
    if (rounding == Rounding::Toward0)
      return std::trunc(value);
    // Adding 1.5 * 2^52 leaves no bits for a fraction. nearbyint is a call on
    // baseline x86-64, and this runs for every weight and candidate scale.
    constexpr double kMagic = 0x1.8p52;
    return (value + kMagic) - kMagic;
  }
  uint8_t nearestEntry(double target) const;

  CodeKind kind;
  Rounding rounding;
  uint8_t mask;         ///< of a code's bits
  int32_t integer0 = 0; ///< code = integer + integer0, integer code sets only
  double lowest = 0, highest = 0, mean = 0;
  double values[256];
  std::vector<uint8_t>
      sorted; ///< codebook: codes of distinct values, ascending
};

} // namespace lowbit

#endif // LOWBIT_QUANTIZE_CODESET_H
