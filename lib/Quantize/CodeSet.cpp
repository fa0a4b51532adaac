//===- CodeSet.cpp - The values that codes can take -----------------------===//

#include "CodeSet.h"

#include <algorithm>
#include <cmath>

namespace lowbit {

CodeSet::CodeSet(const Scheme &scheme)
    : kind(scheme.kind), rounding(scheme.rounding),
      mask(uint8_t((1u << scheme.bits) - 1)) {
  for (float value : scheme.codebook)
    mean += std::abs(value) / double(scheme.codebook.size());
  if (scheme.isVector() || scheme.signs) {
    auto [low, high] =
        std::minmax_element(scheme.codebook.begin(), scheme.codebook.end());
    lowest = scheme.signs ? std::min(*low, -*high) : *low;
    highest = scheme.signs ? -lowest : *high;
    return;
  }
  unsigned count = kind == CodeKind::Ternary ? 3 : 1u << scheme.bits;
  for (unsigned code = 0; code < count; ++code)
    values[code] = scheme.codeValue(code);
  lowest = *std::min_element(values, values + count);
  highest = *std::max_element(values, values + count);
  if (kind == CodeKind::Unsigned)
    integer0 = scheme.offset;
  if (kind == CodeKind::Ternary)
    integer0 = 1;
  // The sign route of 8-bit products has no place for -128; see Numerics.md.
  if (kind == CodeKind::Signed && !scheme.has(Component::Min) &&
      !scheme.has(Component::NegMin) && !scheme.has(Component::Zero))
    lowest = -highest;

  if (kind != CodeKind::Codebook)
    return;
  for (unsigned code = 0; code < count; ++code)
    sorted.push_back(uint8_t(code));
  // Of equal entries (0 and -0) the smaller code is used.
  std::sort(sorted.begin(), sorted.end(), [&](uint8_t a, uint8_t b) {
    return values[a] != values[b] ? values[a] < values[b] : a < b;
  });
  auto equal = [&](uint8_t a, uint8_t b) { return values[a] == values[b]; };
  sorted.erase(std::unique(sorted.begin(), sorted.end(), equal), sorted.end());
}

uint8_t CodeSet::nearestEntry(double target) const {
  auto above = std::lower_bound(
      sorted.begin(), sorted.end(), target,
      [&](uint8_t code, double t) { return values[code] < t; });
  if (above == sorted.begin() || values[*above] == target)
    return *above; // `target` is clamped: there is an entry not below it
  uint8_t low = above[-1], high = *above;
  uint8_t outward = std::abs(values[low]) > std::abs(values[high]) ? low : high;
  uint8_t inward = outward == low ? high : low;
  if (rounding == Rounding::Toward0)
    return inward;
  double below = target - values[low], rest = values[high] - target;
  if (below != rest)
    return below < rest ? low : high;
  if (rounding == Rounding::NearestAway)
    return outward;
  return low & 1 ? high : low; // the even code
}

} // namespace lowbit
