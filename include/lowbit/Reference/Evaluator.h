//===- Evaluator.h - Functions of lm and lowbit, evaluated ------*- C++ -*-===//
//
// The truth that every optimized path is compared with: slow, obvious, in f64
// where docs/Numerics.md does not ask for steps in f32. Understands the ops of
// lm and lowbit, arith.constant, func.call and func.return.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_REFERENCE_EVALUATOR_H
#define LOWBIT_REFERENCE_EVALUATOR_H

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LowBit/IR/LowBitOps.h"
#include "lowbit/Reference/Value.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/SmallVector.h"

#include <functional>
#include <map>

namespace lowbit::reference {

class Scope;

/// What lowbit.observe noted under a name; of what was not asked for, nothing.
struct Observation {
  int64_t rows = 0;
  std::vector<double> min, max, absMax, secondMoment; ///< of each column
};

class Evaluator {
public:
  /// The weight of that name as a value of the type that lm.weight has, or null
  /// if there is none.
  using WeightLookup =
      std::function<ValueRef(llvm::StringRef name, mlir::Type type)>;
  /// Evaluates an op of another dialect (a test's), its operands in order;
  /// gives the result, null where the op has none.
  using OtherOp = std::function<mlir::FailureOr<ValueRef>(
      mlir::Operation *, llvm::ArrayRef<ValueRef>)>;

  explicit Evaluator(WeightLookup weights = {}, OtherOp otherOp = {})
      : weights(std::move(weights)), otherOp(std::move(otherOp)) {}

  /// The function's results. Arguments that do not fit their types, and what
  /// else cannot be evaluated, are errors at the op.
  mlir::FailureOr<llvm::SmallVector<ValueRef>>
  call(mlir::func::FuncOp function, llvm::ArrayRef<ValueRef> arguments);

  /// What lm.probe kept, by index, in the calls so far.
  const std::map<int64_t, Reals> &probes() const { return kept; }
  /// What lowbit.observe noted in the calls so far.
  const std::map<std::string, Observation> &observations() const {
    return observed;
  }

private:
  mlir::LogicalResult evaluate(mlir::Operation *op, Scope &scope);
  mlir::LogicalResult evaluateCall(mlir::func::CallOp op, Scope &scope);
  mlir::FailureOr<ValueRef> weight(lm::WeightOp op, Scope &scope);
  mlir::LogicalResult observe(ObserveOp op, Scope &scope);

  WeightLookup weights;
  OtherOp otherOp;
  std::map<int64_t, Reals> kept;
  std::map<std::string, Observation> observed;
  int depth = 0;
};

/// What a store of the type keeps.
KVElement elementOf(lm::KVType type);

/// Whether a value is one of the type: shape, scheme, the store's sizes.
bool hasType(const Value &value, mlir::Type type);

} // namespace lowbit::reference

#endif // LOWBIT_REFERENCE_EVALUATOR_H
