//===- KVElement.h - What a key/value store keeps ---------------*- C++ -*-===//

#ifndef LOWBIT_SUPPORT_KVELEMENT_H
#define LOWBIT_SUPPORT_KVELEMENT_H

#include "lowbit/Support/Quantizer.h"

#include <optional>
#include <string>

namespace lowbit {

/// How keys and values are kept (docs/Numerics.md N4); i8 and i4 stand for Q8
/// and Q4 in !lm.kv.
enum class KVElement { F32, F16, BF16, Q8, Q4 };

/// "f32", "f16", "bf16", "q8", "q4", as --kv and the recipes' key take them.
std::optional<KVElement> parseKVElement(const std::string &word);

/// Elements of a head that share a scale in Q4; a head's last group may be
/// shorter.
constexpr int64_t kKVGroup = 32;

/// Signed codes with one level of scales, the row being a head of a position,
/// and what chooses them.
struct KVCodes {
  Scheme scheme;
  std::optional<Quantizer> quantizer; ///< none: N2
};
/// Nothing for floats.
std::optional<KVCodes> kvCodes(KVElement element);

} // namespace lowbit

#endif // LOWBIT_SUPPORT_KVELEMENT_H
