//===- similarity.h - How near numbers are to others ------------*- C++ -*-===//

#ifndef TOOLS_QUANTEVAL_SIMILARITY_H
#define TOOLS_QUANTEVAL_SIMILARITY_H

#include <cstddef>
#include <cstdint>

namespace lowbit::tools {

/// Sums over pairs of a reference's number and the one that stands for it.
class Similarity {
public:
  void add(const float *reference, const float *values, size_t count);

  int64_t count() const { return count_; }
  /// Signal-to-quantization-noise ratio in dB, 10 log10 of sum r^2 over sum (r
  /// - v)^2: infinite if all are equal, NaN if there is no signal but noise.
  double sqnr() const;
  /// sum r v / sqrt(sum r^2 sum v^2); 1 if all are equal, 0 if one is all zero.
  double cosine() const;
  double maxError() const { return maxError_; } ///< largest |r - v|

private:
  int64_t count_ = 0;
  double signal_ = 0, noise_ = 0, products_ = 0, squares_ = 0, maxError_ = 0;
};

} // namespace lowbit::tools

#endif // TOOLS_QUANTEVAL_SIMILARITY_H
