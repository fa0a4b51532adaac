//===- Check.h - Values and expectations of tests ---------------*- C++ -*-===//

#ifndef LOWBIT_TEST_LIB_CHECK_CHECK_H
#define LOWBIT_TEST_LIB_CHECK_CHECK_H

#include "lowbit/Reference/Value.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"

#include "test/lib/Check/CheckDialect.h.inc"
#define GET_OP_CLASSES
#include "test/lib/Check/CheckOps.h.inc"

namespace lowbit::check {

/// Evaluates an op of the dialect: makes its value, or fails at the op with
/// what was expected and what came.
mlir::FailureOr<reference::ValueRef>
evaluate(mlir::Operation *op, llvm::ArrayRef<reference::ValueRef> operands);

} // namespace lowbit::check

#endif // LOWBIT_TEST_LIB_CHECK_CHECK_H
