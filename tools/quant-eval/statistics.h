//===- statistics.h - Means with errors, percentiles ------------*- C++ -*-===//

#ifndef TOOLS_QUANTEVAL_STATISTICS_H
#define TOOLS_QUANTEVAL_STATISTICS_H

#include <cstdint>
#include <vector>

namespace lowbit::tools {

/// A figure and its standard error.
struct Estimate {
  double value = 0, error = 0;
};

/// Mean of samples with its standard error, sqrt((E[x^2] - E[x]^2) / (n - 1)).
class Mean {
public:
  void add(double sample) {
    ++count_;
    sum_ += sample;
    squares_ += sample * sample;
  }
  int64_t count() const { return count_; }
  double value() const { return count_ ? sum_ / double(count_) : 0; }
  double error() const;
  Estimate estimate() const { return {value(), error()}; }

private:
  int64_t count_ = 0;
  double sum_ = 0, squares_ = 0;
};

/// Value below which `fraction` of sorted values lie, interpolated linearly;
/// 0 if there are none.
double percentile(const std::vector<double> &sorted, double fraction);

} // namespace lowbit::tools

#endif // TOOLS_QUANTEVAL_STATISTICS_H
