//===- Activations.h - Low-bit activations by their words -------*- C++ -*-===//

#ifndef LOWBIT_SUPPORT_ACTIVATIONS_H
#define LOWBIT_SUPPORT_ACTIVATIONS_H

#include "lowbit/Support/Quantizer.h"

#include <string>

namespace lowbit {

/// What --activations and the recipes' key take; docs/Numerics.md, N2.
inline constexpr const char *kActivationWords[] = {
    "int8",           "int8-pow2", "per-token", "int4",
    "int4-per-token", "binary",    "bf16",      "f32"};

bool isActivationWord(const std::string &word);
/// "int8, ..., bf16 or f32".
std::string activationWordList();

/// How reals become codes of 4 bits, activations as keys and values: -8 to 7,
/// the largest magnitude at `reach`, so that what is above 7 (8) is clipped. The
/// more elements share a scale, the more are gained by clipping: of Gaussian
/// groups of 32 a reach of 7, 8, 9 leaves a squared error of 0.0095, 0.0088,
/// 0.0128, of rows of 576 0.0182, 0.0141, 0.0121, of rows of 2048 0.0227,
/// 0.0175, 0.0142 (numpy, 200,000 values, 2026-11-24).
Quantizer fourBitQuantizer(float reach);
inline constexpr float kReachOfGroup = 8, kReachOfRow = 9;

} // namespace lowbit

#endif // LOWBIT_SUPPORT_ACTIVATIONS_H
