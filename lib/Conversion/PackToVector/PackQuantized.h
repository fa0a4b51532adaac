//===- PackQuantized.h - Codes of activations by a quantizer ----*- C++ -*-===//
//
// What docs/Numerics.md, N9, says of signed codes of 8 bits under one scale or
// divisor that is chosen from the largest magnitude, bit for bit.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CONVERSION_PACKTOVECTOR_PACKQUANTIZED_H
#define LOWBIT_LIB_CONVERSION_PACKTOVECTOR_PACKQUANTIZED_H

#include "lowbit/Conversion/Emitter.h"
#include "lowbit/Support/Quantizer.h"

namespace lowbit {

class QuantizedPacker {
public:
  /// `storesBF16`: scales are rounded to bf16, else f32.
  QuantizedPacker(Emitter &e, const Quantizer &quantizer, bool hasDivisor,
                  bool storesBF16 = false)
      : e(e), quantizer(quantizer), hasDivisor(hasDivisor),
        storesBF16(storesBF16) {}

  /// Carries the largest magnitude of a group in 16 lanes, as bits: larger
  /// floats have larger bits, and NaN the largest.
  mlir::Value largestStart();
  mlir::Value larger(mlir::Value carried, mlir::Value reals);
  /// S, by which sums of codes are multiplied, and what elements are multiplied
  /// by, or divided by; scalars.
  std::pair<mlir::Value, mlir::Value> scaleAndFactor(mlir::Value largest);
  /// The codes of 16 reals, as i32; `factor` in every lane. NaN becomes 0.
  mlir::Value codes(mlir::Value reals, mlir::Value factor);

private:
  mlir::Value atLeast(mlir::Value scalar, float least);

  Emitter &e;
  const Quantizer &quantizer;
  bool hasDivisor, storesBF16;
};

} // namespace lowbit

#endif // LOWBIT_LIB_CONVERSION_PACKTOVECTOR_PACKQUANTIZED_H
