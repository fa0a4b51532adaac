//===- EmitHeader.h - C prototypes of a module's functions ------*- C++ -*-===//

#ifndef LOWBIT_LIB_DRIVER_EMITHEADER_H
#define LOWBIT_LIB_DRIVER_EMITHEADER_H

#include "lowbit/Target/Module.h"

namespace lowbit {

/// A name that C and C++ accept: other characters become underscores, and a
/// keyword gets one.
std::string identifier(llvm::StringRef name);

/// Text of a header with one inline function for each plain function: it finds
/// the function in a loaded module and calls it. `symbol` is declared too,
/// unless it is empty.
std::string headerText(const ModuleImage &image, llvm::StringRef path,
                       llvm::StringRef symbol);

} // namespace lowbit

#endif // LOWBIT_LIB_DRIVER_EMITHEADER_H
