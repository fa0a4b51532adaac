//===- Quality.h - How far a quantized model is off -------------*- C++ -*-===//
//
// Sequences that calibration leaves out go through the layers twice, in floats
// and quantized; here the two ends are compared.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CALIBRATION_QUALITY_H
#define LOWBIT_LIB_CALIBRATION_QUALITY_H

#include "TensorStore.h"

#include "lowbit/Import/ModelSource.h"
#include "lowbit/Quantize/ThreadPool.h"

#include "llvm/ADT/ArrayRef.h"

namespace lowbit {

struct Quality {
  int64_t tokens = 0;    ///< that were compared; 0: none were left
  double sqnr = 0;       ///< dB, of what the head reads
  bool hasHead = false;  ///< the two below are known
  double divergence = 0; ///< mean KL(float || quantized) of the next token
  double sameTop = 0;    ///< share of tokens with the same most likely one
};

/// Of rows [tokens x width] that the head reads. `exactHead` and `roundedHead`
/// [vocabulary x width] make the logits, in floats; null: no logits. Their rows
/// are read a block at a time.
Quality compareEnds(ThreadPool &pool, llvm::ArrayRef<float> exact,
                    llvm::ArrayRef<float> rounded, int64_t width,
                    const SourceTensor *exactHead,
                    const SourceTensor *roundedHead);

/// Keeps what was found in a work folder, and reads it again.
llvm::Error storeQuality(const TensorStore &store, const Quality &quality);
llvm::Expected<Quality> storedQuality(const TensorStore &store);

} // namespace lowbit

#endif // LOWBIT_LIB_CALIBRATION_QUALITY_H
