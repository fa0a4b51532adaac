//===- RowQuantizer.cpp - Rows to codes as a quantizer says ---------------===//
//
// Every rounded() is one that docs/Numerics.md, N9, writes as fl(); the file is
// compiled without contraction. Comparisons are written so that NaN passes
// through, as it does in the systems that these numerics come from.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Quantize/RowQuantizer.h"

#include "lowbit/Support/Float.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lowbit {

using Range = Quantizer::Range;

/// What a group's elements are quantized with.
struct RowQuantizer::Terms {
  float scale = 1;  ///< as stored; of a divisor D
  float outer = 1;  ///< the tensor's scale above it
  float factor = 1; ///< multiplies x, or divides it
  float zero = 0;   ///< z
  float min = 0;    ///< M as stored
  float base = 0;   ///< taken from x before it is divided; of a proximal search
                    ///< added to x when it is multiplied
};

//===- Floats -------------------------------------------------------------===//

static float roundedTo(FieldType::Kind type, float value) {
  switch (type) {
  case FieldType::F16:
    return fromF16(toF16(value));
  case FieldType::BF16:
    return fromBF16(toBF16(value));
  default:
    return value;
  }
}

float RowQuantizer::rounded(float value) const {
  return roundedTo(quantizer.type, value);
}

/// max(value, least); NaN stays NaN.
static float atLeast(float value, float least) {
  return value < least ? least : value;
}
static float within(float value, float low, float high) {
  return value < low ? low : value > high ? high : value;
}
/// The larger of both; NaN if one is.
static float larger(float a, float b) { return a > b || a != a ? a : b; }
static float smaller(float a, float b) { return a < b || a != a ? a : b; }

static float roundInteger(Rounding rounding, float value) {
  switch (rounding) {
  case Rounding::NearestEven:
    return std::nearbyint(value);
  case Rounding::NearestAway:
    return std::round(value);
  case Rounding::Toward0:
    return std::trunc(value);
  }
  return value;
}

/// The power of two at or below a positive number, within e8m0.
static uint32_t powerBelow(float value) { return toF32(value) >> 23 & 255; }

/// Bits of a field; unlike fieldBits(), infinity stays infinity: what a system
/// makes of it is part of its numerics.
static uint32_t exactBits(const FieldType &type, float value) {
  switch (type.kind) {
  case FieldType::F32:
    return toF32(value);
  case FieldType::F16:
    return toF16(value);
  case FieldType::BF16:
    return toBF16(value);
  default:
    return fieldBits(type, value);
  }
}

//===- Construction -------------------------------------------------------===//

static const Component &scaleOf(const Level &level) {
  for (const Component &component : level.components)
    if (component.role == Component::Scale ||
        component.role == Component::Divisor)
      return component;
  return level.components.front();
}

RowQuantizer::RowQuantizer(const Quantizer &quantizer, const Scheme &scheme)
    : quantizer(quantizer), scheme(scheme), range(codeRange(quantizer, scheme)),
      hasDivisor(scheme.has(Component::Divisor)),
      isNested(scheme.levels.size() > 1),
      hasEntries(scheme.kind == CodeKind::Codebook),
      scaleType(scaleOf(scheme.levels.back()).type) {
  if (!hasEntries)
    return;
  const std::vector<float> &entries = scheme.codebook;
  for (size_t code = 0; code < entries.size(); ++code)
    sorted.push_back(uint8_t(code));
  auto key = [&](uint8_t code) {
    return std::make_pair(entries[code], !std::signbit(entries[code]));
  };
  std::sort(sorted.begin(), sorted.end(), [&](uint8_t a, uint8_t b) {
    return std::make_pair(key(a), a) < std::make_pair(key(b), b);
  });
  auto equal = [&](uint8_t a, uint8_t b) { return key(a) == key(b); };
  sorted.erase(std::unique(sorted.begin(), sorted.end(), equal), sorted.end());
}

//===- The matrix ---------------------------------------------------------===//

bool RowQuantizer::needsTotals() const {
  return scheme.levels.front().group == Level::kTensor ||
         quantizer.refine > 0 || quantizer.proximal > 0;
}

void RowQuantizer::observe(const float *x, int64_t columns,
                           MatrixTotals &totals) const {
  for (int64_t i = 0; i < columns; ++i) {
    float size = std::fabs(rounded(x[i]));
    totals.magnitudes.add(size);
    totals.largest = larger(size, totals.largest);
  }
  if (!quantizer.refine && !quantizer.proximal)
    return;
  totals.changes.resize(size_t(quantizer.refine));
  totals.errors.resize(size_t(quantizer.proximal), CascadeSum(totals.elements));
  int64_t group = scheme.innerGroup() > 0 ? scheme.innerGroup() : columns;
  for (int64_t first = 0; first < columns; first += group) {
    int64_t count = std::min(group, columns - first);
    Terms terms;
    if (quantizer.proximal) {
      searchMinimum(x + first, count, quantizer.proximal, totals.errors.data(),
                    terms);
      continue;
    }
    chooseAbsolute(x + first, count, totals, terms);
    refine(x + first, count, quantizer.refine, totals.changes.data(), terms);
  }
}

/// Refining ends for all groups at once, behind the first step in which no
/// scale changes by more than 1e-5 of itself.
int RowQuantizer::stepsOf(const MatrixTotals &totals) const {
  for (size_t step = 0; step < totals.changes.size(); ++step)
    if (totals.changes[step] < 1e-5f)
      return int(step) + 1;
  return quantizer.refine;
}

/// A search ends for all groups at once, behind the first step that did not
/// begin with a smaller mean error than all before.
int RowQuantizer::searchStepsOf(const MatrixTotals &totals) const {
  float best = 1e4f;
  for (size_t step = 0; step < totals.errors.size(); ++step) {
    float error = totals.errors[step].sum() / float(totals.elements);
    if (!(error < best))
      return int(step) + 1;
    best = error;
  }
  return quantizer.proximal;
}

float RowQuantizer::tensorScale(const MatrixTotals &totals) const {
  // A tensor of zeros has no scale: any is as good.
  return totals.largest == 0 ? 1 : totals.largest / quantizer.outerReach;
}

//===- Fields of a group --------------------------------------------------===//

/// Scale and factor from what the scale should be.
void RowQuantizer::storeScale(float scale, Terms &terms) const {
  if (isNested)
    scale = scale / terms.outer;
  scale = atLeast(scale, rounded(quantizer.leastScale));
  uint32_t bits =
      quantizer.floorScale ? powerBelow(scale) : exactBits(scaleType, scale);
  terms.scale = fieldValue(scaleType, bits);
  if (quantizer.apply == Quantizer::Apply::Divide) {
    terms.factor = isNested ? terms.outer * terms.scale : terms.scale;
    // The least e8m0 is no normal number.
    if (scaleType.kind == FieldType::E8M0)
      terms.factor = atLeast(terms.factor, 0x1p-126f);
    return;
  }
  float one = isNested ? rounded(1 / terms.outer) : 1;
  terms.factor = rounded(one / terms.scale);
}

void RowQuantizer::chooseAbsolute(const float *x, int64_t count,
                                  const MatrixTotals &totals,
                                  Terms &terms) const {
  bool ofTensor = scheme.innerGroup() == Level::kTensor;
  float a = ofTensor ? totals.largest : 0;
  CascadeSum sizes(count);
  for (int64_t i = 0; !ofTensor && i < count; ++i) {
    float size = std::fabs(rounded(x[i]));
    a = larger(size, a);
    sizes.add(size);
  }
  if (quantizer.range == Range::AbsMean)
    a = rounded(ofTensor ? totals.magnitudes.sum() / float(totals.elements)
                         : sizes.sum() / float(count));
  a = atLeast(a, rounded(quantizer.leastRange));
  if (!hasDivisor)
    return storeScale(rounded(a / quantizer.reach), terms);
  float divisor = rounded(rounded(1 / a) * quantizer.reach);
  terms.scale = fieldValue(scaleType, exactBits(scaleType, divisor));
  terms.factor = terms.scale;
}

void RowQuantizer::chooseFromEnds(const float *x, int64_t count,
                                  Terms &terms) const {
  float low = rounded(x[0]), high = low;
  for (int64_t i = 1; i < count; ++i) {
    low = smaller(rounded(x[i]), low);
    high = larger(rounded(x[i]), high);
  }
  if (quantizer.range != Range::Span) {
    low = smaller(low, 0);
    high = larger(high, 0);
  }
  auto least = float(range.low), most = float(range.high);
  if (quantizer.range == Range::Ends) {
    float below = rounded(low / least), above = rounded(high / most);
    return storeScale(below > above ? below : above, terms);
  }
  storeScale(rounded(rounded(high - low) / (most - least)), terms);
  if (quantizer.range == Range::MinMax) {
    float zero =
        roundInteger(Rounding::NearestEven, rounded(low / terms.scale));
    terms.zero = within(rounded(least - zero), least, most);
    return;
  }
  float middle = rounded(terms.scale * -least);
  terms.min = rounded(low + middle);
  terms.base = rounded(terms.min - middle);
}

/// Least squares between codes and elements: s = <x, c> / <c, c>. Keeps the
/// largest relative change of each step, if anyone asks.
void RowQuantizer::refine(const float *x, int64_t count, int steps,
                          float *changes, Terms &terms) const {
  float least = rounded(quantizer.leastScale);
  for (int step = 0; step < steps; ++step) {
    CascadeSum products(count);
    float squares = 0; // exact: of integers
    for (int64_t i = 0; i < count; ++i) {
      float c = code(x[i], terms);
      products.add(rounded(rounded(x[i]) * c));
      squares += c * c;
    }
    float before = terms.scale, after = before;
    if (squares > 0)
      after = rounded(products.sum() / squares);
    after = std::fabs(atLeast(after, least));
    storeScale(after, terms);
    float change = std::fabs(after - before) / atLeast(before, least);
    if (changes)
      changes[step] = larger(change, changes[step]);
  }
}

/// The part of an error that is worth keeping: the proximal operator of
/// |d|^0.7.
static float shrunk(float d, float weight) {
  float size = std::fabs(d);
  if (size == 0)
    return 0;
  auto power = float(std::pow(double(size), 0.7 - 1));
  return std::copysign(std::max(size - weight * power, 0.0f), d);
}

/// Half-quadratic search (HQQ) with codes q = rn(x D + z) that count from 0: in
/// turn the errors that stay, and the z that explains the others. D stays.
void RowQuantizer::searchMinimum(const float *x, int64_t count, int steps,
                                 CascadeSum *errors, Terms &terms) const {
  auto least = float(range.low), most = float(range.high);
  float low = x[0], high = x[0];
  for (int64_t i = 1; i < count; ++i) {
    low = smaller(x[i], low);
    high = larger(x[i], high);
  }
  float limit = quantizer.leastScale > 0 ? 1 / quantizer.leastScale
                                         : std::numeric_limits<float>::max();
  float divisor = std::min((1 / (high - low)) * (most - least), limit);
  terms.factor = divisor;
  float &zero = terms.base;
  zero = -low * divisor;
  if (scheme.bits == 4)
    zero = std::nearbyint(zero);
  double beta = 10;
  for (int step = 0; step < steps; ++step, beta *= 1.01) {
    CascadeSum sum(count);
    for (int64_t i = 0; i < count; ++i) {
      float q = code(x[i], terms) - least;
      float error = x[i] - (q - zero) / divisor;
      if (errors)
        errors[step].add(std::fabs(error));
      sum.add(q - (x[i] - shrunk(error, float(1 / beta))) * divisor);
    }
    zero = sum.sum() / float(count);
  }
  float scale = 1 / divisor;
  terms.scale = fieldValue(scaleType, exactBits(scaleType, scale));
  terms.min = (-least - zero) * scale;
}

RowQuantizer::Terms RowQuantizer::choose(const float *x, int64_t count,
                                         const MatrixTotals &totals) const {
  Terms terms;
  if (isNested)
    terms.outer = tensorScale(totals);
  if (quantizer.proximal) {
    searchMinimum(x, count, searchStepsOf(totals), nullptr, terms);
    return terms;
  }
  if (quantizer.range == Range::AbsMax || quantizer.range == Range::AbsMean)
    chooseAbsolute(x, count, totals, terms);
  else
    chooseFromEnds(x, count, terms);
  refine(x, count, stepsOf(totals), nullptr, terms);
  return terms;
}

//===- Elements -----------------------------------------------------------===//

/// Of entries equally near the one with the even code.
float RowQuantizer::nearestEntry(float x) const {
  const std::vector<float> &entries = scheme.codebook;
  if (x != x)
    return x;
  auto key = [](float t) { return std::make_pair(t, !std::signbit(t)); };
  auto isBelow = [&](uint8_t code, float t) {
    return key(entries[code]) < key(t);
  };
  auto isAbove = [&](uint8_t code) { return key(x) < key(entries[code]); };
  auto above = std::lower_bound(sorted.begin(), sorted.end(), x, isBelow);
  if (above == sorted.begin() || (above != sorted.end() && !isAbove(*above)))
    return *above;
  if (above == sorted.end())
    return above[-1];
  uint8_t low = above[-1], high = *above;
  float below = rounded(x - entries[low]), rest = rounded(entries[high] - x);
  if (below != rest)
    return below < rest ? low : high;
  return low & 1 ? high : low;
}

/// The c of an element; of a codebook the index of its entry. NaN has none.
float RowQuantizer::code(float x, const Terms &terms) const {
  float t = rounded(x);
  if (quantizer.range == Range::Span && !quantizer.proximal)
    t = rounded(t - terms.base);
  t = rounded(quantizer.apply == Quantizer::Apply::Divide ? t / terms.factor
                                                          : t * terms.factor);
  if (hasEntries)
    return nearestEntry(t);
  if (quantizer.proximal)
    t = rounded(t + terms.base);
  t = roundInteger(scheme.rounding, t);
  if (quantizer.range == Range::Span)
    t += float(range.low);
  else if (!hasDivisor) // -0 becomes 0
    t = rounded(t + terms.zero);
  return within(t, float(range.low), float(range.high));
}

float RowQuantizer::value(float code, const Terms &terms) const {
  if (code != code)
    return code;
  float c = hasEntries ? scheme.codebook[size_t(code)] : code;
  c = rounded(c - terms.zero);
  if (hasDivisor)
    return rounded(c / terms.scale);
  float v = rounded(c * (isNested ? terms.outer * terms.scale : terms.scale));
  return quantizer.range == Range::Span ? rounded(v + terms.min) : v;
}

uint8_t RowQuantizer::rawCode(float code) const {
  int c = code != code ? 0 : int(code);
  if (hasEntries)
    return uint8_t(c);
  int offset = scheme.kind == CodeKind::Ternary ? 1 : scheme.offset;
  return uint8_t(c + offset) & uint8_t((1u << scheme.bits) - 1);
}

void RowQuantizer::store(const Terms &terms, size_t group,
                         RowFields &row) const {
  if (isNested)
    row.fields[0][0][0] =
        exactBits(scheme.levels[0].components[0].type, terms.outer);
  const Level &level = scheme.levels.back();
  for (size_t i = 0; i < level.components.size(); ++i) {
    const Component &component = level.components[i];
    float field = component.role == Component::Zero  ? terms.zero
                  : component.role == Component::Min ? terms.min
                                                     : terms.scale;
    row.fields.back()[i][group] = exactBits(component.type, field);
  }
}

//===- Rows ---------------------------------------------------------------===//

/// Calls visit(group, first, last, terms) for each group of the innermost
/// level.
template <typename Visit>
void RowQuantizer::overGroups(const float *x, int64_t columns,
                              const MatrixTotals &totals, Visit visit) const {
  int64_t length = scheme.innerGroup() > 0 ? scheme.innerGroup() : columns;
  size_t group = 0;
  for (int64_t first = 0; first < columns; first += length, ++group) {
    int64_t last = std::min(first + length, columns);
    visit(group, first, last, choose(x + first, last - first, totals));
  }
}

void RowQuantizer::quantize(const float *x, int64_t columns, RowFields &row,
                            const MatrixTotals &totals) const {
  row.resize(scheme, columns);
  overGroups(
      x, columns, totals,
      [&](size_t group, int64_t first, int64_t last, const Terms &terms) {
        store(terms, group, row);
        for (int64_t i = first; i < last; ++i)
          row.codes[size_t(i)] = rawCode(code(x[i], terms));
      });
}

void RowQuantizer::fakeQuantize(const float *x, int64_t columns, float *values,
                                const MatrixTotals &totals) const {
  overGroups(x, columns, totals,
             [&](size_t, int64_t first, int64_t last, const Terms &terms) {
               for (int64_t i = first; i < last; ++i)
                 values[i] = value(code(x[i], terms), terms);
             });
}

void RowQuantizer::fakeQuantize(const float *x, int64_t columns,
                                const GivenFields &given, float *values) const {
  int64_t length = scheme.innerGroup() > 0 ? scheme.innerGroup() : columns;
  for (int64_t first = 0; first < columns; first += length) {
    auto group = size_t(first / length);
    Terms terms;
    terms.scale = given.scales[group];
    terms.factor = quantizer.apply == Quantizer::Apply::Divide
                       ? terms.scale
                       : rounded(1 / terms.scale);
    terms.zero = given.zeros ? given.zeros[group] : 0;
    for (int64_t i = first; i < std::min(first + length, columns); ++i)
      values[i] = value(code(x[i], terms), terms);
  }
}

} // namespace lowbit
