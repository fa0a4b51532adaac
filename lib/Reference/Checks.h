//===- Checks.h - What types cannot promise ---------------------*- C++ -*-===//

#ifndef LOWBIT_LIB_REFERENCE_CHECKS_H
#define LOWBIT_LIB_REFERENCE_CHECKS_H

#include "Scope.h"

#include "mlir/Support/LLVM.h"

namespace lowbit::reference {

/// Numbers of rows agree, indices are inside what they index, attention sees
/// positions that exist. Reports at the op.
mlir::LogicalResult checkOperands(mlir::Operation *op, Scope &scope);

} // namespace lowbit::reference

#endif // LOWBIT_LIB_REFERENCE_CHECKS_H
