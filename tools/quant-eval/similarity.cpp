//===- similarity.cpp - How near numbers are to others --------------------===//

#include "tools/quant-eval/similarity.h"

#include <algorithm>
#include <cmath>

using namespace lowbit::tools;

void Similarity::add(const float *reference, const float *values,
                     size_t count) {
  double signal = 0, noise = 0, products = 0, squares = 0, most = maxError_;
  for (size_t i = 0; i < count; ++i) {
#pragma clang fp reassociate(on)
    double r = reference[i], v = values[i], error = r - v;
    signal += r * r;
    noise += error * error;
    products += r * v;
    squares += v * v;
    most = std::max(most, std::fabs(error));
  }
  count_ += static_cast<int64_t>(count);
  signal_ += signal;
  noise_ += noise;
  products_ += products;
  squares_ += squares;
  maxError_ = most;
}

double Similarity::sqnr() const {
  if (noise_ == 0)
    return INFINITY;
  return signal_ == 0 ? NAN : 10 * std::log10(signal_ / noise_);
}

double Similarity::cosine() const {
  if (noise_ == 0)
    return 1;
  double lengths = std::sqrt(signal_) * std::sqrt(squares_);
  return lengths == 0 ? 0 : products_ / lengths;
}
