//===- EntrySet.h - Entries of a codebook to round to -----------*- C++ -*-===//

#ifndef LOWBIT_QUANTIZE_ENTRYSET_H
#define LOWBIT_QUANTIZE_ENTRYSET_H

#include "lowbit/Support/Scheme.h"

namespace lowbit {

/// The entries of a codebook of vectors, or with signs (then entries of one
/// value too). Every entry is tried: for 2^11 of 8 values a search took about
/// 2 us on Zen 5.
class EntrySet {
public:
  explicit EntrySet(const Scheme &scheme);

  struct Choice {
    uint16_t entry = 0; ///< the first of equals
    double error = 0;   ///< sum of squares
  };
  /// The entry nearest to `count` targets, at most `entryLength` of them, each
  /// value with the better sign where the scheme has signs. With `weights` each
  /// square counts as often as its weight says.
  Choice nearest(const double *targets, int64_t count,
                 const double *weights = nullptr);
  /// What element `i` of an entry stands for, with its better sign.
  double value(unsigned entry, int64_t i, double target) const {
    double magnitude = values[size_t(i) * entries + entry];
    return isNegated(entry, i, target) ? -magnitude : magnitude;
  }
  /// Does the value of element `i` of an entry need its sign to be near
  /// `target`?
  bool isNegated(unsigned entry, int64_t i, double target) const {
    return signs && target * values[size_t(i) * entries + entry] < 0;
  }

private:
  bool signs;
  size_t entries;
  std::vector<double> values; ///< [value of the entry][entry]
  std::vector<double> errors; ///< [entry], of the targets at work
};

} // namespace lowbit

#endif // LOWBIT_QUANTIZE_ENTRYSET_H
