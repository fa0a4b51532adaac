//===- StripObservers.cpp - Take lowbit.observe out -----------------------===//

#include "dialects/LowBit/Transforms/Passes.h"

#include "dialects/LowBit/IR/LowBitOps.h"

#define DEBUG_TYPE "lowbit-strip-observers"

using namespace mlir;

namespace lowbit {

#define GEN_PASS_DEF_STRIPOBSERVERS
#include "dialects/LowBit/Transforms/Passes.h.inc"

namespace {

struct StripObservers : impl::StripObserversBase<StripObservers> {
  void runOnOperation() override {
    getOperation().walk([](ObserveOp op) {
      op.getResult().replaceAllUsesWith(op.getX());
      op.erase();
    });
  }
};

} // namespace

} // namespace lowbit
