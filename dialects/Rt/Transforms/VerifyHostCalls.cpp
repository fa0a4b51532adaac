//===- VerifyHostCalls.cpp - Check what the loops stage promises ----------===//

#include "dialects/Rt/Transforms/Passes.h"

#include "dialects/Rt/IR/RtOps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

#define DEBUG_TYPE "rt-verify-host-calls"

using namespace mlir;

namespace lowbit::rt {

#define GEN_PASS_DEF_VERIFYHOSTCALLS
#include "dialects/Rt/Transforms/Passes.h.inc"

namespace {

LogicalResult checkFunction(func::FuncOp function) {
  if (function.isDeclaration())
    return function.emitOpError("is called but not defined in the module");
  if (!function.isPublic())
    return success();
  Type index = IndexType::get(function.getContext());
  Type frame = FrameType::get(function.getContext());
  if (function.getFunctionType() !=
      FunctionType::get(function.getContext(), {frame, index, index}, {}))
    return function.emitOpError(
        "an entry point takes (!rt.frame, index, index) and returns nothing");
  return success();
}

LogicalResult check(Operation *op) {
  for (Type type : op->getResultTypes())
    if (isa<TensorType>(type)) // V1
      return op->emitOpError("gives a tensor: run outline-kernels first");
  if (isa<memref::AllocOp, memref::AllocaOp>(op)) // V2
    return op->emitOpError(
        "allocates memory: the arena is planned by outline-kernels");
  if (auto function = dyn_cast<func::FuncOp>(op)) // V3
    return checkFunction(function);
  return success();
}

struct VerifyHostCalls : impl::VerifyHostCallsBase<VerifyHostCalls> {
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

} // namespace lowbit::rt
