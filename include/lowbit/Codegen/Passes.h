//===- Passes.h - Passes of code generation ---------------------*- C++ -*-===//

#ifndef LOWBIT_CODEGEN_PASSES_H
#define LOWBIT_CODEGEN_PASSES_H

#include "mlir/Pass/Pass.h"

#include <memory>
#include <string>

namespace lowbit {

#define GEN_PASS_DECL
#include "lib/Codegen/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "lib/Codegen/Passes.h.inc"

} // namespace lowbit

#endif // LOWBIT_CODEGEN_PASSES_H
