//===- KVElement.cpp - What a key/value store keeps -----------------------===//

#include "lowbit/Support/KVElement.h"

#include "lowbit/Support/Activations.h"

namespace lowbit {

static constexpr const char *kWords[] = {"f32", "f16", "bf16", "q8", "q4"};

std::optional<KVElement> parseKVElement(const std::string &word) {
  for (size_t i = 0; i < std::size(kWords); ++i)
    if (word == kWords[i])
      return KVElement(i);
  return std::nullopt;
}

std::optional<KVCodes> kvCodes(KVElement element) {
  KVCodes codes;
  codes.scheme.kind = CodeKind::Signed;
  Level level;
  level.group = Level::kRow;
  level.components = {Component()};
  switch (element) {
  case KVElement::F32:
  case KVElement::F16:
  case KVElement::BF16:
    return std::nullopt;
  case KVElement::Q8:
    codes.scheme.bits = 8;
    break;
  case KVElement::Q4:
    codes.scheme.bits = 4;
    level.group = kKVGroup;
    level.components[0].type = {FieldType::BF16, 16, 0};
    codes.quantizer = fourBitQuantizer(kReachOfGroup);
    break;
  }
  codes.scheme.levels = {level};
  return codes;
}

} // namespace lowbit
