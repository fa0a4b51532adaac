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

LogicalResult check(Operation *op) {
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
  if (auto linear = dyn_cast<LinearOp>(op)) // V3
    if (isa<TensorType>(linear.getX().getType()) &&
        !linear.getX().getDefiningOp<QuantizeOp>())
      return op->emitOpError("activations must come from lowbit.quantize");
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
