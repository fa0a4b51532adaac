//===- Options.h - The command line of quant-compile ------------*- C++ -*-===//

#ifndef LOWBIT_TOOLS_QUANT_COMPILE_OPTIONS_H
#define LOWBIT_TOOLS_QUANT_COMPILE_OPTIONS_H

#include "lowbit/Driver/Compile.h"

namespace lowbit {

/// Reads the command line; an error says which word is wrong and what to do.
llvm::Expected<CompileOptions> parseOptions(int argc, char **argv);

} // namespace lowbit

#endif // LOWBIT_TOOLS_QUANT_COMPILE_OPTIONS_H
