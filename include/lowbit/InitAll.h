//===- InitAll.h - All dialects, passes and pipelines -----------*- C++ -*-===//

#ifndef LOWBIT_INITALL_H
#define LOWBIT_INITALL_H

#include "mlir/IR/DialectRegistry.h"

namespace lowbit {

/// Our four dialects and the upstream ones that the stages pass through, with
/// their translations to LLVM IR.
void registerDialects(mlir::DialectRegistry &registry);
/// Our passes and the stage pipelines, for quant-opt.
void registerPasses();

} // namespace lowbit

#endif // LOWBIT_INITALL_H
