//===- EntrySet.cpp - Entries of a codebook to round to -------------------===//

#include "EntrySet.h"

#include <algorithm>
#include <cmath>

namespace lowbit {

EntrySet::EntrySet(const Scheme &scheme)
    : signs(scheme.signs), entries(scheme.codebook.size() / scheme.entryLength),
      values(scheme.codebook.size()), errors(entries) {
  for (size_t i = 0; i < values.size(); ++i)
    values[i % scheme.entryLength * entries + i / scheme.entryLength] =
        scheme.codebook[i];
}

EntrySet::Choice EntrySet::nearest(const double *targets, int64_t count,
                                   const double *weights) {
  std::fill(errors.begin(), errors.end(), 0.0);
  for (int64_t i = 0; i < count; ++i) {
    const double *value = values.data() + size_t(i) * entries;
    // With the better sign the distance is that of the magnitudes.
    double weight = weights ? weights[i] : 1;
    double target = signs ? std::abs(targets[i]) : targets[i];
    for (size_t entry = 0; entry < entries; ++entry) {
      double error = target - (signs ? std::abs(value[entry]) : value[entry]);
      errors[entry] += weight * error * error;
    }
  }
  auto best = std::min_element(errors.begin(), errors.end());
  return {uint16_t(best - errors.begin()), *best};
}

} // namespace lowbit
