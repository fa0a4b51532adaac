//===- FoldRotations.cpp - Rotations into weights -------------------------===//

#include "dialects/LM/Transforms/Passes.h"

#include "dialects/LM/IR/LMOps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#define DEBUG_TYPE "lm-fold-rotations"

namespace lowbit::lm {
#define GEN_PASS_DEF_FOLDROTATIONS
#include "dialects/LM/Transforms/Passes.h.inc"
} // namespace lowbit::lm

using namespace mlir;
using namespace lowbit::lm;

namespace {

/// A rotation in powers of two is its own inverse.
struct DropPair : OpRewritePattern<RotateOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RotateOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getX().getDefiningOp<RotateOp>();
    if (!inner || inner.getAxis() != op.getAxis() ||
        inner.getBlock() != op.getBlock() ||
        (op.getBlock() & (op.getBlock() - 1)) ||
        inner.getX().getType() != op.getType())
      return failure();
    rewriter.replaceOp(op, inner.getX());
    return success();
  }
};

/// rotate(x W^T) = x (rotate_rows W)^T, where nobody else reads x W^T.
struct IntoLinear : OpRewritePattern<RotateOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RotateOp op,
                                PatternRewriter &rewriter) const override {
    auto linear = op.getX().getDefiningOp<LinearOp>();
    if (!linear || op.getAxis() != Axis::Columns || !linear->hasOneUse() ||
        linear.getBias())
      return failure();
    Value weight = linear.getWeight();
    auto type = RankedTensorType::get(
        cast<ShapedType>(weight.getType()).getShape(), rewriter.getF32Type());
    Value rotated = RotateOp::create(rewriter, op.getLoc(), type, Axis::Rows,
                                     weight, op.getBlock());
    rewriter.replaceOpWithNewOp<LinearOp>(op, op.getType(), linear.getX(),
                                          rotated, Value());
    return success();
  }
};

/// rotate(attention(q, k, v)) = attention(q, k, rotate(v)) within a head: a
/// head's result is a sum of its values.
struct BeforeAttention : OpRewritePattern<RotateOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RotateOp op,
                                PatternRewriter &rewriter) const override {
    auto attention = op.getX().getDefiningOp<AttentionOp>();
    if (!attention || op.getAxis() != Axis::Columns ||
        !attention->hasOneUse() || attention.getHeadDim() % op.getBlock() != 0)
      return failure();
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(attention);
    Value v =
        RotateOp::create(rewriter, op.getLoc(), attention.getV().getType(),
                         Axis::Columns, attention.getV(), op.getBlock());
    rewriter.modifyOpInPlace(attention,
                             [&] { attention.getVMutable().assign(v); });
    rewriter.replaceOp(op, attention.getResult());
    return success();
  }
};

/// The same through the store: the values appended for its layer.
struct BeforeAppend : OpRewritePattern<RotateOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RotateOp op,
                                PatternRewriter &rewriter) const override {
    auto attention = op.getX().getDefiningOp<CachedAttentionOp>();
    if (!attention || op.getAxis() != Axis::Columns ||
        !attention->hasOneUse() ||
        attention.getKv().getType().getDim() % op.getBlock() != 0)
      return failure();
    KVAppendOp append = appendOf(attention);
    if (!append || readersOf(append) != 1)
      return failure();
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(append);
    Value v =
        RotateOp::create(rewriter, op.getLoc(), append.getValues().getType(),
                         Axis::Columns, append.getValues(), op.getBlock());
    rewriter.modifyOpInPlace(append,
                             [&] { append.getValuesMutable().assign(v); });
    rewriter.replaceOp(op, attention.getResult());
    return success();
  }

  /// Attention over this layer, through this append or a later one.
  static int64_t readersOf(KVAppendOp append) {
    int64_t count = 0;
    SmallVector<Value> stores{append.getResult()};
    while (!stores.empty())
      for (Operation *user : stores.pop_back_val().getUsers()) {
        if (auto attention = dyn_cast<CachedAttentionOp>(user))
          count += attention.getLayer() == append.getLayer();
        if (auto next = dyn_cast<KVAppendOp>(user))
          stores.push_back(next.getResult());
      }
    return count;
  }
};

struct FoldRotations : lowbit::lm::impl::FoldRotationsBase<FoldRotations> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<DropPair, IntoLinear, BeforeAttention, BeforeAppend>(
        &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
