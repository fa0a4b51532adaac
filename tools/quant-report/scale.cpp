//===- scale.cpp - From numbers to places ---------------------------------===//

#include "tools/quant-report/scale.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace lowbit::tools::report;

Scale::Scale(Kind kind, double low, double high, double from, double to)
    : kind_(kind), low_(low), high_(high), from_(from), to_(to) {
  if (!std::isfinite(low_) || !std::isfinite(high_))
    low_ = kind == Linear ? 0 : 1, high_ = kind == Linear ? 1 : 10;
  // What is drawn never comes near; sums and products below stay finite.
  constexpr double most = 1e300;
  low_ = std::clamp(low_, -most, most);
  high_ = std::clamp(high_, -most, most);
  if (kind_ == Logarithmic) {
    low_ = std::max(low_, std::numeric_limits<double>::min());
    high_ = std::max(high_, low_);
    if (high_ <= low_)
      low_ /= 2, high_ *= 2;
  } else if (high_ <= low_) {
    double air = low_ == 0 ? 1 : std::fabs(low_) / 2;
    low_ -= air, high_ = low_ + 2 * air;
  }
}

double Scale::at(double value) const {
  value = std::clamp(value, low_, high_);
  double share = kind_ == Linear ? (value - low_) / (high_ - low_)
                                 : (std::log(value) - std::log(low_)) /
                                       (std::log(high_) - std::log(low_));
  return from_ + share * (to_ - from_);
}

std::vector<double> Scale::decades(size_t most) const {
  int first = static_cast<int>(std::floor(std::log10(low_)));
  int last = static_cast<int>(std::ceil(std::log10(high_)));
  // The finest choice that fits: 1 2 5, 1 3, 1; then every other decade, ...
  for (std::vector<double> digits : {std::vector<double>{1, 2, 5}, {1, 3}, {1}})
    for (int step = 1; step <= (digits.size() == 1 ? last - first + 1 : 1);
         ++step) {
      std::vector<double> found;
      for (int decade = first; decade <= last; decade += step)
        for (double digit : digits) {
          double value = digit * std::pow(10.0, decade);
          if (value >= low_ * (1 - 1e-9) && value <= high_ * (1 + 1e-9))
            found.push_back(value);
        }
      if (found.size() <= most)
        return found;
    }
  return {};
}

std::vector<double> Scale::ticks(size_t most) const {
  if (most == 0)
    return {};
  if (kind_ == Logarithmic)
    return decades(most);
  double span = high_ - low_, unit = std::pow(10, std::floor(std::log10(span)));
  for (double factor : {0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0}) {
    double step = unit * factor;
    double first = std::ceil(low_ / step - 1e-9);
    double last = std::floor(high_ / step + 1e-9);
    if (last - first + 1 > double(most))
      continue;
    std::vector<double> found;
    for (double i = first; i <= last; ++i)
      found.push_back(i == 0 ? 0 : i * step);
    return found;
  }
  return {};
}
