//===- Histogram.h - Where values lie, and where to clip --------*- C++ -*-===//

#ifndef LOWBIT_QUANTIZE_HISTOGRAM_H
#define LOWBIT_QUANTIZE_HISTOGRAM_H

#include <cstdint>
#include <vector>

namespace lowbit {

/// Counts of values in equal bins over [-limit, limit). The limit is a power of
/// two that doubles, joining bins in pairs, when a larger magnitude comes: no
/// value is counted twice or lost, and the result does not depend on the order
/// in which they come. Values that are not finite are counted apart.
class Histogram {
public:
  static constexpr int64_t kBins = 4096;

  void add(const float *values, int64_t count);

  /// [kBins]; bin b covers limit * [2 b / kBins - 1, 2 (b + 1) / kBins - 1).
  const std::vector<int64_t> &bins() const { return counts; }
  double limit() const { return reach; }
  double binCenter(int64_t bin) const {
    return reach * (double(2 * bin + 1) / double(kBins) - 1);
  }
  int64_t count() const { return total; }
  int64_t nonFinite() const { return bad; }
  /// Exact extremes; 0 before the first value.
  float min() const { return least; }
  float max() const { return largest; }

private:
  void widen(float magnitude);

  std::vector<int64_t> counts = std::vector<int64_t>(kBins);
  double reach = 0; ///< 0: nothing but zeros so far
  int64_t total = 0, bad = 0;
  float least = 0, largest = 0;
};

/// The range that codes should cover; what lies outside is clipped to its ends.
struct ClipRange {
  double low = 0, high = 0;
};

/// What the clipped range becomes.
struct ClipOptions {
  int levels = 256;      ///< codes over the range, at least 2
  bool symmetric = true; ///< low = -high, and levels - 1 codes are used
};

/// The range that leaves `outside` of the values (0.0001: one in ten thousand)
/// beyond its ends, half at each of them, or all together beyond +-high.
ClipRange percentileClip(const Histogram &histogram, double outside,
                         bool symmetric);
/// The range with the least sum of squared errors of rounding to its levels and
/// of clipping, with each value at the center of its bin.
ClipRange squaredErrorClip(const Histogram &histogram, ClipOptions options);
/// The symmetric range with the least Kullback-Leibler divergence between the
/// magnitudes, clipped, and their rounding to `levels` / 2 steps (Migacz,
/// "8-bit inference with TensorRT", 2017).
ClipRange entropyClip(const Histogram &histogram, int levels);

} // namespace lowbit

#endif // LOWBIT_QUANTIZE_HISTOGRAM_H
