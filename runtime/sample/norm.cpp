//===- norm.cpp - Lengths of embeddings -----------------------------------===//

#include "sample/norm.h"

#include <algorithm>
#include <cmath>

namespace qrt {

/// llama.cpp's: 32-bit floats for vectors that are kept as 16-bit integers.
static constexpr double largestElement = 32760;

void normalize(float *vector, size_t length, int32_t norm) {
  if (norm < 0)
    return;
  double sum = 0;
  for (size_t i = 0; i < length; ++i) {
    double value = std::fabs(double(vector[i]));
    if (norm == 0)
      sum = std::max(sum, value / largestElement);
    else
      sum += norm == 1   ? value
             : norm == 2 ? value * value
                         : std::pow(value, double(norm));
  }
  if (norm == 2)
    sum = std::sqrt(sum);
  else if (norm > 2)
    sum = std::pow(sum, 1.0 / norm);
  if (!(sum > 0))
    return;
  for (size_t i = 0; i < length; ++i)
    vector[i] = static_cast<float>(vector[i] / sum);
}

} // namespace qrt
