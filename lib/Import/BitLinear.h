//===- BitLinear.h - Numerics of BitLinear layers ---------------*- C++ -*-===//
//
// Ternary weights under one divisor, and activations of 8 bits under a divisor
// of each row (Ma et al., "The Era of 1-bit LLMs", arXiv:2402.17764), as
// transformers' BitLinear and AutoBitLinear and bitlinear-pytorch compute them:
// two rows of the table in docs/Numerics.md, N9.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_IMPORT_BITLINEAR_H
#define LOWBIT_LIB_IMPORT_BITLINEAR_H

#include "lowbit/Import/ModelSource.h"

namespace lowbit {

/// What every BitLinear makes of its input.
const InputRounding &bitLinearInputs();

/// Whether a matrix is that of a BitLinear: ternary, or the two bits of TQ2_0,
/// whose fourth code no encoder writes.
bool holdsTernaryWeights(const Scheme &scheme);

/// Makes ternary codes of a float matrix when its rows are read. The mean of
/// all magnitudes is taken before the first.
void roundToTernary(SourceTensor &tensor);

} // namespace lowbit

#endif // LOWBIT_LIB_IMPORT_BITLINEAR_H
