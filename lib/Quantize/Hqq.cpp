//===- Hqq.cpp - Half-quadratic quantization ------------------------------===//

#include "lowbit/Quantize/Hqq.h"

#include "RowSearch.h"
#include "lowbit/Quantize/RoundToNearest.h"

#include <algorithm>
#include <cmath>

namespace lowbit {

namespace {
/// One innermost group at work.
class HqqGroup {
public:
  HqqGroup(const Scheme &scheme, const HqqOptions &options)
      : scheme(scheme), options(options), search(scheme), rounder(scheme),
        minSign(scheme.has(Component::NegMin) ? -1.0 : 1.0),
        hasOffset(scheme.has(Component::Min) || scheme.has(Component::NegMin) ||
                  scheme.has(Component::Zero)) {}

  void run(const float *values, int64_t first, int64_t count, RowFields &row);

private:
  double norm(const float *values, int64_t count) const;
  double shrunk(double residual, double beta) const;
  void refit(const float *values, int64_t first, int64_t count, double beta,
             RowFields &row);

  const Scheme &scheme;
  const HqqOptions &options;
  RowSearch search;
  ElementRounder rounder;
  double minSign;
  bool hasOffset;
  std::vector<float> result;
};
} // namespace

double HqqGroup::norm(const float *values, int64_t count) const {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i)
    sum +=
        std::pow(std::abs(double(values[i]) - result[size_t(i)]), options.norm);
  return sum;
}

/// The proximal step of |e|^p, by its generalized soft threshold.
double HqqGroup::shrunk(double residual, double beta) const {
  double magnitude = std::abs(residual);
  if (magnitude == 0)
    return 0;
  double left = magnitude - std::pow(magnitude, options.norm - 1) / beta;
  return left > 0 ? std::copysign(left, residual) : 0;
}

/// New fields for the codes of `row` and what the shrunk residuals leave.
void HqqGroup::refit(const float *values, int64_t first, int64_t count,
                     double beta, RowFields &row) {
  GroupTerms terms = groupTerms(scheme, row, first);
  double scale = terms.scale;
  if (scale == 0)
    return;
  double n = double(count), c1 = 0, c2 = 0, y1 = 0, cy = 0;
  bool hasZero = scheme.has(Component::Zero);
  for (int64_t i = 0; i < count; ++i) {
    double residual = (double(values[i]) - result[size_t(i)]) / scale;
    double wanted = values[i] - scale * shrunk(residual, beta);
    double code = elementValue(scheme, row, first + i);
    if (!hasZero) // a delta is part of its code
      code -= terms.zero;
    c1 += code;
    c2 += code * code;
    y1 += wanted;
    cy += code * wanted;
  }
  double determinant = n * c2 - c1 * c1;
  if (!hasOffset) {
    double min = minSign * terms.min;
    return search.setInner(first, c2 > 0 ? (cy - min * c1) / c2 : 0, 0, row);
  }
  if (options.fitScale && determinant > 1e-9 * n * c2)
    scale = (n * cy - c1 * y1) / determinant;
  search.setInner(first, scale, (y1 - scale * c1) / n, row);
}

void HqqGroup::run(const float *values, int64_t first, int64_t count,
                   RowFields &row) {
  auto round = [&](RowFields &into) {
    rounder.round(groupTerms(scheme, into, first), values, nullptr, first,
                  count, into, result.data());
    return norm(values, count);
  };
  result.resize(size_t(count));
  double least = round(row), beta = options.beta;
  RowSearch::InnerFields best = search.getInner(first, row), start = best;
  for (int turn = 0; turn < options.turns; ++turn, beta *= options.growth) {
    refit(values, first, count, beta, row);
    RowSearch::InnerFields now = search.getInner(first, row);
    if (turn && now == start)
      break; // nothing moves any more
    start = now;
    double found = round(row);
    if (found < least) {
      least = found;
      best = now;
    }
  }
  search.putInner(first, best, row);
  round(row);
}

void hqq(const Scheme &scheme, const float *values, int64_t columns,
         RowFields &row, const HqqOptions &options) {
  roundToNearest(scheme, values, columns, row);
  if (scheme.isFloat() || scheme.innerGroup() == Level::kTensor)
    return;
  std::vector<float> finite(values, values + columns);
  for (float &value : finite)
    if (!std::isfinite(value))
      value = 0;
  HqqGroup group(scheme, options);
  int64_t size = elementsOf(scheme.innerGroup(), columns);
  for (int64_t first = 0; first < columns; first += size)
    group.run(finite.data() + first, first, std::min(size, columns - first),
              row);
}

} // namespace lowbit
