//===- Float.cpp - Narrow floating-point numbers --------------------------===//

#include "lowbit/Support/Float.h"

#include <limits>

namespace lowbit {

/// value >> shift, rounded to nearest, ties to even; 1 <= shift <= 31.
static uint32_t shiftRounded(uint32_t value, int shift) {
  uint32_t half = 1u << (shift - 1);
  uint32_t rest = value & (2 * half - 1);
  uint32_t kept = value >> shift;
  return kept + (rest > half || (rest == half && (kept & 1)));
}

/// The magnitude bits of a small float with `mantissa` fraction bits and
/// exponent bias `bias` nearest to the finite |value|. What is too large comes
/// out as the bits that follow the format's own largest: the caller decides.
static uint32_t narrow(uint32_t magnitude, int mantissa, int bias) {
  int exponent = int(magnitude >> 23) - 127 + bias;
  int shift = 23 - mantissa;
  if (exponent >
      0) // a carry out of the fraction runs into the exponent: wanted
    return shiftRounded(magnitude - (uint32_t(127 - bias) << 23), shift);
  // Denormal: the fraction with its hidden bit, moved down. 2^-149..2^-127, the
  // denormals of f32, are far below every narrow format's smallest.
  shift += 1 - exponent;
  return shift > 24 ? 0
                    : shiftRounded((magnitude & 0x7fffff) | 0x800000, shift);
}

float fromF16(uint16_t bits) {
  uint32_t sign = uint32_t(bits & 0x8000) << 16;
  uint32_t magnitude = bits & 0x7fff;
  if (magnitude >= 0x7c00) // Inf, NaN
    return fromF32(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
  if (magnitude >= 0x0400)
    return fromF32(sign | ((magnitude << 13) + (uint32_t(127 - 15) << 23)));
  float denormal = float(magnitude) * 0x1p-24f;
  return sign ? -denormal : denormal;
}

float fromBF16(uint16_t bits) { return fromF32(uint32_t(bits) << 16); }

float fromE8M0(uint8_t bits) {
  if (bits == 0)
    return 0x1p-127f;
  return bits == 255 ? std::numeric_limits<float>::quiet_NaN()
                     : fromF32(uint32_t(bits) << 23);
}

float fromE4M3(uint8_t bits) {
  uint32_t sign = uint32_t(bits & 0x80) << 24;
  uint32_t magnitude = bits & 0x7f;
  if (magnitude == 0x7f)
    return std::numeric_limits<float>::quiet_NaN();
  if (magnitude >= 8)
    return fromF32(sign | ((magnitude << 20) + (uint32_t(127 - 7) << 23)));
  float denormal = float(magnitude) * 0x1p-9f;
  return sign ? -denormal : denormal;
}

uint16_t toF16(float value) {
  uint32_t bits = toF32(value);
  uint32_t magnitude = bits & 0x7fffffff;
  uint16_t sign = uint16_t(bits >> 16) & 0x8000;
  if (magnitude > 0x7f800000) // keeps the top of a NaN's payload
    return sign | 0x7e00 | (magnitude >> 13 & 0x1ff);
  if (magnitude >= 0x477ff000) // 65520, half a step above 65504
    return sign | 0x7c00;
  return sign | uint16_t(narrow(magnitude, 10, 15));
}

uint16_t toBF16(float value) {
  uint32_t bits = toF32(value);
  if ((bits & 0x7fffffff) > 0x7f800000)
    return uint16_t(bits >> 16) | 0x40;
  return uint16_t((uint64_t(bits) + 0x7fff + (bits >> 16 & 1)) >> 16);
}

uint8_t toE8M0(float value) {
  if (!(value > 0))
    return value != value ? 255 : 0;
  uint32_t bits = toF32(value);
  if (bits >= 0x7f000000) // 2^127, the largest, and all above it
    return 254;
  if (bits < 0x00800000) // below 2^-126: 2^-127 or its double
    return bits >= 0x00600000;
  return uint8_t(shiftRounded(bits, 23));
}

uint8_t toE4M3(float value) {
  uint32_t bits = toF32(value);
  uint32_t magnitude = bits & 0x7fffffff;
  uint8_t sign = uint8_t(bits >> 24) & 0x80;
  if (magnitude > 0x7f800000)
    return sign | 0x7f;
  if (magnitude >= 0x43e00000) // 448, the largest
    return sign | 0x7e;
  return sign | uint8_t(narrow(magnitude, 3, 7));
}

} // namespace lowbit
