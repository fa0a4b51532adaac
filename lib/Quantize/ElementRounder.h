//===- ElementRounder.h - Codes under fields that are chosen ----*- C++ -*-===//

#ifndef LOWBIT_QUANTIZE_ELEMENTROUNDER_H
#define LOWBIT_QUANTIZE_ELEMENTROUNDER_H

#include "CodeSet.h"
#include "EntrySet.h"

#include <vector>

namespace lowbit {

/// Rounds elements of one group to the nearest codes under its terms.
class ElementRounder {
public:
  explicit ElementRounder(const Scheme &scheme);

  /// Sets the codes, indices and signs of elements first .. first + count - 1
  /// of `row` and, unless null, `result`, what they stand for (N1 of
  /// docs/Numerics.md). Vectors are whole but for the row's last. `weights`,
  /// unless null, choose among vectors' entries.
  void round(const GroupTerms &terms, const float *values, const float *weights,
             int64_t first, int64_t count, RowFields &row, float *result);

private:
  void roundEntries(const float *weights, int64_t first, int64_t count,
                    RowFields &row);
  float valueOf(const GroupTerms &terms, float code) const;

  const Scheme &scheme;
  CodeSet codes;
  EntrySet entries;
  bool hasEntries, hasZero;
  float minSign; ///< 0 without minima
  std::vector<double> targets, doubles;
};

} // namespace lowbit

#endif // LOWBIT_QUANTIZE_ELEMENTROUNDER_H
