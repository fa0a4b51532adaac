//===- RotateHeads.cpp - Keys and values are stored rotated ---------------===//

#include "dialects/LM/Transforms/Passes.h"

#include "dialects/LM/IR/LMOps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"

#define DEBUG_TYPE "lm-rotate-heads"

namespace lowbit::lm {
#define GEN_PASS_DEF_ROTATEHEADS
#include "dialects/LM/Transforms/Passes.h.inc"
} // namespace lowbit::lm

using namespace mlir;
using namespace lowbit::lm;

namespace {

/// `lm-rotate-inputs` has moved a rotation of these blocks to the values
/// already: a second one would undo it.
bool isRotated(Value values, int64_t block) {
  if (auto rotate = values.getDefiningOp<RotateOp>())
    return rotate.getAxis() == Axis::Columns && rotate.getBlock() == block;
  auto linear = values.getDefiningOp<LinearOp>();
  if (!linear)
    return false;
  auto rotate = linear.getWeight().getDefiningOp<RotateOp>();
  return rotate && rotate.getAxis() == Axis::Rows && rotate.getBlock() == block;
}

struct RotateHeads : lowbit::lm::impl::RotateHeadsBase<RotateHeads> {
  void runOnOperation() override {
    llvm::MapVector<Operation *, SmallVector<CachedAttentionOp>> readers;
    getOperation().walk([&](CachedAttentionOp attention) {
      if (KVAppendOp append = appendOf(attention))
        readers[append].push_back(attention);
    });
    for (auto &[append, attentions] : readers)
      if (failed(rotateLayer(cast<KVAppendOp>(append), attentions)))
        return signalPassFailure();
  }

private:
  static Value rotated(OpBuilder &b, Value x, int64_t block) {
    return RotateOp::create(b, x.getLoc(), x.getType(), Axis::Columns, x,
                            block);
  }

  static LogicalResult rotateLayer(KVAppendOp append,
                                   ArrayRef<CachedAttentionOp> attentions) {
    int64_t dim = append.getKv().getType().getDim();
    int64_t block = dim & -dim;
    if (block < 2)
      return append.emitError("heads of ")
             << dim << " elements cannot be rotated: expected an even number";
    bool rotatesValues = !isRotated(append.getValues(), block);
    OpBuilder b(append);
    append.getKeysMutable().assign(rotated(b, append.getKeys(), block));
    if (rotatesValues)
      append.getValuesMutable().assign(rotated(b, append.getValues(), block));
    for (CachedAttentionOp attention : attentions) {
      b.setInsertionPoint(attention);
      attention.getQMutable().assign(rotated(b, attention.getQ(), block));
      if (!rotatesValues)
        continue;
      b.setInsertionPointAfter(attention);
      Value back = rotated(b, attention.getResult(), block);
      attention.getResult().replaceAllUsesExcept(back, back.getDefiningOp());
    }
    return success();
  }
};

} // namespace
