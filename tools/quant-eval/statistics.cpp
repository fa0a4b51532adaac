//===- statistics.cpp - Means with errors, percentiles --------------------===//

#include "tools/quant-eval/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

using namespace lowbit::tools;

double Mean::error() const {
  if (count_ < 2)
    return 0;
  double mean = value();
  double variance = squares_ / double(count_) - mean * mean;
  return variance > 0 ? std::sqrt(variance / double(count_ - 1)) : 0;
}

double lowbit::tools::percentile(const std::vector<double> &sorted,
                                 double fraction) {
  if (sorted.empty())
    return 0;
  double place = std::clamp(fraction, 0.0, 1.0) * double(sorted.size() - 1);
  size_t below = static_cast<size_t>(place);
  size_t above = std::min(below + 1, sorted.size() - 1);
  double part = place - double(below);
  // Not a difference: one of the two may be infinite.
  return part == 0 ? sorted[below]
                   : (1 - part) * sorted[below] + part * sorted[above];
}
