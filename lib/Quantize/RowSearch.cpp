//===- RowSearch.cpp - Fields of a row by their weighted error ------------===//

#include "RowSearch.h"

#include <algorithm>
#include <cmath>

namespace lowbit {

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

RowSearch::RowSearch(const Scheme &scheme)
    : scheme(scheme), scales(chainOf(scheme, Component::Scale)),
      mins(chainOf(scheme, Component::Min)),
      zeros(chainOf(scheme, Component::Zero)),
      deltas(chainOf(scheme, Component::Delta)), cell(scheme), rounder(scheme),
      minSign(scheme.has(Component::NegMin) ? -1 : 1) {}

//===- Fields -------------------------------------------------------------===//

static size_t groupOf(const FieldLink &link, int64_t first) {
  return link.group > 0 ? size_t(first / link.group) : 0;
}

uint32_t *RowSearch::inner(const FieldChain &chain, int64_t first,
                           RowFields &row) const {
  if (!isInner(chain))
    return nullptr;
  const FieldLink &link = chain.back();
  return &row.fields[link.level][link.component][groupOf(link, first)];
}

/// The product of a chain's fields above the innermost level, as N1 rounds it.
double RowSearch::outerProduct(const FieldChain &chain, int64_t first,
                               const RowFields &row) const {
  float product = 1;
  for (const FieldLink &link : chain)
    if (link.level + 1 != scheme.levels.size())
      product *= fieldValue(
          link.type,
          row.fields[link.level][link.component][groupOf(link, first)]);
  return product;
}

namespace {
/// A field's candidates.
struct Near {
  uint32_t bits[3];
  int count = 0;
  void add(uint32_t candidate) {
    for (int i = 0; i < count; ++i)
      if (bits[i] == candidate)
        return;
    bits[count++] = candidate;
  }
};
} // namespace

/// The nearest field and, for types so coarse that another one may be better
/// once codes are chosen again, those beside it.
static Near nearFields(const FieldType &type, double wanted) {
  Near near;
  if (std::isnan(wanted))
    wanted = 0;
  wanted = std::clamp(wanted, -3e38, 3e38);
  uint32_t nearest = fieldBits(type, float(wanted));
  near.add(nearest);
  if (type.isInteger()) {
    float value = fieldValue(type, nearest);
    near.add(fieldBits(type, value - 1));
    near.add(fieldBits(type, value + 1));
  } else if (type.kind == FieldType::E8M0 || type.kind == FieldType::E4M3) {
    // Neighbours in bits are neighbours in value, but for the ends.
    for (uint32_t beside : {nearest - 1, nearest + 1})
      if (beside < 256 && std::isfinite(fieldValue(type, beside)) &&
          (type.kind == FieldType::E8M0 || ((beside ^ nearest) & 0x80) == 0))
        near.add(beside);
  }
  return near;
}

/// The values of a field times its outer product.
static std::pair<double, double> rangeOf(const FieldType &type, double outer) {
  if (!type.isInteger())
    return {-kInfinity, kInfinity};
  double low =
      (type.kind == FieldType::SInt ? -double(1 << (type.bits - 1)) : 0) -
      type.offset;
  double high = low + double((1 << type.bits) - 1);
  return std::minmax({low * outer, high * outer});
}

//===- One innermost group ------------------------------------------------===//

double RowSearch::scaleOf(const Group &group, uint32_t bits) const {
  if (!isInner(scales))
    return group.scale;
  return float(group.scale) * fieldValue(scales.back().type, bits);
}

/// With its sign in the sum.
double RowSearch::minOf(const Group &group, uint32_t bits) const {
  if (mins.empty())
    return 0;
  if (!isInner(mins))
    return minSign * group.min;
  return minSign * float(group.min) * fieldValue(mins.back().type, bits);
}

double RowSearch::zeroOf(uint32_t bits) const {
  if (!zeros.empty())
    return fieldValue(zeros.back().type, bits);
  if (deltas.empty())
    return 0;
  const FieldLink &link = deltas.back();
  double magnitude =
      scheme.levels[link.level].components[link.component].magnitude;
  return bits ? magnitude : -magnitude;
}

void RowSearch::attempt(Group &group, uint32_t scaleBits, uint32_t offsetBits) {
  double error = cell.evaluate(scaleOf(group, scaleBits),
                               minOf(group, offsetBits), zeroOf(offsetBits))
                     .error;
  if (error < group.best.error)
    group.best = {scaleBits, offsetBits, error};
}

/// Fields near a wanted scale, or the scale there is.
void RowSearch::attemptScales(Group &group, double wanted,
                              uint32_t offsetBits) {
  if (!isInner(scales))
    return attempt(group, 0, offsetBits);
  double field = group.scale != 0 ? wanted / group.scale : 0;
  Near near = nearFields(scales.back().type, field);
  for (int i = 0; i < near.count; ++i)
    attempt(group, near.bits[i], offsetBits);
}

void RowSearch::chooseScaleAlone(Group &group) {
  double min = minOf(group, 0);
  attemptScales(group,
                group.known ? group.known->scale
                            : cell.fitScale(min, 0, scaleMayBeNegative()).scale,
                0);
}

void RowSearch::chooseMin(Group &group) {
  const FieldType &type = mins.back().type;
  auto [low, high] = rangeOf(type, minSign * group.min);
  auto attemptMins = [&](uint32_t scaleBits, double min) {
    double field = group.min != 0 ? minSign * min / group.min : 0;
    Near near = nearFields(type, field);
    for (int i = 0; i < near.count; ++i)
      attempt(group, scaleBits, near.bits[i]);
  };
  if (!isInner(scales))
    return attemptMins(0, cell.fitMin(group.scale, low, high).min);

  CellSearch::Fit fit = group.known ? *group.known : cell.fitBoth(low, high);
  fit.min = std::clamp(fit.min, low, high);
  double field = group.scale != 0 ? fit.scale / group.scale : 0;
  Near near = nearFields(scales.back().type, field);
  for (int i = 0; i < near.count; ++i) {
    double scale = scaleOf(group, near.bits[i]);
    cell.evaluate(scale, fit.min, 0);
    attemptMins(near.bits[i], std::clamp(cell.bestMin(scale), low, high));
  }
}

void RowSearch::chooseZero(Group &group) {
  bool scaleIsFree = isInner(scales);
  CellSearch::Fit fit = group.known ? *group.known
                        : scaleIsFree
                            ? cell.fitBoth(-kInfinity, kInfinity)
                            : cell.fitMin(group.scale, -kInfinity, kInfinity);
  double wanted = fit.scale != 0 ? -fit.min / fit.scale : 0;
  Near near = nearFields(zeros.back().type, wanted);
  for (int i = 0; i < near.count; ++i) {
    double zero = zeroOf(near.bits[i]), scale = fit.scale;
    // Beyond its type's range the zero point is no longer the scale's partner.
    if (scaleIsFree && std::abs(zero - wanted) > 1.5)
      scale = cell.fitScale(0, zero, false).scale;
    for (int turn = 0; scaleIsFree && turn < 2; ++turn) {
      cell.evaluate(scale, 0, zero);
      scale = cell.bestScale(0);
    }
    attemptScales(group, scale, near.bits[i]);
  }
}

void RowSearch::chooseDelta(Group &group) {
  for (uint32_t bit : {0u, 1u})
    attemptScales(
        group,
        isInner(scales)
            ? cell.fitScale(0, zeroOf(bit), scaleMayBeNegative()).scale
            : 0,
        bit);
}

void RowSearch::chooseInner(const float *values, const float *weights,
                            int64_t first, int64_t count, RowFields &row,
                            const CellSearch::Fit *known) {
  uint32_t *scale = inner(scales, first, row);
  uint32_t *offset = inner(offsets(), first, row);
  if (scheme.levels.back().group == Level::kTensor || (!scale && !offset))
    return;
  cell.load(values, weights, count);
  Group group;
  group.first = first;
  group.known = known;
  group.scale = outerProduct(scales, first, row);
  group.min = outerProduct(mins, first, row);
  attempt(group, scale ? *scale : 0, offset ? *offset : 0);
  if (isInner(mins))
    chooseMin(group);
  else if (isInner(zeros))
    chooseZero(group);
  else if (isInner(deltas))
    chooseDelta(group);
  else
    chooseScaleAlone(group);
  if (scale)
    *scale = group.best.scale;
  if (offset)
    *offset = group.best.offset;
}

RowSearch::InnerFields RowSearch::getInner(int64_t first,
                                           RowFields &row) const {
  const uint32_t *scale = inner(scales, first, row),
                 *offset = inner(offsets(), first, row);
  return {scale ? *scale : 0, offset ? *offset : 0};
}

void RowSearch::putInner(int64_t first, InnerFields fields,
                         RowFields &row) const {
  if (uint32_t *scale = inner(scales, first, row))
    *scale = fields.scale;
  if (uint32_t *offset = inner(offsets(), first, row))
    *offset = fields.offset;
}

void RowSearch::setInner(int64_t first, double scale, double min,
                         RowFields &row) const {
  auto nearest = [](const FieldChain &chain, double wanted) {
    return nearFields(chain.back().type, wanted).bits[0];
  };
  if (uint32_t *bits = inner(scales, first, row)) {
    double outer = outerProduct(scales, first, row);
    *bits = nearest(scales, outer != 0 ? scale / outer : 0);
  }
  if (uint32_t *bits = inner(mins, first, row)) {
    double outer = outerProduct(mins, first, row);
    *bits = nearest(mins, outer != 0 ? minSign * min / outer : 0);
  }
  if (uint32_t *bits = inner(zeros, first, row)) {
    double stored = groupTerms(scheme, row, first).scale;
    *bits = nearest(zeros, stored != 0 ? -min / stored : 0);
  }
}

//===- Outer levels -------------------------------------------------------===//

/// sum curvature (target - outer * field)^2 with the nearest fields of `inner`.
static double lossUnder(double outer, const FieldType &inner,
                        const double *targets, const double *curvatures,
                        size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; ++i) {
    double wanted = outer != 0 ? targets[i] / outer : 0;
    double left =
        targets[i] - outer * fieldValue(inner, fieldBits(inner, float(wanted)));
    sum += curvatures[i] * left * left;
  }
  return sum;
}

/// The outer field that loses least of its targets, among those around the one
/// that brings the largest to the end of the inner type.
static uint32_t bestOuter(const FieldChain &chain, size_t depth,
                          const double *targets, const double *curvatures,
                          size_t count) {
  const FieldType &type = chain[depth].type, &inner = chain[depth + 1].type;
  double reach = 1;
  for (size_t i = depth + 2; i < chain.size(); ++i)
    reach *= extremes(chain[i].type).front();
  uint32_t base = chooseField(chain, depth, targets, count), best = base;
  double wanted = fieldValue(type, base);
  double least = lossUnder(wanted * reach, inner, targets, curvatures, count);
  if (!inner.isInteger() && inner.kind != FieldType::E4M3)
    return best;
  constexpr int kSteps = 24; // 0.6 to 1.4
  for (int step = -kSteps; step <= kSteps; ++step) {
    uint32_t bits = fieldBits(type, float(wanted * (1 + 0.4 * step / kSteps)));
    double loss = lossUnder(double(fieldValue(type, bits)) * reach, inner,
                            targets, curvatures, count);
    if (loss < least) {
      least = loss;
      best = bits;
    }
  }
  return best;
}

/// Fills the fields of a chain but its innermost so that the products can come
/// near `targets`, one for each innermost group.
void RowSearch::storeOuter(const FieldChain &chain, std::vector<double> targets,
                           const std::vector<double> &curvatures, int64_t count,
                           RowFields &block) {
  int64_t cellSize = elementsOf(scheme.innerGroup(), count);
  for (size_t depth = 0; depth + 1 < chain.size(); ++depth) {
    const FieldLink &link = chain[depth];
    std::vector<uint32_t> &fields = block.fields[link.level][link.component];
    size_t perGroup =
        size_t((elementsOf(link.group, count) + cellSize - 1) / cellSize);
    for (size_t group = 0; group < fields.size(); ++group) {
      size_t first = std::min(group * perGroup, targets.size());
      size_t last = std::min(first + perGroup, targets.size());
      if (link.group != Level::kTensor && last > first)
        fields[group] = bestOuter(chain, depth, targets.data() + first,
                                  curvatures.data() + first, last - first);
      double stored = fieldValue(link.type, fields[group]);
      for (size_t i = first; i < last; ++i)
        targets[i] = stored != 0 ? targets[i] / stored : 0;
    }
  }
}

/// Are the best real terms of a group the same under all outer fields?
bool RowSearch::realTermsAreFixed() const {
  return isInner(scales) && deltas.empty() && (mins.empty() || isInner(mins));
}

/// The best real terms of the group at work.
CellSearch::Fit RowSearch::fitReal() {
  if (!zeros.empty())
    return cell.fitBoth(-kInfinity, kInfinity);
  if (!mins.empty())
    return cell.fitBoth(-kInfinity, isSigned(mins.back().type) ? kInfinity : 0);
  return cell.fitScale(0, 0, scaleMayBeNegative());
}

/// Outer fields for the best real terms of the innermost groups.
void RowSearch::chooseOuter(int64_t count, RowFields &block) {
  std::vector<double> scaleTargets, minTargets, curvatures;
  for (const CellSearch::Fit &fit : fits) {
    scaleTargets.push_back(fit.scale);
    minTargets.push_back(minSign * fit.min);
    curvatures.push_back(fit.curvature);
  }
  storeOuter(scales, std::move(scaleTargets), curvatures, count, block);
  if (!mins.empty())
    storeOuter(mins, std::move(minTargets), masses, count, block);
}

namespace {
/// Least squares of y = a p + b q, in sums.
struct TwoTerms {
  double aa = 0, bb = 0, ab = 0, ay = 0, by = 0;
  void add(double weight, double a, double b, double y) {
    aa += weight * a * a;
    bb += weight * b * b;
    ab += weight * a * b;
    ay += weight * a * y;
    by += weight * b * y;
  }
  std::pair<double, double> solve() const {
    double determinant = aa * bb - ab * ab;
    if (determinant > 1e-10 * aa * bb)
      return {(ay * bb - by * ab) / determinant,
              (by * aa - ay * ab) / determinant};
    return {aa > 0 ? ay / aa : 0, aa > 0 ? 0 : bb > 0 ? by / bb : 0};
  }
};
} // namespace

static const FieldLink *linkAt(const FieldChain &chain, size_t level) {
  for (const FieldLink &link : chain)
    if (link.level == level)
      return &link;
  return nullptr;
}

/// The fields of one outer level by least squares for the codes and the other
/// fields as they are.
void RowSearch::refitLevel(size_t level, const float *values,
                           const float *weights, int64_t count,
                           RowFields &block) {
  const FieldLink *scale = linkAt(scales, level), *min = linkAt(mins, level);
  int64_t size = elementsOf(scheme.levels[level].group, count);
  int64_t cellSize = elementsOf(scheme.innerGroup(), count);
  for (int64_t first = 0; first < count; first += size) {
    auto at = [&](const FieldLink *link) -> uint32_t * {
      return link ? &block.fields[link->level][link->component]
                                 [groupOf(*link, first)]
                  : nullptr;
    };
    uint32_t *scaleBits = at(scale), *minBits = at(min);
    double oldScale = scale ? fieldValue(scale->type, *scaleBits) : 0,
           oldMin = min ? fieldValue(min->type, *minBits) : 0;
    TwoTerms terms;
    for (int64_t i = first; i < std::min(first + size, count); ++i) {
      GroupTerms group = groupTerms(scheme, block, i / cellSize * cellSize);
      double code = double(elementValue(scheme, block, i)) - group.zero;
      double product = group.scale * code, offset = minSign * group.min;
      double a = oldScale != 0 ? product / oldScale : 0,
             b = oldMin != 0 ? offset / oldMin : 0;
      terms.add(weights ? sanitizedWeight(weights[i]) : 1, a, b,
                values[i] - (a != 0 ? 0 : product) -
                    (b != 0 || mins.empty() ? 0 : offset));
    }
    auto [newScale, newMin] = terms.solve();
    if (scale && oldScale != 0)
      *scaleBits = fieldBits(scale->type, float(newScale));
    if (min && oldMin != 0 && terms.bb > 0)
      *minBits = fieldBits(min->type, float(newMin));
  }
}

/// False if there is no outer level whose fields are free.
bool RowSearch::refitOuter(const float *values, const float *weights,
                           int64_t count, RowFields &block) {
  bool any = false;
  for (size_t level = 0; level + 1 < scheme.levels.size(); ++level)
    if (scheme.levels[level].group != Level::kTensor) {
      refitLevel(level, values, weights, count, block);
      any = true;
    }
  return any;
}

//===- Blocks -------------------------------------------------------------===//

/// Inner fields and codes under the outer fields of `block`.
void RowSearch::roundBlock(const float *values, const float *weights,
                           int64_t count, RowFields &block) {
  int64_t size = elementsOf(scheme.innerGroup(), count);
  for (int64_t first = 0; first < count; first += size) {
    const float *weightsHere = weights ? weights + first : nullptr;
    int64_t length = std::min(size, count - first);
    chooseInner(values + first, weightsHere, first, length, block,
                fits.empty() ? nullptr : &fits[size_t(first / size)]);
    rounder.round(groupTerms(scheme, block, first), values + first, weightsHere,
                  first, length, block, nullptr);
  }
}

double RowSearch::error(const float *values, const float *weights,
                        int64_t count, const RowFields &block) {
  dequantized.resize(size_t(count));
  dequantizeRow(scheme, block, count, dequantized.data());
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    double left = double(values[i]) - dequantized[size_t(i)];
    sum += (weights ? sanitizedWeight(weights[i]) : 1) * left * left;
  }
  return sum;
}

void RowSearch::improveBlock(const float *values, const float *weights,
                             int64_t count, RowFields &block) {
  double least = error(values, weights, count, block);
  RowFields trial = block;
  fits.clear();
  masses.clear();
  bool isNested = scales.size() > 1 || mins.size() > 1;
  if (isNested && realTermsAreFixed()) {
    int64_t size = elementsOf(scheme.innerGroup(), count);
    for (int64_t first = 0; first < count; first += size) {
      cell.load(values + first, weights ? weights + first : nullptr,
                std::min(size, count - first));
      fits.push_back(fitReal());
      masses.push_back(cell.sumOfWeights());
    }
    chooseOuter(count, trial);
  }
  constexpr int kTurns = 4;
  for (int turn = 0; turn < kTurns; ++turn) {
    roundBlock(values, weights, count, trial);
    double found = error(values, weights, count, trial);
    if (found < least) {
      least = found;
      block = trial;
    } else if (turn) {
      break;
    }
    if (!refitOuter(values, weights, count, trial))
      break;
  }
}

/// Copies what belongs to elements first .. first + count - 1 of a row between
/// the row and a row of these elements alone.
static void copyBlock(const Scheme &scheme, int64_t first, int64_t count,
                      RowFields &row, RowFields &block, bool toBlock) {
  auto copy = [&](auto &whole, auto &part, int64_t offset) {
    auto from = whole.begin() + offset;
    if (toBlock)
      std::copy_n(from, part.size(), part.begin());
    else
      std::copy(part.begin(), part.end(), from);
  };
  copy(row.codes, block.codes, row.codes.empty() ? 0 : first);
  copy(row.signs, block.signs, row.signs.empty() ? 0 : first);
  copy(row.indices, block.indices,
       first / scheme.entryLength * int64_t(!row.indices.empty()));
  for (size_t level = 0; level < scheme.levels.size(); ++level) {
    int64_t group = scheme.levels[level].group;
    for (size_t i = 0; i < row.fields[level].size(); ++i)
      copy(row.fields[level][i], block.fields[level][i],
           group > 0 ? first / group : 0);
  }
}

void RowSearch::improve(const float *values, const float *weights,
                        int64_t columns, RowFields &row) {
  if (scheme.isFloat() || scheme.levels.back().group == Level::kTensor)
    return;
  const Level &outermost = scheme.levels.front().group == Level::kTensor
                               ? scheme.levels[1]
                               : scheme.levels[0];
  int64_t size = elementsOf(outermost.group, columns);
  RowFields block;
  for (int64_t first = 0; first < columns; first += size) {
    int64_t count = std::min(size, columns - first);
    block.resize(scheme, count);
    copyBlock(scheme, first, count, row, block, true);
    improveBlock(values + first, weights ? weights + first : nullptr, count,
                 block);
    copyBlock(scheme, first, count, row, block, false);
  }
}

} // namespace lowbit
