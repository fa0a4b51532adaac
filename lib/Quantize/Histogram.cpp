//===- Histogram.cpp - Where values lie, and where to clip ----------------===//

#include "lowbit/Quantize/Histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lowbit {

//===- Histogram ----------------------------------------------------------===//

/// Doubles the reach until it exceeds `magnitude`.
void Histogram::widen(float magnitude) {
  double wanted = std::exp2(double(std::ilogb(magnitude)) + 1);
  if (reach == 0) {
    reach = wanted;
    return;
  }
  for (; reach < wanted; reach *= 2) {
    constexpr int64_t kHalf = kBins / 2;
    std::vector<int64_t> joined(kBins);
    for (int64_t bin = 0; bin < kBins; ++bin)
      joined[size_t((bin + kHalf) / 2)] += counts[size_t(bin)];
    counts = std::move(joined);
  }
}

void Histogram::add(const float *values, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    float value = values[i];
    if (!std::isfinite(value)) {
      ++bad;
      continue;
    }
    least = total ? std::min(least, value) : value;
    largest = total ? std::max(largest, value) : value;
    ++total;
    if (value == 0) { // in the upper half's first bin under any reach
      ++counts[kBins / 2];
      continue;
    }
    if (std::abs(value) >= reach)
      widen(std::abs(value));
    // Exact: the reach is a power of two.
    auto bin = int64_t(std::floor(value / reach * (kBins / 2))) + kBins / 2;
    ++counts[size_t(std::clamp<int64_t>(bin, 0, kBins - 1))];
  }
}

//===- Percentiles --------------------------------------------------------===//

/// Counts of magnitudes: bin b covers limit * [2 b / kBins, 2 (b + 1) / kBins).
static std::vector<double> magnitudes(const Histogram &histogram) {
  constexpr int64_t kHalf = Histogram::kBins / 2;
  std::vector<double> folded(kHalf);
  for (int64_t bin = 0; bin < kHalf; ++bin)
    folded[size_t(bin)] = double(histogram.bins()[size_t(kHalf + bin)] +
                                 histogram.bins()[size_t(kHalf - 1 - bin)]);
  return folded;
}

/// How many bins from the first are needed until no more than `outside` counts
/// are left.
template <typename Counts>
static int64_t binsUntil(const Counts &counts, double outside) {
  double left = 0;
  int64_t bin = int64_t(counts.size());
  while (bin > 0 && left + double(counts[size_t(bin - 1)]) <= outside)
    left += double(counts[size_t(--bin)]);
  return bin;
}

static double largestMagnitude(const Histogram &histogram) {
  return std::max<double>(histogram.max(), -double(histogram.min()));
}

ClipRange percentileClip(const Histogram &histogram, double outside,
                         bool symmetric) {
  double width = 2 * histogram.limit() / double(Histogram::kBins);
  double allowed = std::max(outside, 0.0) * double(histogram.count());
  if (symmetric) {
    double high =
        std::min(double(binsUntil(magnitudes(histogram), allowed)) * width,
                 largestMagnitude(histogram));
    return {-high, high};
  }
  std::vector<int64_t> counts = histogram.bins();
  double high = double(binsUntil(counts, allowed / 2)) * width;
  std::reverse(counts.begin(), counts.end());
  double low = double(binsUntil(counts, allowed / 2)) * width;
  return {std::max<double>(histogram.limit() - low, histogram.min()),
          std::min<double>(high - histogram.limit(), histogram.max())};
}

//===- Squared error ------------------------------------------------------===//

namespace {
/// The bins that have counts.
struct Occupied {
  std::vector<double> centers, counts;

  explicit Occupied(const Histogram &histogram) {
    for (int64_t bin = 0; bin < Histogram::kBins; ++bin)
      if (int64_t count = histogram.bins()[size_t(bin)]) {
        centers.push_back(std::clamp<double>(histogram.binCenter(bin),
                                             histogram.min(), histogram.max()));
        counts.push_back(double(count));
      }
  }

  /// Of rounding to `steps` equal steps from low to high.
  double squaredError(double low, double high, int steps) const {
    double step = (high - low) / steps, inverse = step > 0 ? 1 / step : 0;
    double sum = 0;
    for (size_t i = 0; i < centers.size(); ++i) {
      double code = std::nearbyint((centers[i] - low) * inverse);
      double error =
          centers[i] - (low + step * std::clamp<double>(code, 0, steps));
      sum += counts[i] * error * error;
    }
    return sum;
  }
};
} // namespace

/// The share of [from, to] with the least error; `to` is the last of equals.
template <typename Error>
static double bestShare(double from, double to, Error error) {
  constexpr int kTried = 128;
  double best = to, bestError = error(to);
  for (int i = kTried - 1; i > 0; --i) {
    double share = from + (to - from) * i / kTried, found = error(share);
    if (found < bestError) {
      bestError = found;
      best = share;
    }
  }
  return best;
}

/// Both ends on a coarse grid, then each in turn around what was found: from
/// the whole range one end at a time stops where neither alone can move.
static ClipRange bestRange(const Occupied &occupied, ClipRange whole,
                           int steps) {
  constexpr int kGrid = 40;
  double span = whole.high - whole.low, cell = span / kGrid;
  ClipRange best = whole;
  double least = occupied.squaredError(whole.low, whole.high, steps);
  for (int low = 0; low < kGrid; ++low)
    for (int high = low + 1; high <= kGrid; ++high) {
      ClipRange range = {whole.low + low * cell, whole.low + high * cell};
      double error = occupied.squaredError(range.low, range.high, steps);
      if (error < least) {
        least = error;
        best = range;
      }
    }
  for (int round = 0; round < 2; ++round) {
    best.high =
        bestShare(std::max(best.low, best.high - cell),
                  std::min(best.high + cell, whole.high), [&](double high) {
                    return occupied.squaredError(best.low, high, steps);
                  });
    best.low = bestShare(std::min(best.high, best.low + cell),
                         std::max(best.low - cell, whole.low), [&](double low) {
                           return occupied.squaredError(low, best.high, steps);
                         });
  }
  return best;
}

ClipRange squaredErrorClip(const Histogram &histogram, ClipOptions options) {
  Occupied occupied(histogram);
  int levels = std::max(options.levels, 2);
  if (!options.symmetric)
    return bestRange(occupied, {histogram.min(), histogram.max()}, levels - 1);
  int steps = 2 * std::max((levels - 1) / 2, 1);
  double high = bestShare(0, largestMagnitude(histogram), [&](double reach) {
    return occupied.squaredError(-reach, reach, steps);
  });
  return {-high, high};
}

//===- Entropy ------------------------------------------------------------===//

/// KL(P || Q) of the first `used` magnitudes: in P what is clipped is added to
/// the last, Q is P before that, evened out within each of `steps` parts over
/// the bins that have counts.
static double divergence(const std::vector<double> &counts, int64_t used,
                         int steps, double total) {
  double clipped = 0, sum = 0;
  for (size_t i = size_t(used); i < counts.size(); ++i)
    clipped += counts[i];
  for (int step = 0; step < steps; ++step) {
    int64_t first = used * step / steps, last = used * (step + 1) / steps;
    double mass = 0, filled = 0;
    for (int64_t i = first; i < last; ++i) {
      mass += counts[size_t(i)];
      filled += counts[size_t(i)] > 0;
    }
    for (int64_t i = first; i < last; ++i) {
      double p = (counts[size_t(i)] + (i == used - 1 ? clipped : 0)) / total;
      // The least count there could be where Q says that there is none.
      double q = (counts[size_t(i)] > 0 ? mass / filled : 0.5) /
                 std::max(total - clipped, 1.0);
      if (p > 0)
        sum += p * std::log(p / q);
    }
  }
  return sum;
}

ClipRange entropyClip(const Histogram &histogram, int levels) {
  std::vector<double> counts = magnitudes(histogram);
  double high = largestMagnitude(histogram);
  int64_t all = binsUntil(counts, 0);
  int steps = std::max(levels / 2, 1);
  double width = 2 * histogram.limit() / double(Histogram::kBins);
  double least = std::numeric_limits<double>::infinity();
  for (int64_t used = steps; used < all;
       used += std::max<int64_t>(all / 256, 1)) {
    double found = divergence(counts, used, steps, double(histogram.count()));
    if (found < least) {
      least = found;
      high = double(used) * width;
    }
  }
  if (all > steps &&
      divergence(counts, all, steps, double(histogram.count())) <= least)
    high = largestMagnitude(histogram);
  return {-high, high};
}

} // namespace lowbit
