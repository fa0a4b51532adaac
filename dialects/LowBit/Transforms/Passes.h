//===- Passes.h - Passes over the lowbit dialect ----------------*- C++ -*-===//

#ifndef LOWBIT_DIALECTS_LOWBIT_TRANSFORMS_PASSES_H
#define LOWBIT_DIALECTS_LOWBIT_TRANSFORMS_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

#include <memory>

namespace lowbit {

#define GEN_PASS_DECL
#include "dialects/LowBit/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "dialects/LowBit/Transforms/Passes.h.inc"

} // namespace lowbit

#endif // LOWBIT_DIALECTS_LOWBIT_TRANSFORMS_PASSES_H
