//===- Sequences.h - Tokens that calibrate ----------------------*- C++ -*-===//

#ifndef LOWBIT_LIB_CALIBRATION_SEQUENCES_H
#define LOWBIT_LIB_CALIBRATION_SEQUENCES_H

#include "lowbit/Calibration/Recipe.h"

#include "quantrt/quantrt.h"

namespace lowbit {

/// Cuts the text into pieces of `length` tokens and takes `sequences` of them,
/// chosen by the seed, in the text's order; all if there are fewer. Where the
/// model begins with BOS, so does each. One row of ids each. A text that does
/// not fill one piece is an error.
llvm::Expected<std::vector<std::vector<int32_t>>>
readSequences(const qrt_model *model, const CalibrationText &text);

} // namespace lowbit

#endif // LOWBIT_LIB_CALIBRATION_SEQUENCES_H
