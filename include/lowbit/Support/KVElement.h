//===- KVElement.h - What a key/value store keeps ---------------*- C++ -*-===//

#ifndef LOWBIT_SUPPORT_KVELEMENT_H
#define LOWBIT_SUPPORT_KVELEMENT_H

namespace lowbit {

/// How keys and values are kept (docs/Numerics.md N4). Q8: codes of a byte with
/// one f32 scale for each head of a position; `element = i8` in !lm.kv.
enum class KVElement { F32, F16, BF16, Q8 };

} // namespace lowbit

#endif // LOWBIT_SUPPORT_KVELEMENT_H
