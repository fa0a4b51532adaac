//===- Quantize.h - quant-compile --recipe ----------------------*- C++ -*-===//

#ifndef LOWBIT_TOOLS_QUANT_COMPILE_QUANTIZE_H
#define LOWBIT_TOOLS_QUANT_COMPILE_QUANTIZE_H

#include "Options.h"

namespace lowbit {

/// Quantizes the model by the recipe and compiles what comes out; a dry run
/// prints the plan and the sizes.
llvm::Error quantize(const Command &command);

} // namespace lowbit

#endif // LOWBIT_TOOLS_QUANT_COMPILE_QUANTIZE_H
