//===- RoundToNearest.cpp - Reals to the nearest codes --------------------===//

#include "lowbit/Quantize/RoundToNearest.h"

#include "CodeSet.h"
#include "EntrySet.h"
#include "FieldChain.h"
#include "RowSearch.h"
#include "lowbit/Support/Float.h"

#include <algorithm>
#include <cmath>

namespace lowbit {

//===- Rounder ------------------------------------------------------------===//

namespace {
class Rounder {
public:
  Rounder(const Scheme &scheme, const RoundOptions &options)
      : scheme(scheme), options(options), codes(scheme), entries(scheme),
        hasEntries(scheme.isVector() || scheme.signs),
        scales(chainOf(scheme, Component::Scale)),
        mins(chainOf(scheme, Component::Min)),
        zeros(chainOf(scheme, Component::Zero)),
        deltas(chainOf(scheme, Component::Delta)) {}

  void roundRow(std::vector<float> values, RowFields &row);
  void chooseTensor(const TensorRange &range, RowFields &row);

private:
  double spread(double low, double high) const {
    return (high - low) / (codes.high() - codes.low());
  }
  double minFor(double low, double high) const;
  double zeroFor(double low, double scale) const;
  double reachingScale(double low, double high) const;
  std::vector<double> scaleCandidates(double low, double high,
                                      double meanAbs) const;
  void addMovedByDelta(std::vector<double> &candidates) const;

  void chooseMins();
  void chooseScales();
  void chooseZeros();
  void chooseDeltas();
  void chooseCodes();
  void chooseEntries(int64_t first, int64_t last, double scale, double zero);
  double chooseScale(int64_t first, int64_t last);
  double squaredError(int64_t first, int64_t last, double scale,
                      double zero = 0);
  double errorWithDeltas(int64_t first, int64_t last, double scale);
  double deltaMagnitude() const {
    const FieldLink &link = deltas.front();
    return scheme.levels[link.level].components[link.component].magnitude;
  }
  /// x - M.
  double aboveMin(int64_t i) const {
    return offsets.empty() ? values[i] : double(values[i]) - offsets[i];
  }
  EntrySet::Choice nearestEntry(int64_t first, int64_t last, double inverse,
                                double zero);
  void store(const FieldChain &chain, std::vector<double> targets);

  const Scheme &scheme;
  const RoundOptions &options;
  CodeSet codes;
  EntrySet entries;
  bool hasEntries; ///< codes are entries of `entries`
  FieldChain scales, mins, zeros, deltas;

  // The row at work.
  std::vector<float> values;
  std::vector<float> offsets;  ///< M of each element; empty without minima
  std::vector<double> targets; ///< of the vector at work
  RowFields *row = nullptr;
  int64_t columns = 0;
};
} // namespace

/// The M with which the codes span [low, high].
double Rounder::minFor(double low, double high) const {
  double min = low - spread(low, high) * codes.low();
  // Fields of one sign cannot hold minima of both: they keep to those below 0,
  // as GGML's k-quants do.
  return isSigned(mins.back().type) ? min : std::min(min, 0.0);
}

/// The z with which the lowest code stands for `low`.
double Rounder::zeroFor(double low, double scale) const {
  return scale != 0 ? codes.low() - low / scale : 0;
}

/// The least scale with which the codes reach every value.
double Rounder::reachingScale(double low, double high) const {
  if (!zeros.empty()) // a range around 0, so that z is a code
    return spread(std::min(low, 0.0), std::max(high, 0.0));
  double scale = 0;
  if (codes.high() > 0)
    scale = std::max(scale, high / codes.high());
  if (codes.low() < 0)
    scale = std::max(scale, low / codes.low());
  return scale;
}

std::vector<double> Rounder::scaleCandidates(double low, double high,
                                             double meanAbs) const {
  if (scheme.kind == CodeKind::Sign && mins.empty())
    return {meanAbs};
  std::vector<double> candidates = {reachingScale(low, high)};
  if (!zeros.empty() || !mins.empty())
    return candidates;
  if (scheme.kind == CodeKind::Ternary)
    candidates.push_back(meanAbs);
  // Few of the entries reach the extreme, and only in some of their values.
  if (scheme.isVector())
    candidates.push_back(meanAbs / codes.meanMagnitude());
  if (codes.isSymmetric())
    return candidates;
  double extreme = high > -low ? high : low;
  for (double end : {codes.high(), codes.low()})
    if (end != 0 && (isSigned(scales.back().type) || extreme / end > 0))
      candidates.push_back(extreme / end);
  return candidates;
}

/// The entry for the elements first .. last - 1, which are one vector.
EntrySet::Choice Rounder::nearestEntry(int64_t first, int64_t last,
                                       double inverse, double zero) {
  targets.clear();
  for (int64_t i = first; i < last; ++i)
    targets.push_back(aboveMin(i) * inverse + zero);
  return entries.nearest(targets.data(), last - first);
}

double Rounder::squaredError(int64_t first, int64_t last, double scale,
                             double zero) {
  double inverse = scale != 0 ? 1 / scale : 0, sum = 0;
  if (!hasEntries || scale == 0) {
    for (int64_t i = first; i < last; ++i) {
      double value = aboveMin(i), code = 0;
      if (scale != 0)
        code = codes.value(codes.nearest(value * inverse + zero)) - zero;
      double error = value - scale * code;
      sum += error * error;
    }
    return sum;
  }
  for (int64_t i = first; i < last; i += scheme.entryLength)
    sum +=
        nearestEntry(i, std::min(i + scheme.entryLength, last), inverse, zero)
            .error;
  return sum * scale * scale;
}

/// A delta moves the extremes out or in.
void Rounder::addMovedByDelta(std::vector<double> &candidates) const {
  size_t without = candidates.size();
  double reach = std::max(codes.high(), -codes.low());
  for (size_t i = 0; i < without; ++i)
    for (double moved : {reach + deltaMagnitude(), reach - deltaMagnitude()})
      if (moved != 0)
        candidates.push_back(candidates[i] * reach / moved);
}

/// squaredError with the better sign of each delta.
double Rounder::errorWithDeltas(int64_t first, int64_t last, double scale) {
  if (deltas.empty())
    return squaredError(first, last, scale);
  double delta = deltaMagnitude(), sum = 0;
  int64_t group = elementsOf(deltas.front().group, columns);
  for (int64_t i = first; i < last; i += group) {
    int64_t end = std::min(i + group, last);
    sum += std::min(squaredError(i, end, scale, -delta),
                    squaredError(i, end, scale, delta));
  }
  return sum;
}

double Rounder::chooseScale(int64_t first, int64_t last) {
  double low = std::numeric_limits<double>::infinity(), high = -low, sum = 0;
  for (int64_t i = first; i < last; ++i) {
    double value = aboveMin(i);
    low = std::min(low, value);
    high = std::max(high, value);
    sum += std::abs(value);
  }
  std::vector<double> candidates =
      scaleCandidates(low, high, sum / double(last - first));
  if (!deltas.empty())
    addMovedByDelta(candidates);
  // A scale that is stored directly is judged as it will be stored; powers of
  // two also by the one below and the one above.
  const FieldType &type = scales.back().type;
  if (type.kind == FieldType::E8M0) {
    double reach = candidates.front();
    candidates.push_back(reach > 0 ? std::exp2(std::floor(std::log2(reach)))
                                   : 0);
    candidates.push_back(2 * candidates.back());
  }
  size_t reaching = candidates.size();
  for (int step = 1; step <= options.shrinkSteps; ++step)
    for (size_t i = 0; i < reaching; ++i)
      candidates.push_back(candidates[i] *
                           (1 - 0.4 * step / options.shrinkSteps));
  if (candidates.size() == 1)
    return candidates.front();
  double best = 0, bestError = std::numeric_limits<double>::infinity();
  for (double candidate : candidates) {
    double stored = candidate;
    if (scales.size() == 1)
      stored = fieldValue(type, fieldBits(type, float(candidate)));
    double error = errorWithDeltas(first, last, stored);
    if (error < bestError) {
      bestError = error;
      best = candidate;
    }
  }
  return best;
}

/// Fills the fields of a chain so that their products come near `targets`, one
/// for each group of its innermost level. Levels above choose first; each sees
/// what those before it left, rounded as stored.
void Rounder::store(const FieldChain &chain, std::vector<double> targets) {
  int64_t inner = elementsOf(chain.back().group, columns);
  for (size_t depth = 0; depth < chain.size(); ++depth) {
    const FieldLink &link = chain[depth];
    std::vector<uint32_t> &fields = row->fields[link.level][link.component];
    // Rounded up: the last group of a row may be a tail.
    size_t perGroup =
        size_t((elementsOf(link.group, columns) + inner - 1) / inner);
    for (size_t group = 0; group < fields.size(); ++group) {
      size_t first = std::min(group * perGroup, targets.size());
      size_t last = std::min(first + perGroup, targets.size());
      if (link.group != Level::kTensor)
        fields[group] =
            chooseField(chain, depth, targets.data() + first, last - first);
      double stored = fieldValue(link.type, fields[group]);
      for (size_t i = first; i < last; ++i)
        targets[i] = stored != 0 ? targets[i] / stored : 0;
    }
  }
}

void Rounder::chooseMins() {
  offsets.clear();
  if (mins.empty())
    return;
  double sign = scheme.has(Component::NegMin) ? -1 : 1;
  int64_t group = elementsOf(mins.back().group, columns);
  std::vector<double> targets;
  for (int64_t first = 0; first < columns; first += group) {
    auto [low, high] =
        std::minmax_element(values.begin() + first,
                            values.begin() + std::min(first + group, columns));
    targets.push_back(sign * minFor(*low, *high));
  }
  store(mins, std::move(targets));

  offsets.resize(size_t(columns));
  for (int64_t first = 0; first < columns; first += group) {
    float min = float(sign) * groupTerms(scheme, *row, first).min;
    std::fill(offsets.begin() + first,
              offsets.begin() + std::min(first + group, columns), min);
  }
}

void Rounder::chooseScales() {
  int64_t group = elementsOf(scales.back().group, columns);
  std::vector<double> targets;
  for (int64_t first = 0; first < columns; first += group)
    targets.push_back(chooseScale(first, std::min(first + group, columns)));
  store(scales, std::move(targets));
}

void Rounder::chooseZeros() {
  if (zeros.empty())
    return;
  int64_t group = elementsOf(zeros.back().group, columns);
  std::vector<double> targets;
  for (int64_t first = 0; first < columns; first += group) {
    float low =
        *std::min_element(values.begin() + first,
                          values.begin() + std::min(first + group, columns));
    targets.push_back(
        zeroFor(std::min(low, 0.0f), groupTerms(scheme, *row, first).scale));
  }
  store(zeros, std::move(targets));
}

/// The sign of each delta that leaves the smaller error.
void Rounder::chooseDeltas() {
  if (deltas.empty() || deltas.front().group == Level::kTensor)
    return;
  const FieldLink &link = deltas.front();
  std::vector<uint32_t> &fields = row->fields[link.level][link.component];
  int64_t group = elementsOf(link.group, columns);
  for (size_t g = 0; g < fields.size(); ++g) {
    int64_t first = int64_t(g) * group, last = std::min(first + group, columns);
    double scale = groupTerms(scheme, *row, first).scale;
    fields[g] = squaredError(first, last, scale, deltaMagnitude()) <
                squaredError(first, last, scale, -deltaMagnitude());
  }
}

void Rounder::chooseEntries(int64_t first, int64_t last, double scale,
                            double zero) {
  double inverse = scale != 0 ? 1 / scale : 0;
  for (int64_t i = first; i < last; i += scheme.entryLength) {
    int64_t end = std::min(i + scheme.entryLength, last);
    uint16_t entry = nearestEntry(i, end, inverse, zero).entry;
    if (scheme.isVector())
      row->indices[i / scheme.entryLength] = entry;
    else
      row->codes[i] = uint8_t(entry);
    for (int64_t j = i; scheme.signs && j < end; ++j)
      row->signs[j] = entries.isNegated(entry, j - i, targets[j - i]);
  }
}

void Rounder::chooseCodes() {
  int64_t group = elementsOf(scheme.innerGroup(), columns);
  for (int64_t first = 0; first < columns; first += group) {
    int64_t last = std::min(first + group, columns);
    GroupTerms terms = groupTerms(scheme, *row, first);
    double scale = terms.scale, zero = terms.zero;
    if (hasEntries) {
      chooseEntries(first, last, scale, zero);
      continue;
    }
    for (int64_t i = first; i < last; ++i)
      row->codes[i] =
          codes.nearest((scale != 0 ? aboveMin(i) / scale : 0) + zero);
  }
}

void Rounder::roundRow(std::vector<float> rowValues, RowFields &target) {
  values = std::move(rowValues);
  columns = int64_t(values.size());
  row = &target;
  chooseMins();
  chooseScales();
  chooseZeros();
  chooseDeltas();
  chooseCodes();
}

/// A tensor-level field is chosen as if the tensor were one group: the levels
/// below it then divide what it leaves.
void Rounder::chooseTensor(const TensorRange &range, RowFields &target) {
  row = &target;
  double low = range.count ? range.min : 0, high = range.count ? range.max : 0;
  double scale = reachingScale(low, high), min = 0;
  auto set = [&](const FieldChain &chain, double wanted) {
    if (!chain.empty() && chain.front().group == Level::kTensor)
      row->fields[chain.front().level][chain.front().component][0] =
          chooseField(chain, 0, &wanted, 1);
  };
  if (!mins.empty()) {
    min = minFor(low, high);
    set(mins, scheme.has(Component::NegMin) ? -min : min);
    scale = reachingScale(low - min, high - min);
  } else if (scheme.kind == CodeKind::Ternary ||
             scheme.kind == CodeKind::Sign) {
    // BitNet's absolute mean, where no inner scale needs the whole range.
    if (scales.size() == 1)
      scale = range.count ? range.sumAbs / double(range.count) : 0;
  }
  set(scales, scale);
  set(zeros, zeroFor(std::min(low, 0.0), scale));
}

//===- Entry points -------------------------------------------------------===//

static float roundToFloat(FieldType::Kind type, float value) {
  switch (type) {
  case FieldType::F16:
    return fromF16(toF16(value));
  case FieldType::BF16:
    return fromBF16(toBF16(value));
  default:
    return value;
  }
}

/// The scheme with a scale where it has a divisor: codes are chosen alike.
static Scheme underScales(Scheme scheme) {
  for (Level &level : scheme.levels)
    for (Component &component : level.components)
      if (component.role == Component::Divisor)
        component.role = Component::Scale;
  return scheme;
}

/// Scales to the divisors that stand for them, and back.
static void invertDivisors(const Scheme &scheme, RowFields &row) {
  for (size_t i = 0; i < scheme.levels.size(); ++i)
    for (size_t j = 0; j < scheme.levels[i].components.size(); ++j) {
      const Component &component = scheme.levels[i].components[j];
      if (component.role != Component::Divisor)
        continue;
      for (uint32_t &field : row.fields[i][j])
        field =
            fieldBits(component.type, 1 / fieldValue(component.type, field));
    }
}

void roundToNearest(const Scheme &scheme, const float *values, int64_t columns,
                    RowFields &row, const RoundOptions &options) {
  row.resize(scheme, columns);
  if (scheme.has(Component::Divisor)) {
    invertDivisors(scheme, row); // a tensor's is given
    roundToNearest(underScales(scheme), values, columns, row, options);
    return invertDivisors(scheme, row);
  }
  if (scheme.isFloat()) {
    for (int64_t i = 0; i < columns; ++i)
      row.reals[i] = roundToFloat(scheme.floatType, values[i]);
    return;
  }
  std::vector<float> finite(values, values + columns);
  for (float &value : finite)
    if (!std::isfinite(value))
      value = 0;
  Rounder(scheme, options).roundRow(finite, row);
  if (options.search)
    RowSearch(scheme).improve(finite.data(), options.weights, columns, row);
}

int64_t firstNonFinite(const float *values, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    if (!std::isfinite(values[i]))
      return i;
  return -1;
}

void TensorRange::add(const float *values, int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    if (std::isfinite(values[i])) {
      min = std::min<double>(min, values[i]);
      max = std::max<double>(max, values[i]);
      sumAbs += std::abs(values[i]);
      ++count;
    }
}

void chooseTensorFields(const Scheme &scheme, const TensorRange &range,
                        RowFields &row) {
  if (scheme.isFloat())
    return;
  if (scheme.has(Component::Divisor)) {
    chooseTensorFields(underScales(scheme), range, row);
    return invertDivisors(scheme, row);
  }
  Rounder(scheme, RoundOptions()).chooseTensor(range, row);
}

} // namespace lowbit
