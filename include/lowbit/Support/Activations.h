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
/// the largest magnitude at 8, so that a positive one is clipped to 7/8 of it.
/// Of Gaussian groups of 32 this leaves a squared error of 0.0088, a reach of 7
/// 0.0095, of 7.75 (the best) 0.0087; of rows of 576 0.014, 0.018 and, with the
/// best reach 9, 0.012 (numpy, 200,000 values, 2026-11-24).
Quantizer fourBitQuantizer();

} // namespace lowbit

#endif // LOWBIT_SUPPORT_ACTIVATIONS_H
