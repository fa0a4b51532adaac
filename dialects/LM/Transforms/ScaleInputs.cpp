//===- ScaleInputs.cpp - Factors between a layer and its input ------------===//

#include "dialects/LM/Transforms/Passes.h"

#include "dialects/LM/IR/LMOps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/Regex.h"

#define DEBUG_TYPE "lm-scale-inputs"

namespace lowbit::lm {
#define GEN_PASS_DEF_SCALEINPUTS
#include "dialects/LM/Transforms/Passes.h.inc"
} // namespace lowbit::lm

using namespace mlir;
using namespace lowbit::lm;

namespace {

struct ScaleInputs : lowbit::lm::impl::ScaleInputsBase<ScaleInputs> {
  using ScaleInputsBase::ScaleInputsBase;

  void runOnOperation() override {
    std::string problem;
    llvm::Regex regex("^(" + match + ")$");
    if (!regex.isValid(problem)) {
      getOperation().emitError("match: '")
          << match << "' is no regular expression: " << problem;
      return signalPassFailure();
    }
    // Inputs in the order of the layers that read them first.
    llvm::SetVector<Value> inputs;
    getOperation().walk([&](LinearOp linear) { inputs.insert(linear.getX()); });
    for (Value x : inputs)
      if (allMatch(x, regex))
        scaleInput(x);
  }

private:
  /// A weight with no other reader, which the factors can be multiplied into.
  static WeightOp ownWeight(Value value) {
    auto weight = value.getDefiningOp<WeightOp>();
    return weight && weight->hasOneUse() && !weight.getPermutation() ? weight
                                                                     : nullptr;
  }

  /// Only linear layers read x, each with a weight of its own that matches.
  static bool allMatch(Value x, llvm::Regex &regex) {
    return llvm::all_of(x.getUsers(), [&](Operation *user) {
      auto linear = dyn_cast<LinearOp>(user);
      WeightOp weight = linear ? ownWeight(linear.getWeight()) : nullptr;
      return weight && linear.getX() == x && regex.match(weight.getName());
    });
  }

  void scaleInput(Value x) {
    if (auto norm = x.getDefiningOp<RmsNormOp>()) {
      if (WeightOp gain = ownWeight(norm.getGain());
          gain && norm.getGain().getType() ==
                      vectorOf(columnsOf(x), x.getContext()))
        divide(norm.getGainMutable(), Axis::Columns,
               factorsOf(x, gain.getName()));
    } else if (auto gate = x.getDefiningOp<GateOp>()) {
      auto up = gate.getUp().getDefiningOp<LinearOp>();
      if (!up || !up->hasOneUse() || up.getBias())
        return;
      if (WeightOp weight = ownWeight(up.getWeight()))
        divide(up.getWeightMutable(), Axis::Rows,
               factorsOf(x, weight.getName()));
    }
  }

  static int64_t columnsOf(Value x) {
    return cast<ShapedType>(x.getType()).getDimSize(1);
  }
  static Type vectorOf(int64_t size, MLIRContext *context) {
    return RankedTensorType::get({size}, Float32Type::get(context));
  }

  /// The factors, multiplied into the columns of all that read x.
  static Value factorsOf(Value x, StringRef owner) {
    OpBuilder b(x.getDefiningOp());
    b.setInsertionPointToStart(x.getParentBlock());
    Value factors = WeightOp::create(b, x.getLoc(),
                                     vectorOf(columnsOf(x), x.getContext()),
                                     (owner + ".factors").str());
    for (OpOperand &use : x.getUses()) {
      auto linear = cast<LinearOp>(use.getOwner());
      scale(linear.getWeightMutable(), Axis::Columns, factors, false);
    }
    return factors;
  }

  static void divide(OpOperand &operand, Axis axis, Value factors) {
    scale(operand, axis, factors, /*inverse=*/true);
  }

  static void scale(OpOperand &operand, Axis axis, Value factors,
                    bool inverse) {
    OpBuilder b(operand.getOwner());
    Value x = operand.get();
    auto type = RankedTensorType::get(cast<ShapedType>(x.getType()).getShape(),
                                      b.getF32Type());
    operand.set(ScaleOp::create(b, x.getLoc(), type, axis, x, factors,
                                inverse));
  }
};

} // namespace
