//===- DoubleQuantize.h - Scales of scales ----------------------*- C++ -*-===//

#ifndef LOWBIT_QUANTIZE_DOUBLEQUANTIZE_H
#define LOWBIT_QUANTIZE_DOUBLEQUANTIZE_H

#include <cstdint>
#include <vector>

namespace lowbit {

/// The scales of a whole tensor in 8 bits, as QLoRA keeps them and TorchAO's
/// NF4 (docs/Numerics.md, N9): s = fl(fl(q / factor) + mean).
struct DoubleQuantized {
  std::vector<int8_t> codes;  ///< [scales]
  std::vector<float> factors; ///< one for each group of them; a tail has one
  float mean = 0;
  std::vector<float> scales; ///< what the codes stand for: stored as a scheme's
};

/// `scales` in the order of the tensor's groups, `group` of them share a
/// factor.
DoubleQuantized doubleQuantize(const std::vector<float> &scales, int64_t group);

} // namespace lowbit

#endif // LOWBIT_QUANTIZE_DOUBLEQUANTIZE_H
