//===- Float.h - Narrow floating-point numbers ------------------*- C++ -*-===//

#ifndef LOWBIT_SUPPORT_FLOAT_H
#define LOWBIT_SUPPORT_FLOAT_H

#include <cstdint>
#include <cstring>

namespace lowbit {

/// An f32 and its own bits.
inline float fromF32(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}
inline uint32_t toF32(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

/// Bits to value; every value is exact in f32.
float fromF16(uint16_t bits);
float fromBF16(uint16_t bits);
/// 2^(bits - 127); 255 is NaN. bits = 0 is the denormal 2^-127.
float fromE8M0(uint8_t bits);
/// OCP E4M3 (fn): no infinities, 0x7f and 0xff are NaN.
float fromE4M3(uint8_t bits);

/// Value to bits, round to nearest, ties to even.
uint16_t toF16(float value);
uint16_t toBF16(float value);
/// Nearest power of two, never below 2^-127 (also for 0 and negative values)
/// nor above 2^127; NaN becomes 255.
uint8_t toE8M0(float value);
/// Saturates at +-448.
uint8_t toE4M3(float value);

} // namespace lowbit

#endif // LOWBIT_SUPPORT_FLOAT_H
