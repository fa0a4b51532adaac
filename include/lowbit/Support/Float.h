//===- Float.h - Narrow floating-point numbers ------------------*- C++ -*-===//

#ifndef LOWBIT_SUPPORT_FLOAT_H
#define LOWBIT_SUPPORT_FLOAT_H

#include <cstdint>

namespace lowbit {

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
/// Nearest power of two not below the smallest; value > 0.
uint8_t toE8M0(float value);
uint8_t toE4M3(float value);

} // namespace lowbit

#endif // LOWBIT_SUPPORT_FLOAT_H
