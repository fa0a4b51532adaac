//===- Narrow.h - Reals to narrow numbers and back --------------*- C++ -*-===//

#ifndef LOWBIT_LIB_CONVERSION_NARROW_H
#define LOWBIT_LIB_CONVERSION_NARROW_H

#include "lowbit/Conversion/Emitter.h"

namespace lowbit {

/// 16 lanes of f32, f16 or bf16 to f32.
mlir::Value widen(Emitter &e, mlir::Value narrow);

/// 16 lanes of f32 to f16 or bf16, to nearest, ties to even; NaN stays one.
mlir::Value narrow(Emitter &e, mlir::Value reals, mlir::Type element);

/// 16 lanes of f32 to the nearest bf16, ties to even; NaN stays one. Gives their
/// bits in the upper halves of words, the lower ones zero. By integers, so that
/// they are the same at every level: few have an instruction for it.
mlir::Value roundToBF16(Emitter &e, mlir::Value reals);

/// 16 words to their upper halves, i16.
mlir::Value upperHalves(Emitter &e, mlir::Value words);

/// Scale and inverse (docs/Numerics.md N2) of codes of 8 bits that share a
/// largest magnitude.
std::pair<mlir::Value, mlir::Value> scaleOfCodes(Emitter &e,
                                                 mlir::Value largest);

/// The codes of 16 reals, as i32.
mlir::Value codesOf(Emitter &e, mlir::Value reals, mlir::Value inverse);

} // namespace lowbit

#endif // LOWBIT_LIB_CONVERSION_NARROW_H
