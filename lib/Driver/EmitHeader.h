//===- EmitHeader.h - C prototypes of a module's functions ------*- C++ -*-===//

#ifndef LOWBIT_LIB_DRIVER_EMITHEADER_H
#define LOWBIT_LIB_DRIVER_EMITHEADER_H

#include "lowbit/Target/Module.h"

namespace lowbit {

/// Text of a header with one inline function for each plain function: it finds
/// the function in a loaded module and calls it.
std::string headerText(const ModuleImage &image, llvm::StringRef path);

} // namespace lowbit

#endif // LOWBIT_LIB_DRIVER_EMITHEADER_H
