//===- LowBit.cpp - The ops of the lowbit dialect, evaluated --------------===//
//
// Steps in f32 are those that docs/Numerics.md writes as fl(); this file is
// compiled without contraction to fused multiply-adds.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Reference/LowBit.h"

#include "lowbit/Quantize/RoundToNearest.h"
#include "lowbit/Quantize/RowQuantizer.h"
#include "lowbit/Support/Float.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace lowbit::reference {

//===- Quantize and dequantize --------------------------------------------===//

/// Two's complement codes under one level of one scale, f32 or a power of two:
/// the schemes of activations, whose steps N2 fixes.
static bool isSymmetric(const Scheme &scheme) {
  return scheme.kind == CodeKind::Signed && scheme.bits > 1 &&
         scheme.levels.size() == 1 &&
         scheme.levels[0].group != Level::kTensor &&
         scheme.levels[0].components.size() == 1 &&
         scheme.levels[0].components[0].role == Component::Scale &&
         (scheme.levels[0].components[0].type.kind == FieldType::F32 ||
          scheme.levels[0].components[0].type.kind == FieldType::E8M0);
}

static float roundedTo(Rounding rounding, float x) {
  switch (rounding) {
  case Rounding::NearestEven:
    return std::nearbyint(x);
  case Rounding::NearestAway:
    return std::round(x);
  case Rounding::Toward0:
    return std::trunc(x);
  }
  return x;
}

/// The power of two that N2 gives a group of a largest magnitude.
static float powerOfTwoScale(float largest, float limit) {
  int exponent = -60;
  while (exponent < 60 && !(largest <= std::ldexp(limit, exponent)))
    ++exponent;
  return std::ldexp(1.0f, exponent);
}

/// One group of a symmetric scheme; returns its scale.
static float quantizeGroup(const Scheme &scheme, const float *x, int64_t count,
                           uint8_t *codes) {
  const float limit = static_cast<float>((1 << (scheme.bits - 1)) - 1);
  const auto mask = static_cast<uint8_t>((1u << scheme.bits) - 1);
  float largest = 0;
  for (int64_t i = 0; i < count; ++i)
    largest = std::max(largest, std::fabs(x[i]));
  // Below 2^-120, limit / largest would overflow (Numerics N2).
  bool isZero = largest < 0x1p-120f;
  float scale = isZero ? 0 : largest / limit;
  float inverse = isZero ? 0 : limit / largest;
  if (scheme.levels[0].components[0].type.kind == FieldType::E8M0) {
    scale = powerOfTwoScale(largest, limit);
    inverse = 1 / scale;
  }
  for (int64_t i = 0; i < count; ++i) {
    float product = x[i] * inverse;
    float code = roundedTo(scheme.rounding, product);
    code = std::fmax(std::fmin(code, limit), -limit); // NaN gives `limit`
    codes[i] = static_cast<uint8_t>(static_cast<int>(code)) & mask;
  }
  return scale;
}

/// Signs under one level of one f32 scale, for activations too.
static bool isBinary(const Scheme &scheme) {
  return scheme.kind == CodeKind::Sign && scheme.levels.size() == 1 &&
         scheme.levels[0].group != Level::kTensor &&
         scheme.levels[0].components.size() == 1 &&
         scheme.levels[0].components[0].role == Component::Scale &&
         scheme.levels[0].components[0].type.kind == FieldType::F32;
}

/// One group of signs; returns their scale, the mean magnitude, summed in the
/// order of N2.
static float quantizeSigns(const float *x, int64_t count, uint8_t *codes) {
  float sums[16] = {};
  for (int64_t i = 0; i < count; ++i) {
    codes[i] = x[i] >= 0;
    sums[i % 16] += std::fabs(x[i]);
  }
  for (int64_t n = 8; n >= 1; n /= 2)
    for (int64_t i = 0; i < n; ++i)
      sums[i] += sums[i + n];
  return sums[0] / static_cast<float>(count);
}

static void quantizeRow(const Scheme &scheme, const float *x, int64_t columns,
                        RowFields &row) {
  int64_t group = scheme.innerGroup() > 0 ? scheme.innerGroup() : columns;
  for (int64_t first = 0; first < columns; first += group) {
    int64_t count = std::min(group, columns - first);
    uint8_t *codes = row.codes.data() + first;
    float scale = isBinary(scheme)
                      ? quantizeSigns(x + first, count, codes)
                      : quantizeGroup(scheme, x + first, count, codes);
    row.fields[0][0][static_cast<size_t>(first / group)] =
        fieldBits(scheme.levels[0].components[0].type, scale);
  }
}

/// N2: to the nearest bf16; what is below its normal numbers is zero.
static void roundRow(const float *x, int64_t columns, RowFields &row) {
  for (int64_t k = 0; k < columns; ++k)
    row.reals[static_cast<size_t>(k)] =
        std::fabs(x[k]) < 0x1p-126f ? 0 : fromBF16(toBF16(x[k]));
}

/// The column of stored element j.
static int64_t columnOf(const std::vector<int32_t> &permutation, int64_t j) {
  return permutation.empty() ? j : permutation[static_cast<size_t>(j)];
}

/// A row in its stored order, rounded to f32.
static std::vector<float> storedRow(const Reals &x, int64_t row,
                                    const std::vector<int32_t> &permutation) {
  std::vector<float> values(static_cast<size_t>(x.columns()));
  for (int64_t j = 0; j < x.columns(); ++j)
    values[static_cast<size_t>(j)] =
        static_cast<float>(x.row(row)[columnOf(permutation, j)]);
  return values;
}

/// What rows of a matrix have in common under a quantizer.
static MatrixTotals totalsOf(const RowQuantizer &quantizer, const Reals &x,
                             const std::vector<int32_t> &permutation) {
  MatrixTotals totals(x.rows() * x.columns());
  for (int64_t r = 0; quantizer.needsTotals() && r < x.rows(); ++r)
    quantizer.observe(storedRow(x, r, permutation).data(), x.columns(), totals);
  return totals;
}

static void quantizeBy(const RowQuantizer &quantizer, const Reals &x,
                       LowBits &result) {
  MatrixTotals totals = totalsOf(quantizer, x, result.permutation);
  for (int64_t r = 0; r < x.rows(); ++r)
    quantizer.quantize(storedRow(x, r, result.permutation).data(), x.columns(),
                       result.rows.emplace_back(), totals);
}

LowBits quantize(const Reals &x, const Scheme &scheme,
                 const Indices *permutation, const Quantizer *quantizer) {
  LowBits result{scheme, x.columns(), {}};
  if (permutation)
    result.permutation = permutation->data;
  if (quantizer) {
    quantizeBy(RowQuantizer(*quantizer, scheme), x, result);
    return result;
  }
  for (int64_t r = 0; r < x.rows(); ++r) {
    std::vector<float> values = storedRow(x, r, result.permutation);
    RowFields &row = result.rows.emplace_back();
    row.resize(scheme, x.columns());
    if (scheme.isFloat())
      roundRow(values.data(), x.columns(), row);
    else if (isSymmetric(scheme) || isBinary(scheme))
      quantizeRow(scheme, values.data(), x.columns(), row);
    else
      roundToNearest(scheme, values.data(), x.columns(), row);
  }
  return result;
}

/// Given fields of a row, rounded to f32; none for null.
static std::vector<float> fieldsOf(const Reals *fields, int64_t row) {
  if (!fields)
    return {};
  return {fields->row(row), fields->row(row) + fields->columns()};
}

Reals fakeQuantize(const Reals &x, const Quantizer &quantizer,
                   const Scheme &scheme, const Reals *scales,
                   const Reals *zeros, bool straightThrough) {
  RowQuantizer rows(quantizer, scheme);
  MatrixTotals totals = totalsOf(rows, x, {});
  Reals result({x.rows(), x.columns()});
  for (int64_t r = 0; r < x.rows(); ++r) {
    std::vector<float> row = storedRow(x, r, {}), values(row.size());
    std::vector<float> s = fieldsOf(scales, r), z = fieldsOf(zeros, r);
    if (scales)
      rows.fakeQuantize(row.data(), x.columns(),
                        {s.data(), zeros ? z.data() : nullptr}, values.data());
    else
      rows.fakeQuantize(row.data(), x.columns(), values.data(), totals);
    for (size_t k = 0; straightThrough && k < values.size(); ++k) {
      float own = rows.rounded(row[k]);
      values[k] = rows.rounded(own + rows.rounded(values[k] - own));
    }
    std::copy(values.begin(), values.end(), result.row(r));
  }
  return result;
}

static void dequantizeTo(const LowBits &x, int64_t row, double *to) {
  std::vector<float> values(static_cast<size_t>(x.columns));
  dequantizeRow(x.scheme, x.rows[static_cast<size_t>(row)], x.columns,
                values.data());
  for (int64_t j = 0; j < x.columns; ++j)
    to[columnOf(x.permutation, j)] = values[static_cast<size_t>(j)];
}

Reals dequantize(const LowBits &x) {
  Reals result({static_cast<int64_t>(x.rows.size()), x.columns});
  for (int64_t r = 0; r < result.rows(); ++r)
    dequantizeTo(x, r, result.row(r));
  return result;
}

std::vector<double> rowOf(const Value &matrix, int64_t row) {
  if (const auto *reals = std::get_if<Reals>(&matrix))
    return {reals->row(row), reals->row(row) + reals->columns()};
  const auto &low = std::get<LowBits>(matrix);
  std::vector<double> values(static_cast<size_t>(low.columns));
  dequantizeTo(low, row, values.data());
  return values;
}

//===- Linear -------------------------------------------------------------===//

double codeUnit(const Scheme &scheme) {
  if (scheme.isFloat())
    return 0;
  for (double unit = 1; unit >= 0x1p-8; unit /= 2) {
    bool fits = true;
    for (float entry : scheme.codebook)
      fits &= std::nearbyint(entry / unit) == entry / unit;
    if (fits)
      return unit;
  }
  return 0;
}

/// Ends of the runs of columns that share a group of both schemes.
static std::vector<int64_t> segmentEnds(const Scheme &x, const Scheme &w,
                                        int64_t columns) {
  int64_t xGroup = x.innerGroup() > 0 ? x.innerGroup() : columns;
  int64_t wGroup = w.innerGroup() > 0 ? w.innerGroup() : columns;
  std::vector<int64_t> ends;
  for (int64_t k = 1; k <= columns; ++k)
    if (k == columns || k % xGroup == 0 || k % wGroup == 0)
      ends.push_back(k);
  return ends;
}

/// c of each element in units.
static std::vector<int64_t> codesOf(const Scheme &scheme, const RowFields &row,
                                    int64_t columns) {
  double unit = codeUnit(scheme);
  std::vector<int64_t> codes;
  for (int64_t k = 0; k < columns; ++k)
    codes.push_back(static_cast<int64_t>(elementValue(scheme, row, k) / unit));
  return codes;
}

std::vector<GroupSum> groupSums(const Scheme &xScheme, const RowFields &x,
                                const Scheme &wScheme, const RowFields &w,
                                int64_t columns) {
  std::vector<int64_t> xCodes = codesOf(xScheme, x, columns);
  std::vector<int64_t> wCodes = codesOf(wScheme, w, columns);
  std::vector<GroupSum> sums;
  int64_t first = 0;
  for (int64_t end : segmentEnds(xScheme, wScheme, columns)) {
    GroupSum sum{first, end - first, 0, 0, 0};
    for (int64_t k = first; k < end; ++k) {
      int64_t a = xCodes[static_cast<size_t>(k)];
      int64_t b = wCodes[static_cast<size_t>(k)];
      sum.products += a * b;
      sum.activations += a;
      sum.weights += b;
    }
    sums.push_back(sum);
    first = end;
  }
  return sums;
}

namespace {
/// Adds terms and their magnitudes.
struct TermSum {
  double value = 0, absolute = 0;
  void add(double term) {
    value += term;
    absolute += std::fabs(term);
  }
};
} // namespace

/// M with its sign.
static double signedMin(const Scheme &scheme, const GroupTerms &terms) {
  return scheme.has(Component::NegMin) ? -double(terms.min) : double(terms.min);
}

/// (Sx (cx - zx) + Mx) (Sw (cw - zw) + Mw), summed over a group, multiplied
/// out: every sum of codes is an integer, every term one that f32 may round.
static void addGroup(const Scheme &xScheme, const GroupTerms &x,
                     const Scheme &wScheme, const GroupTerms &w,
                     const GroupSum &sum, TermSum &total) {
  double unitX = codeUnit(xScheme), unitW = codeUnit(wScheme);
  double n = static_cast<double>(sum.count);
  double scale = double(x.scale) * w.scale;
  double products = unitX * unitW * static_cast<double>(sum.products);
  double codesX = unitX * static_cast<double>(sum.activations);
  double codesW = unitW * static_cast<double>(sum.weights);
  // The constants: Sx (cx - zx) + Mx = Sx cx + shiftX.
  double shiftX = signedMin(xScheme, x) - double(x.scale) * x.zero;
  double shiftW = signedMin(wScheme, w) - double(w.scale) * w.zero;
  total.add(scale * products);
  total.add(x.scale * codesX * shiftW);
  total.add(w.scale * codesW * shiftX);
  total.add(n * shiftX * shiftW);
}

static TermSum dotOfCodes(const LowBits &x, int64_t t, const LowBits &w,
                          int64_t n) {
  const RowFields &a = x.rows[static_cast<size_t>(t)];
  const RowFields &b = w.rows[static_cast<size_t>(n)];
  TermSum total;
  for (const GroupSum &sum : groupSums(x.scheme, a, w.scheme, b, w.columns))
    addGroup(x.scheme, groupTerms(x.scheme, a, sum.first), w.scheme,
             groupTerms(w.scheme, b, sum.first), sum, total);
  return total;
}

namespace {
/// A weight as the two terms that f32 may round: S c and M - S z.
struct SplitWeight {
  double scaled = 0, shift = 0;
};
} // namespace

static std::vector<SplitWeight> splitRow(const LowBits &w, int64_t n) {
  const RowFields &row = w.rows[static_cast<size_t>(n)];
  std::vector<SplitWeight> weights;
  for (float real : row.reals)
    weights.push_back({real, 0});
  for (int64_t k = 0; !w.scheme.isFloat() && k < w.columns; ++k) {
    GroupTerms terms = groupTerms(w.scheme, row, k);
    weights.push_back(
        {double(terms.scale) * elementValue(w.scheme, row, k),
         signedMin(w.scheme, terms) - double(terms.scale) * terms.zero});
  }
  return weights;
}

/// `w` as stored.
static TermSum dotOfReals(const std::vector<double> &x,
                          const std::vector<SplitWeight> &w,
                          const std::vector<int32_t> &permutation) {
  TermSum total;
  for (size_t j = 0; j < w.size(); ++j) {
    double real =
        x[static_cast<size_t>(columnOf(permutation, static_cast<int64_t>(j)))];
    total.add(real * w[j].scaled);
    total.add(real * w[j].shift);
  }
  return total;
}

double LinearResult::bound(int64_t t, int64_t n, double c) const {
  return c * static_cast<double>(groups + 1) * 0x1p-24 *
             absoluteTerms.row(t)[n] +
         (underflow.data.empty() ? 0 : underflow.row(t)[n]);
}

/// Of what multiplies the products of every element; floats have no scales.
static double sumOfScales(const LowBits &w, int64_t n) {
  if (w.scheme.isFloat())
    return static_cast<double>(w.columns);
  double sum = 0;
  for (int64_t k = 0; k < w.columns; ++k)
    sum += std::fabs(
        groupTerms(w.scheme, w.rows[static_cast<size_t>(n)], k).scale);
  return sum;
}

/// What N3 allows for denormals, with a row of bf16.
static double underflowOf(const std::vector<double> &x, const LowBits &w,
                          double scales) {
  double sum = 2 * scales;
  for (double real : x)
    sum += w.scheme.isFloat() ? std::fabs(real) : 0;
  return sum * 0x1p-126;
}

LinearResult linear(const Value &x, const LowBits &weight, const Reals *bias) {
  const auto *codes = std::get_if<LowBits>(&x);
  bool exact =
      codes && codeUnit(codes->scheme) != 0 && codeUnit(weight.scheme) != 0;
  int64_t count = codes ? static_cast<int64_t>(codes->rows.size())
                        : std::get<Reals>(x).rows();
  int64_t outputs = static_cast<int64_t>(weight.rows.size());
  LinearResult result{Reals({count, outputs}), Reals({count, outputs}), Reals(),
                      weight.columns};
  bool isBF16 = codes && codes->scheme.isFloat();
  if (isBF16)
    result.underflow = Reals({count, outputs});
  if (exact)
    result.groups = static_cast<int64_t>(
        segmentEnds(codes->scheme, weight.scheme, weight.columns).size());
  for (int64_t n = 0; n < outputs; ++n) {
    std::vector<SplitWeight> w;
    if (!exact)
      w = splitRow(weight, n);
    double scales = isBF16 ? sumOfScales(weight, n) : 0;
    for (int64_t t = 0; t < count; ++t) {
      TermSum sum = exact ? dotOfCodes(*codes, t, weight, n)
                          : dotOfReals(rowOf(x, t), w, weight.permutation);
      if (bias)
        sum.add(bias->data[static_cast<size_t>(n)]);
      result.values.row(t)[n] = sum.value;
      result.absoluteTerms.row(t)[n] = sum.absolute;
      if (isBF16)
        result.underflow.row(t)[n] = underflowOf(rowOf(x, t), weight, scales);
    }
  }
  return result;
}

} // namespace lowbit::reference
