//===- Passes.h - Passes over the lm dialect --------------------*- C++ -*-===//

#ifndef LOWBIT_DIALECTS_LM_TRANSFORMS_PASSES_H
#define LOWBIT_DIALECTS_LM_TRANSFORMS_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

#include <memory>

namespace lowbit::lm {

#define GEN_PASS_DECL
#include "dialects/LM/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "dialects/LM/Transforms/Passes.h.inc"

} // namespace lowbit::lm

#endif // LOWBIT_DIALECTS_LM_TRANSFORMS_PASSES_H
