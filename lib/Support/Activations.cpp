//===- Activations.cpp - Low-bit activations by their words ---------------===//

#include "lowbit/Support/Activations.h"

#include <limits>

namespace lowbit {

bool isActivationWord(const std::string &word) {
  for (const char *known : kActivationWords)
    if (word == known)
      return true;
  return false;
}

std::string activationWordList() {
  std::string list;
  size_t count = std::size(kActivationWords);
  for (size_t i = 0; i < count; ++i)
    list += std::string(i == 0           ? ""
                        : i + 1 == count ? " or "
                                         : ", ") +
            kActivationWords[i];
  return list;
}

Quantizer fourBitQuantizer(float reach) {
  Quantizer result;
  result.range = Quantizer::Range::AbsMax;
  result.reach = reach;
  result.leastScale = std::numeric_limits<float>::min();
  result.apply = Quantizer::Apply::Multiply;
  result.hasClamp = true;
  result.low = -8;
  result.high = 7;
  return result;
}

} // namespace lowbit
