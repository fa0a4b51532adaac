//===- Passes.h - Passes over the rt dialect --------------------*- C++ -*-===//

#ifndef LOWBIT_DIALECTS_RT_TRANSFORMS_PASSES_H
#define LOWBIT_DIALECTS_RT_TRANSFORMS_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

#include <memory>

namespace lowbit::rt {

#define GEN_PASS_DECL
#include "dialects/Rt/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "dialects/Rt/Transforms/Passes.h.inc"

} // namespace lowbit::rt

#endif // LOWBIT_DIALECTS_RT_TRANSFORMS_PASSES_H
