//===- softmax.h - Probabilities of logits ----------------------*- C++ -*-===//

#ifndef TOOLS_QUANTEVAL_SOFTMAX_H
#define TOOLS_QUANTEVAL_SOFTMAX_H

#include "lowbit/Support/Softmax.h"

namespace lowbit::tools {

using lowbit::expectedDifference;
using lowbit::likeliest;
using lowbit::logSumExp;

} // namespace lowbit::tools

#endif // TOOLS_QUANTEVAL_SOFTMAX_H
