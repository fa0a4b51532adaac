//===- Passes.h - Passes over the pack dialect ------------------*- C++ -*-===//

#ifndef LOWBIT_DIALECTS_PACK_TRANSFORMS_PASSES_H
#define LOWBIT_DIALECTS_PACK_TRANSFORMS_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

#include <memory>

namespace lowbit::pack {

#define GEN_PASS_DECL
#include "dialects/Pack/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "dialects/Pack/Transforms/Passes.h.inc"

} // namespace lowbit::pack

#endif // LOWBIT_DIALECTS_PACK_TRANSFORMS_PASSES_H
