//===- Scope.h - Values of a function under evaluation ----------*- C++ -*-===//

#ifndef LOWBIT_LIB_REFERENCE_SCOPE_H
#define LOWBIT_LIB_REFERENCE_SCOPE_H

#include "lowbit/Reference/Value.h"

#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseMap.h"

namespace lowbit::reference {

/// What each SSA value stands for. A value is dropped behind its last use, so
/// that a whole model can be evaluated.
class Scope {
public:
  void set(mlir::Value name, ValueRef value) {
    if (!name.use_empty())
      values[name] = {std::move(value), static_cast<int64_t>(std::distance(
                                            name.use_begin(), name.use_end()))};
  }

  const ValueRef &ref(mlir::Value name) { return values[name].value; }
  template <typename T> const T &get(mlir::Value name) {
    return std::get<T>(*ref(name));
  }
  /// Null for an absent operand.
  const Reals *optional(mlir::Value name) {
    return name ? &get<Reals>(name) : nullptr;
  }

  void dropOperands(mlir::Operation *op) {
    for (mlir::Value operand : op->getOperands())
      if (--values[operand].usesLeft == 0)
        values.erase(operand);
  }

private:
  struct Entry {
    ValueRef value;
    int64_t usesLeft = 0;
  };
  llvm::DenseMap<mlir::Value, Entry> values;
};

} // namespace lowbit::reference

#endif // LOWBIT_LIB_REFERENCE_SCOPE_H
