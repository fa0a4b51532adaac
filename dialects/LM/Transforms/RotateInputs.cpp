//===- RotateInputs.cpp - Rotations in front of matrix products -----------===//

#include "dialects/LM/Transforms/Passes.h"

#include "dialects/LM/IR/LMOps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/Regex.h"

#define DEBUG_TYPE "lm-rotate-inputs"

namespace lowbit::lm {
#define GEN_PASS_DEF_ROTATEINPUTS
#include "dialects/LM/Transforms/Passes.h.inc"
} // namespace lowbit::lm

using namespace mlir;
using namespace lowbit::lm;

namespace {

int64_t largestPowerOfTwo(int64_t divisorOf) { return divisorOf & -divisorOf; }

/// The largest block that divides so many columns; 1: none.
int64_t largestBlock(int64_t columns) {
  for (int64_t parts = 1; parts < columns; ++parts)
    if (columns % parts == 0 && isRotationBlock(columns / parts))
      return columns / parts;
  return 1;
}

int64_t columnsOf(Value matrix) {
  return cast<ShapedType>(matrix.getType()).getDimSize(1);
}

/// Of the heads that attention gives side by side; 0: x is no attention's.
int64_t headDimOf(Value x) {
  if (auto attention = x.getDefiningOp<AttentionOp>())
    return attention.getHeadDim();
  if (auto attention = x.getDefiningOp<CachedAttentionOp>())
    return attention.getKv().getType().getDim();
  return 0;
}

struct RotateInputs : lowbit::lm::impl::RotateInputsBase<RotateInputs> {
  using RotateInputsBase::RotateInputsBase;

  void runOnOperation() override {
    std::string problem;
    llvm::Regex regex("^(" + match + ")$");
    if (!regex.isValid(problem)) {
      getOperation().emitError("match: '")
          << match << "' is no regular expression: " << problem;
      return signalPassFailure();
    }
    getOperation().walk([&](LinearOp linear) {
      if (isWanted(linear, regex))
        rotateInput(linear);
    });
  }

private:
  static bool isWanted(LinearOp linear, llvm::Regex &regex) {
    Value weight = linear.getWeight();
    if (auto named = weight.getDefiningOp<WeightOp>())
      if (!regex.match(named.getName()) || named.getPermutation())
        return false;
    // Who else reads it would need a copy of its own.
    return llvm::all_of(weight.getUsers(),
                        [](Operation *user) { return isa<LinearOp>(user); });
  }

  void rotateInput(LinearOp linear) {
    Value x = linear.getX();
    // Within a head it can be folded into the values.
    int64_t headDim = headDimOf(x);
    int64_t block =
        headDim ? largestPowerOfTwo(headDim) : largestBlock(columnsOf(x));
    if (block < 2)
      return;
    OpBuilder b(linear);
    auto type = RankedTensorType::get(
        cast<ShapedType>(linear.getWeight().getType()).getShape(),
        b.getF32Type());
    Value weight = RotateOp::create(b, linear.getLoc(), type, Axis::Columns,
                                    linear.getWeight(), block);
    linear.getWeightMutable().assign(weight);
    linear.getXMutable().assign(rotated(x, block, linear.getLoc()));
  }

  /// Shared by all layers that read `x`.
  Value rotated(Value x, int64_t block, Location loc) {
    Value &result = rotated_[{x, block}];
    if (result)
      return result;
    OpBuilder b(x.getContext());
    b.setInsertionPointAfterValue(x);
    return result =
               RotateOp::create(b, loc, x.getType(), Axis::Columns, x, block);
  }

  llvm::DenseMap<std::pair<Value, int64_t>, Value> rotated_;
};

} // namespace
