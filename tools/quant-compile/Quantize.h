//===- Quantize.h - quant-compile --recipe, --budget ------------*- C++ -*-===//

#ifndef LOWBIT_TOOLS_QUANT_COMPILE_QUANTIZE_H
#define LOWBIT_TOOLS_QUANT_COMPILE_QUANTIZE_H

#include "Options.h"

namespace lowbit {

/// Quantizes the model by the recipe and compiles what comes out; a dry run
/// prints the plan and the sizes.
llvm::Error quantize(const Command &command);

/// The recipe that keeps the command's budget; prints the front and writes the
/// files that were asked for.
llvm::Expected<Recipe> recipeOfBudget(const Command &command,
                                      const ModelSource &source);

/// Where a run keeps its files.
std::string workFolderOf(const Command &command);

} // namespace lowbit

#endif // LOWBIT_TOOLS_QUANT_COMPILE_QUANTIZE_H
