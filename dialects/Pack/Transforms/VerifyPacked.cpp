//===- VerifyPacked.cpp - Check what the pack stage promises --------------===//

#include "dialects/Pack/Transforms/Passes.h"

#include "dialects/Pack/IR/PackOps.h"

#define DEBUG_TYPE "pack-verify-packed"

using namespace mlir;

namespace lowbit::pack {

#define GEN_PASS_DEF_VERIFYPACKED
#include "dialects/Pack/Transforms/Passes.h.inc"

namespace {

LogicalResult check(Operation *op) {
  for (Type type : op->getResultTypes())
    if (isa<lowbit::TensorType>(type) && !op->use_empty()) // V1
      return op->emitOpError("a low-bit tensor without a layout: run "
                             "convert-lowbit-to-pack first");
  for (Value operand : op->getOperands()) { // V2
    if (isa<PanelsType>(operand.getType()) &&
        !operand.getDefiningOp<WeightOp>())
      return op->emitOpError("panels must come from pack.weight");
    if (isa<RowsType>(operand.getType()) && !operand.getDefiningOp<RowsOp>())
      return op->emitOpError("rows must come from pack.pack_rows");
  }
  return success();
}

struct VerifyPacked : impl::VerifyPackedBase<VerifyPacked> {
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

} // namespace lowbit::pack
