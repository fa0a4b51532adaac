//===- AddLowRank.cpp - Corrections of low rank ---------------------------===//

#include "dialects/LM/Transforms/Passes.h"

#include "dialects/LM/IR/LMOps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"

#define DEBUG_TYPE "lm-add-low-rank"

namespace lowbit::lm {
#define GEN_PASS_DEF_ADDLOWRANK
#include "dialects/LM/Transforms/Passes.h.inc"
} // namespace lowbit::lm

using namespace mlir;
using namespace lowbit::lm;

namespace {

struct AddLowRank : lowbit::lm::impl::AddLowRankBase<AddLowRank> {
  using AddLowRankBase::AddLowRankBase;

  void runOnOperation() override {
    if (failed(readRanks()))
      return signalPassFailure();
    std::vector<LinearOp> linears;
    getOperation().walk([&](LinearOp linear) { linears.push_back(linear); });
    for (LinearOp linear : linears)
      if (auto weight = linear.getWeight().getDefiningOp<WeightOp>())
        if (auto rank = ranks_.find(weight.getName()); rank != ranks_.end())
          if (failed(correct(linear, weight, rank->second)))
            return signalPassFailure();
  }

private:
  LogicalResult readRanks() {
    for (const std::string &text : weights) {
      auto [name, number] = StringRef(text).rsplit('=');
      int64_t rank = 0;
      if (name.empty() || number.getAsInteger(10, rank) || rank < 1)
        return getOperation().emitError(
                   "weights: expected NAME=RANK, but got '")
               << text << "'";
      ranks_[name] = rank;
    }
    return success();
  }

  static LogicalResult correct(LinearOp linear, WeightOp weight, int64_t rank) {
    ArrayRef<int64_t> shape =
        cast<ShapedType>(weight.getType()).getShape(); // [rows, columns]
    if (rank > std::min(shape[0], shape[1]))
      return linear.emitError("'")
             << weight.getName() << "' is " << shape[0] << " x " << shape[1]
             << ", so its correction has at most rank "
             << std::min(shape[0], shape[1]) << ", but got " << rank;
    OpBuilder b(linear->getContext());
    b.setInsertionPointAfter(linear);
    auto type = cast<RankedTensorType>(linear.getType());
    auto product = [&](Value x, const char *suffix, int64_t rows,
                       int64_t columns) -> Value {
      Value factor = WeightOp::create(
          b, linear.getLoc(),
          RankedTensorType::get({rows, columns}, b.getF32Type()),
          (weight.getName() + suffix).str());
      auto result = RankedTensorType::get({type.getDimSize(0), rows},
                                          type.getElementType());
      return LinearOp::create(b, linear.getLoc(), result, x, factor, Value());
    };
    Value inner = product(linear.getX(), ".right", rank, shape[1]);
    Value outer = product(inner, ".left", shape[0], rank);
    auto sum =
        AddOp::create(b, linear.getLoc(), type, linear.getResult(), outer);
    linear.getResult().replaceAllUsesExcept(sum.getResult(), sum);
    return success();
  }

  llvm::StringMap<int64_t> ranks_;
};

} // namespace
