//===- VerifyQuantized.cpp - Check what the quantize stage promises -------===//

#include "dialects/LowBit/Transforms/Passes.h"

#include "dialects/LowBit/IR/LowBitOps.h"

#define DEBUG_TYPE "lowbit-verify-quantized"

using namespace mlir;

namespace lowbit {

#define GEN_PASS_DEF_VERIFYQUANTIZED
#include "dialects/LowBit/Transforms/Passes.h.inc"

namespace {

/// Names, not classes: this dialect does not know `lm`.
bool isNamed(Operation *op, StringRef name) {
  return op && op->getName().getStringRef() == name;
}

/// The one operand of an lm.weight, or null.
Value permutationOf(Operation *weight) {
  return weight->getNumOperands() ? weight->getOperand(0) : Value();
}

/// One value, or one weight by two of its names.
bool areSame(Value a, Value b) {
  if (a == b)
    return true;
  Operation *first = a ? a.getDefiningOp() : nullptr;
  Operation *second = b ? b.getDefiningOp() : nullptr;
  return isNamed(first, "lm.weight") && isNamed(second, "lm.weight") &&
         first->getAttrDictionary() == second->getAttrDictionary();
}

LogicalResult checkPermutation(Operation *op, Value permutation) {
  if (!permutation || isNamed(permutation.getDefiningOp(), "lm.weight") ||
      isNamed(permutation.getDefiningOp(), "arith.constant"))
    return success();
  return op->emitOpError( // V6
      "permutation must come from lm.weight or arith.constant");
}

LogicalResult checkWeight(Operation *weight) {
  auto type = dyn_cast<TensorType>(weight->getResult(0).getType());
  Value permutation = permutationOf(weight);
  if (bool(permutation) != (type && type.getPermuted())) // V4
    return weight->emitOpError(
        "has a permutation exactly where its type is permuted");
  return checkPermutation(weight, permutation);
}

LogicalResult checkActivations(LinearOp linear) {
  if (!isa<TensorType>(linear.getX().getType()))
    return success();
  auto quantize = linear.getX().getDefiningOp<QuantizeOp>();
  if (!quantize) // V3
    return linear.emitOpError("activations must come from lowbit.quantize");
  if (!areSame(quantize.getPermutation(),
               permutationOf(linear.getWeight().getDefiningOp()))) // V5
    return linear.emitOpError(
        "activations must have the permutation of their weight");
  return success();
}

LogicalResult check(Operation *op) {
  if (isNamed(op, "lm.weight"))
    return checkWeight(op);
  if (auto quantize = dyn_cast<QuantizeOp>(op))
    return checkPermutation(op, quantize.getPermutation());
  if (isNamed(op, "lm.linear") || isNamed(op, "lm.embed")) { // V1
    for (Value operand : op->getOperands())
      if (isa<TensorType>(operand.getType()))
        return op->emitOpError(
            "on a low-bit weight: run quantize-model first");
    return success();
  }
  Value weight;
  if (auto linear = dyn_cast<LinearOp>(op))
    weight = linear.getWeight();
  else if (auto embed = dyn_cast<EmbedOp>(op))
    weight = embed.getTable();
  if (!weight)
    return success();
  if (!isNamed(weight.getDefiningOp(), "lm.weight")) // V2
    return op->emitOpError("weight must come from lm.weight");
  if (auto linear = dyn_cast<LinearOp>(op))
    return checkActivations(linear);
  return success();
}

struct VerifyQuantized : impl::VerifyQuantizedBase<VerifyQuantized> {
  void runOnOperation() override {
    auto result = getOperation().walk([](Operation *op) {
      return failed(check(op)) ? WalkResult::interrupt()
                               : WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace

} // namespace lowbit
