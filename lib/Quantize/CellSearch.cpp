//===- CellSearch.cpp - Scale and minimum of one group --------------------===//

#include "CellSearch.h"

#include "Dispatch.h"

namespace lowbit {

static constexpr int64_t kLanes = 8;

namespace {
typedef double Lanes __attribute__((vector_size(64)));
} // namespace

static Lanes loadLanes(const double *from) {
  Lanes value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

static double sumLanes(Lanes value) {
  for (int64_t step = kLanes / 2; step > 0; step /= 2)
    for (int64_t i = 0; i < step; ++i)
      value[i] += value[i + step];
  return value[0];
}

//===- Loops --------------------------------------------------------------===//

/// target = (x - min) * inverse + zero
LOWBIT_CLONES static void scaleTargets(const double *x, int64_t count,
                                       double min, double inverse, double zero,
                                       double *target) {
  for (int64_t i = 0; i < count; ++i)
    target[i] = (x[i] - min) * inverse + zero;
}

/// c = target rounded to the integers from `low` to `high`, less `zero`.
LOWBIT_CLONES static void nearestIntegers(const double *target, int64_t count,
                                          double low, double high, double zero,
                                          double *c) {
  constexpr double kMagic = 0x1.8p52; // as in CodeSet
  for (int64_t i = 0; i < count; ++i) {
    double value = target[i];
    value = value > low ? value : low; // NaN too
    value = value < high ? value : high;
    c[i] = ((value + kMagic) - kMagic) - zero;
  }
}

/// c = levels[number of edges below target] - zero
LOWBIT_CLONES static void nearestLevels(const double *target, int64_t count,
                                        const double *edges,
                                        const double *levels, int64_t edgeCount,
                                        double zero, double *c) {
  for (int64_t i = 0; i < count; ++i)
    c[i] = levels[0] - zero;
  for (int64_t edge = 0; edge < edgeCount; ++edge) {
    double from = edges[edge], level = levels[edge + 1] - zero;
    for (int64_t i = 0; i < count; ++i)
      c[i] = target[i] > from ? level : c[i];
  }
}

LOWBIT_CLONES static void sumProducts(const double *x, const double *w,
                                      const double *c, int64_t count,
                                      double *results) {
  Lanes wc = {}, wcc = {}, wxc = {};
  for (int64_t i = 0; i < count; i += kLanes) {
    Lanes code, value, weight;
    __builtin_memcpy(&code, c + i, sizeof code);
    __builtin_memcpy(&value, x + i, sizeof value);
    __builtin_memcpy(&weight, w + i, sizeof weight);
    Lanes product = weight * code;
    wc += product;
    wcc += product * code;
    wxc += product * value;
  }
  __builtin_memcpy(results, &wc, sizeof wc);
  __builtin_memcpy(results + kLanes, &wcc, sizeof wcc);
  __builtin_memcpy(results + 2 * kLanes, &wxc, sizeof wxc);
}

//===- Codes --------------------------------------------------------------===//

CellSearch::CellSearch(const Scheme &scheme)
    : scheme(scheme), codes(scheme), entries(scheme),
      hasEntries(scheme.isVector() || scheme.signs) {
  bool even = scheme.rounding == Rounding::NearestEven;
  isEvenInteger = even && (scheme.kind == CodeKind::Unsigned ||
                           scheme.kind == CodeKind::Signed ||
                           scheme.kind == CodeKind::Ternary);
  // Ties of a codebook go anywhere here; they are rare.
  constexpr size_t kSmall = 16;
  if (hasEntries || scheme.kind != CodeKind::Codebook ||
      scheme.codebook.size() > kSmall || scheme.rounding == Rounding::Toward0)
    return;
  levels.assign(scheme.codebook.begin(), scheme.codebook.end());
  std::sort(levels.begin(), levels.end());
  levels.erase(std::unique(levels.begin(), levels.end()), levels.end());
  for (size_t i = 0; i + 1 < levels.size(); ++i)
    edges.push_back((levels[i] + levels[i + 1]) / 2);
}

void CellSearch::load(const float *values, const float *weights,
                      int64_t valueCount) {
  count = valueCount;
  size_t padded = size_t((count + kLanes - 1) / kLanes * kLanes);
  for (std::vector<double> *array : {&x, &w, &target, &c})
    array->assign(padded, 0.0);
  low = std::numeric_limits<double>::infinity();
  high = -low;
  sumW = sumWX = sumWXX = meanAbs = 0;
  for (int64_t i = 0; i < count; ++i) {
    x[size_t(i)] = values[i];
    w[size_t(i)] = weights ? sanitizedWeight(weights[i]) : 1;
    sumW += w[size_t(i)];
    low = std::min(low, x[size_t(i)]);
    high = std::max(high, x[size_t(i)]);
  }
  if (sumW == 0) {
    std::fill_n(w.begin(), count, 1.0);
    sumW = double(count);
  }
  for (size_t i = 0; i < size_t(count); ++i) {
    sumWX += w[i] * x[i];
    sumWXX += w[i] * x[i] * x[i];
    meanAbs += std::abs(x[i]) / double(count);
  }
}

void CellSearch::nearestScalar() {
  if (!hasEntries) {
    for (size_t i = 0; i < size_t(count); ++i)
      c[i] = codes.value(codes.nearest(target[i]));
    return;
  }
  for (int64_t i = 0; i < count; i += scheme.entryLength) {
    int64_t length = std::min<int64_t>(scheme.entryLength, count - i);
    uint16_t entry =
        entries.nearest(target.data() + i, length, w.data() + i).entry;
    for (int64_t j = 0; j < length; ++j)
      c[size_t(i + j)] = entries.value(entry, j, target[size_t(i + j)]);
  }
}

/// Sets `c` and `sums` for codes that are nearest under these terms.
void CellSearch::nearest(double scale, double min, double zero) {
  int64_t padded = int64_t(x.size());
  if (scale == 0) { // stands for the minimum alone
    std::fill(c.begin(), c.end(), 0.0);
    sums = {};
    return;
  }
  scaleTargets(x.data(), padded, min, 1 / scale, zero, target.data());
  if (isEvenInteger) {
    nearestIntegers(target.data(), padded, codes.low(), codes.high(), zero,
                    c.data());
  } else if (!edges.empty()) {
    nearestLevels(target.data(), padded, edges.data(), levels.data(),
                  int64_t(edges.size()), zero, c.data());
  } else {
    nearestScalar();
    for (size_t i = 0; i < size_t(count); ++i)
      c[i] -= zero;
  }
  double lanes[3 * kLanes];
  sumProducts(x.data(), w.data(), c.data(), padded, lanes);
  sums.wc = sumLanes(loadLanes(lanes));
  sums.wcc = sumLanes(loadLanes(lanes + kLanes));
  sums.wxc = sumLanes(loadLanes(lanes + 2 * kLanes));
}

//===- Least squares ------------------------------------------------------===//

double CellSearch::errorOf(double scale, double min) const {
  return sumWXX - 2 * scale * sums.wxc - 2 * min * sumWX +
         scale * scale * sums.wcc + 2 * scale * min * sums.wc +
         min * min * sumW;
}

CellSearch::Fit CellSearch::evaluate(double scale, double min, double zero) {
  nearest(scale, min, zero);
  return {scale, min, errorOf(scale, min), sums.wcc};
}

double CellSearch::bestScale(double min) const {
  return sums.wcc > 0 ? (sums.wxc - min * sums.wc) / sums.wcc : 0;
}

double CellSearch::bestMin(double scale) const {
  return (sumWX - scale * sums.wc) / sumW;
}

CellSearch::Fit CellSearch::fitted(double min) const {
  double scale = bestScale(min);
  return {scale, min, errorOf(scale, min), sums.wcc};
}

CellSearch::Fit CellSearch::fittedBoth(double minLow, double minHigh) const {
  double determinant = sumW * sums.wcc - sums.wc * sums.wc;
  if (!(determinant > 1e-12 * sumW * sums.wcc))
    return fitted(std::clamp(low, minLow, minHigh)); // all codes alike
  double min = (sums.wcc * sumWX - sums.wc * sums.wxc) / determinant;
  return fitted(std::clamp(min, minLow, minHigh));
}

//===- Searches -----------------------------------------------------------===//

/// Scales around the one that reaches the extreme: in steps of a tenth of a
/// code to one code more or less, and further down for long tails.
void CellSearch::addScales(double reach, std::vector<double> &starts) const {
  if (hasEntries) { // each trial visits all entries
    for (double share : {1.0, 0.8, 0.65, 0.5, 0.4, 0.3})
      starts.push_back(reach * share);
    return;
  }
  double half = scheme.kind == CodeKind::Codebook
                    ? double(scheme.codebook.size() - 1) / 2
                    : std::max(codes.high(), -codes.low());
  for (int step = -9; step <= 9; ++step)
    starts.push_back(reach * half / (half + 0.1 * step));
  for (double share : {0.85, 0.75, 0.65, 0.55, 0.45, 0.35, 0.27, 0.2, 0.14})
    starts.push_back(reach * share);
}

/// How often codes and least squares take turns. They settle within 2 or 3.
static constexpr int kTurns = 5;

CellSearch::Fit CellSearch::fitScale(double min, double zero,
                                     bool mayBeNegative) {
  double above = high - min, below = low - min;
  double highCode = codes.high() - zero, lowCode = codes.low() - zero;
  std::vector<double> starts;
  for (int sign : {1, -1}) {
    if (sign < 0 && (!mayBeNegative || highCode == -lowCode))
      break;
    // The least scale of this sign with which the codes reach every value.
    double reach = 0;
    for (double end : {above * sign, below * sign}) {
      if (end > 0 && highCode > 0)
        reach = std::max(reach, end / highCode);
      if (end < 0 && lowCode < 0)
        reach = std::max(reach, end / lowCode);
    }
    if (reach > 0)
      addScales(sign * reach, starts);
  }
  if (scheme.isVector() && codes.meanMagnitude() > 0)
    for (double share : {0.8, 1.0, 1.25})
      starts.push_back(share * meanAbs / codes.meanMagnitude());

  Fit best = evaluate(0, min, zero);
  for (double start : starts) {
    nearest(start, min, zero);
    Fit found = fitted(min);
    if (found.error < best.error && (mayBeNegative || found.scale >= 0))
      best = found;
  }
  for (int turn = 0; turn < kTurns; ++turn) {
    nearest(best.scale, min, zero);
    Fit found = fitted(min);
    if (!(found.error < best.error) || !(mayBeNegative || found.scale >= 0))
      break;
    best = found;
  }
  return best;
}

CellSearch::Fit CellSearch::fitBoth(double minLow, double minHigh) {
  double bottom = std::clamp(low, minLow, minHigh);
  double range = high - bottom, span = codes.high() - codes.low();
  Fit best = evaluate(0, std::clamp(sumWX / sumW, minLow, minHigh), 0);
  if (!(range > 0))
    return best;
  auto attempt = [&](double scale, double from) {
    nearest(scale, from - scale * codes.low(), 0);
    Fit found = fittedBoth(minLow, minHigh);
    if (found.scale >= 0 && found.error < best.error)
      best = found;
  };
  for (int step = -9; step <= 9; ++step) {
    double scale = range / (span + 0.1 * step);
    attempt(scale, bottom);
    if (step > 0) // clipped below, and on both sides
      attempt(scale, high - scale * span);
    attempt(scale, (bottom + high - scale * span) / 2);
  }
  for (double share : {0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2}) {
    double scale = range * share / span;
    attempt(scale, bottom);
    attempt(scale, high - scale * span);
    attempt(scale, (bottom + high - scale * span) / 2);
  }
  for (int turn = 0; turn < kTurns; ++turn) {
    nearest(best.scale, best.min, 0);
    Fit found = fittedBoth(minLow, minHigh);
    if (!(found.error < best.error) || found.scale < 0)
      break;
    best = found;
  }
  return best;
}

CellSearch::Fit CellSearch::fitMin(double scale, double minLow,
                                   double minHigh) {
  Fit best = evaluate(scale, std::clamp(0.0, minLow, minHigh), 0);
  double reach = std::abs(scale) * (codes.high() - codes.low());
  double bottom = low - std::min(scale * codes.low(), scale * codes.high());
  double top = bottom + (high - low) - reach;
  constexpr int kStarts = 8;
  for (int i = 0; i <= kStarts; ++i) {
    double min = bottom + (top - bottom) * i / kStarts;
    for (int turn = 0; turn < kTurns; ++turn) {
      min = std::clamp(min, minLow, minHigh);
      Fit found = evaluate(scale, min, 0);
      if (found.error < best.error)
        best = found;
      else if (turn)
        break;
      min = bestMin(scale);
    }
  }
  return best;
}

} // namespace lowbit
