//===- DoubleQuantize.cpp - Scales of scales ------------------------------===//

#include "lowbit/Quantize/DoubleQuantize.h"

#include "lowbit/Quantize/CascadeSum.h"

#include <algorithm>
#include <cmath>

namespace lowbit {

DoubleQuantized doubleQuantize(const std::vector<float> &scales,
                               int64_t group) {
  DoubleQuantized result;
  auto count = int64_t(scales.size());
  CascadeSum sum(count);
  for (float scale : scales)
    sum.add(scale);
  result.mean = count ? sum.sum() / float(count) : 0;
  for (int64_t first = 0; first < count; first += group) {
    int64_t last = std::min(first + group, count);
    float largest = 0;
    for (int64_t i = first; i < last; ++i)
      largest = std::max(largest, std::fabs(scales[size_t(i)] - result.mean));
    // Equal scales are all the mean: any factor will do.
    float factor = largest > 0 ? (1 / (2 * largest)) * 256 : 1;
    result.factors.push_back(factor);
    for (int64_t i = first; i < last; ++i) {
      float code = std::nearbyint((scales[size_t(i)] - result.mean) * factor);
      code = std::clamp(code, -128.0f, 127.0f);
      result.codes.push_back(int8_t(code));
      result.scales.push_back(code / factor + result.mean);
    }
  }
  return result;
}

} // namespace lowbit
