//===- Options.h - The command line of quant-compile ------------*- C++ -*-===//

#ifndef LOWBIT_TOOLS_QUANT_COMPILE_OPTIONS_H
#define LOWBIT_TOOLS_QUANT_COMPILE_OPTIONS_H

#include "lowbit/Driver/Compile.h"

namespace lowbit {

/// Reads the command line; an error says which word is wrong and what to do.
/// `done`: help or version was asked for and printed.
llvm::Expected<CompileOptions> parseOptions(int argc, char **argv, bool &done);

} // namespace lowbit

#endif // LOWBIT_TOOLS_QUANT_COMPILE_OPTIONS_H
