//===- ElementRounder.cpp - Codes under fields that are chosen ------------===//

#include "ElementRounder.h"

#include "CellSearch.h"

namespace lowbit {

ElementRounder::ElementRounder(const Scheme &scheme)
    : scheme(scheme), codes(scheme), entries(scheme),
      hasEntries(scheme.isVector() || scheme.signs),
      hasZero(scheme.has(Component::Zero) || scheme.has(Component::Delta)),
      minSign(scheme.has(Component::NegMin) ? -1
              : scheme.has(Component::Min)  ? 1
                                            : 0) {}

/// The formula of dequantizeRow, rounding for rounding.
float ElementRounder::valueOf(const GroupTerms &terms, float code) const {
  float value = hasZero ? code - terms.zero : code;
  value = terms.scale * value;
  return minSign != 0 ? value + minSign * terms.min : value;
}

void ElementRounder::roundEntries(const float *weights, int64_t first,
                                  int64_t count, RowFields &row) {
  for (int64_t i = 0; i < count; i += scheme.entryLength) {
    int64_t length = std::min<int64_t>(scheme.entryLength, count - i);
    doubles.clear();
    double sum = 0;
    for (int64_t j = 0; weights && j < length; ++j) {
      doubles.push_back(sanitizedWeight(weights[i + j]));
      sum += doubles.back();
    }
    const double *chosenBy = sum > 0 ? doubles.data() : nullptr;
    uint16_t entry =
        entries.nearest(&targets[size_t(i)], length, chosenBy).entry;
    if (scheme.isVector())
      row.indices[size_t((first + i) / scheme.entryLength)] = entry;
    else
      row.codes[size_t(first + i)] = uint8_t(entry);
    for (int64_t j = i; scheme.signs && j < i + length; ++j)
      row.signs[size_t(first + j)] =
          entries.isNegated(entry, j - i, targets[size_t(j)]);
  }
}

void ElementRounder::round(const GroupTerms &terms, const float *values,
                           const float *weights, int64_t first, int64_t count,
                           RowFields &row, float *result) {
  double scale = terms.scale, min = double(minSign) * terms.min;
  auto targetOf = [&](float value) {
    return (scale != 0 ? (double(value) - min) / scale : 0) + terms.zero;
  };
  if (!hasEntries) {
    for (int64_t i = 0; i < count; ++i) {
      uint8_t code = codes.nearest(targetOf(values[i]));
      row.codes[size_t(first + i)] = code;
      if (result)
        result[i] = valueOf(terms, float(codes.value(code)));
    }
    return;
  }
  targets.resize(size_t(count));
  for (int64_t i = 0; i < count; ++i)
    targets[size_t(i)] = targetOf(values[i]);
  roundEntries(weights, first, count, row);
  for (int64_t i = 0; result && i < count; ++i)
    result[i] = valueOf(terms, elementValue(scheme, row, first + i));
}

} // namespace lowbit
