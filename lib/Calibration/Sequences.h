//===- Sequences.h - Tokens that calibrate ----------------------*- C++ -*-===//

#ifndef LOWBIT_LIB_CALIBRATION_SEQUENCES_H
#define LOWBIT_LIB_CALIBRATION_SEQUENCES_H

#include "lowbit/Calibration/Recipe.h"

#include "quantrt/quantrt.h"
#include "llvm/ADT/ArrayRef.h"

#include <optional>

namespace lowbit {

/// Cuts ids into pieces of `length` tokens and takes `sequences` of them,
/// chosen by the seed, in the text's order; all if there are fewer. Each begins
/// with `bos`, if there is one, in place of a token. Ids that do not fill one
/// piece are an error.
llvm::Expected<std::vector<std::vector<int32_t>>>
cutSequences(llvm::ArrayRef<int32_t> ids, const CalibrationText &text,
             std::optional<int32_t> bos);

/// Pieces of the text that calibrate and, from elsewhere in it, a few that tell
/// afterwards how well: 4, or a sixteenth of a short text.
struct CalibrationSequences {
  std::vector<std::vector<int32_t>> calibrating, heldOut;
};

/// Cuts as above, with some held out. What calibrates is the same as above
/// where there are enough pieces for both.
llvm::Expected<CalibrationSequences>
divideSequences(llvm::ArrayRef<int32_t> ids, const CalibrationText &text,
                std::optional<int32_t> bos);

/// The same of a file; with BOS where the model begins with it. A model without
/// a tokenizer is an error.
llvm::Expected<CalibrationSequences> readSequences(const qrt_model *model,
                                                   const CalibrationText &text);

} // namespace lowbit

#endif // LOWBIT_LIB_CALIBRATION_SEQUENCES_H
