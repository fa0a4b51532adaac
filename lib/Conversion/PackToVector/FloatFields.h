//===- FloatFields.h - Narrow floats to f32 ---------------------*- C++ -*-===//

#ifndef LOWBIT_LIB_CONVERSION_PACKTOVECTOR_FLOATFIELDS_H
#define LOWBIT_LIB_CONVERSION_PACKTOVECTOR_FLOATFIELDS_H

#include "lowbit/Conversion/Emitter.h"
#include "lowbit/Support/Scheme.h"

namespace lowbit {

/// The type of memory that holds floats of 16 or 32 bits.
mlir::Type floatType(Emitter &e, FieldType::Kind kind);

/// 16 lanes of such a float to f32.
mlir::Value widen(Emitter &e, mlir::Value narrow);

/// 16 lanes of i32, the bits of an exponent or of an 8-bit float, to f32.
mlir::Value fromE8M0(Emitter &e, mlir::Value bits);
mlir::Value fromE4M3(Emitter &e, mlir::Value bits);

/// 16 words of two bf16: those of the lower halves (0) or the upper ones (1) as
/// f32.
mlir::Value halfOfPair(Emitter &e, mlir::Value words, int64_t which);

} // namespace lowbit

#endif // LOWBIT_LIB_CONVERSION_PACKTOVECTOR_FLOATFIELDS_H
