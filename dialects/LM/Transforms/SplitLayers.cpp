//===- SplitLayers.cpp - A model as one function for each layer -----------===//

#include "dialects/LM/Transforms/Passes.h"

#include "dialects/LM/IR/LMOps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

#define DEBUG_TYPE "lm-split-layers"

namespace lowbit::lm {
#define GEN_PASS_DEF_SPLITLAYERS
#include "dialects/LM/Transforms/Passes.h.inc"
} // namespace lowbit::lm

using namespace mlir;
using namespace lowbit::lm;

namespace {

/// Arguments of `text`.
enum Argument { Tokens = 0, Positions = 2 };

/// Builds one function from the ops of `text` that compute some of its values,
/// for a fixed number of rows of one sequence.
class FunctionBuilder {
public:
  FunctionBuilder(func::FuncOp text, int64_t rows, StringRef name)
      : text_(text), rows_(rows), b_(text), name_(name) {
    body_.push_back(new Block);
    b_.setInsertionPointToStart(&body_.front());
  }

  /// `value` of `text` becomes the next argument.
  void argument(Value value) {
    Value argument =
        body_.front().addArgument(ofRows(value.getType()), value.getLoc());
    known_.map(value, argument);
  }

  /// Computes `value`; null, with an error, where it depends on an argument of
  /// `text` that this function has not.
  Value compute(Value value) {
    if (Value done = known_.lookupOrNull(value))
      return done;
    Operation *op = value.getDefiningOp();
    if (!op) {
      text_.emitError("cannot split the layers: ")
          << name_ << " needs argument "
          << cast<BlockArgument>(value).getArgNumber() << " of @text";
      return {};
    }
    Value result = computeOp(op);
    if (result)
      known_.map(value, result);
    return result;
  }

  /// Ends the function: what it returns, and which weights meet each result
  /// behind the first.
  void finish(ArrayRef<Value> results, ArrayAttr inputs) {
    func::ReturnOp::create(b_, text_.getLoc(), results);
    OpBuilder outside(text_);
    auto type = outside.getFunctionType(body_.front().getArgumentTypes(),
                                        TypeRange(ValueRange(results)));
    auto function = func::FuncOp::create(outside, text_.getLoc(), name_, type);
    function.getBody().takeBody(body_);
    function->setAttr("lm.inputs", inputs);
  }

private:
  Type ofRows(Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || tensor.hasStaticShape())
      return type;
    auto shape = llvm::to_vector(tensor.getShape());
    shape.front() = rows_;
    return tensor.clone(shape);
  }

  Value computeOp(Operation *op) {
    if (auto attention = dyn_cast<CachedAttentionOp>(op))
      return computeAttention(attention);
    if (auto gather = dyn_cast<GatherRowsOp>(op))
      return compute(gather.getX()); // all rows are asked for
    for (Value operand : op->getOperands())
      if (!compute(operand))
        return {};
    Operation *copy = b_.clone(*op, known_);
    for (Value result : copy->getResults())
      result.setType(ofRows(result.getType()));
    return copy->getResult(0);
  }

  /// A sequence that begins here sees what it has itself appended.
  Value computeAttention(CachedAttentionOp attention) {
    KVAppendOp append = appendOf(attention);
    if (!append) {
      attention.emitError("cannot split the layers: layer ")
          << attention.getLayer() << " of the store is never appended";
      return {};
    }
    Value q = compute(attention.getQ());
    Value k = q ? compute(append.getKeys()) : Value();
    Value v = k ? compute(append.getValues()) : Value();
    if (!v)
      return {};
    return AttentionOp::create(b_, attention.getLoc(), q.getType(), q, k, v,
                               attention.getKv().getType().getDim(),
                               attention.getScale(), /*masked=*/true,
                               attention.getWindowAttr());
  }

  func::FuncOp text_;
  int64_t rows_;
  OpBuilder b_;
  std::string name_;
  Region body_;
  IRMapping known_;
};

struct SplitLayers : lowbit::lm::impl::SplitLayersBase<SplitLayers> {
  using SplitLayersBase::SplitLayersBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    text_ = module.lookupSymbol<func::FuncOp>("text");
    if (!text_ || !isDecoder() || !collect())
      return signalPassFailure();
    bool ok = true;
    for (size_t i = 0; ok && i < probes_.size(); ++i)
      ok = splitLayer(i);
    if (!ok || !splitHead() || (scored > 0 && !splitLogits()))
      return signalPassFailure();
    text_.erase();
    module->removeAttr("lm.model");
  }

private:
  bool isDecoder() {
    auto model =
        text_->getParentOp()->getAttrOfType<DictionaryAttr>("lm.model");
    if (!model || !model.contains("result"))
      return true;
    text_.emitError("cannot split the layers of an encoder: expected logits, "
                    "but the model gives ")
        << model.get("result")
        << "; quantize it without a text (rtn, hqq or a scheme)";
    return false;
  }

  /// What the layers begin and end with.
  bool collect() {
    text_.walk([&](ProbeOp probe) { probes_.push_back(probe); });
    llvm::sort(probes_, [](ProbeOp a, ProbeOp b) {
      return a.getIndex() < b.getIndex();
    });
    text_.walk([&](EmbedOp embed) {
      if (embed.getTokens() == text_.getArgument(Tokens))
        embed_ = embed;
    });
    text_.walk([&](LinearOp linear) { linears_.push_back(linear); });
    if (embed_ && !probes_.empty())
      return true;
    text_.emitError("cannot split the layers: expected an lm.embed of the "
                    "tokens and lm.probe behind each layer (--probe=layers)");
    return false;
  }

  Value end(size_t layer) { return probes_[layer].getX(); }
  Value begin(size_t layer) {
    return layer ? end(layer - 1) : embed_.getResult();
  }

  bool splitLayer(size_t layer) {
    FunctionBuilder builder(text_, rows, "layer." + std::to_string(layer));
    builder.argument(begin(layer));
    builder.argument(text_.getArgument(Positions));
    Value y = builder.compute(end(layer));
    return y && finish(builder, {y}, between(begin(layer), end(layer)));
  }

  /// The head's own product is left out: it would be the largest of all.
  bool splitHead() {
    Value last = end(probes_.size() - 1);
    Value logits = text_.front().getTerminator()->getOperand(0);
    llvm::SetVector<Operation *> ops = between(last, logits);
    FunctionBuilder builder(text_, rows, "head");
    builder.argument(last);
    return finish(builder, {}, ops);
  }

  bool splitLogits() {
    FunctionBuilder builder(text_, scored, "logits");
    builder.argument(end(probes_.size() - 1));
    Value y = builder.compute(text_.front().getTerminator()->getOperand(0));
    if (y)
      builder.finish({y}, ArrayAttr::get(&getContext(), {}));
    return bool(y);
  }

  /// Ops that `to` depends on and that depend on `from`.
  llvm::SetVector<Operation *> between(Value from, Value to) {
    llvm::SetVector<Operation *> result;
    SmallVector<Value> open{to};
    while (!open.empty()) {
      Value value = open.pop_back_val();
      Operation *op = value == from ? nullptr : value.getDefiningOp();
      if (!op || !result.insert(op))
        continue;
      auto attention = dyn_cast<CachedAttentionOp>(op);
      if (KVAppendOp append = attention ? appendOf(attention) : KVAppendOp())
        open.append({attention.getQ(), append.getKeys(), append.getValues()});
      else
        llvm::append_range(open, op->getOperands());
    }
    return result;
  }

  /// Adds the inputs of the linear layers among `ops` to the results.
  bool finish(FunctionBuilder &builder, SmallVector<Value> results,
              const llvm::SetVector<Operation *> &ops) {
    llvm::MapVector<Value, SmallVector<Attribute>> readers;
    for (LinearOp linear : linears_)
      if (auto weight = linear.getWeight().getDefiningOp<WeightOp>();
          weight && ops.contains(linear))
        readers[linear.getX()].push_back(weight.getNameAttr());
    SmallVector<Attribute> inputs;
    for (auto &[x, names] : readers) {
      results.push_back(builder.compute(x));
      if (!results.back())
        return false;
      inputs.push_back(ArrayAttr::get(&getContext(), names));
    }
    builder.finish(results, ArrayAttr::get(&getContext(), inputs));
    return true;
  }

  func::FuncOp text_;
  EmbedOp embed_;
  SmallVector<ProbeOp> probes_;
  SmallVector<LinearOp> linears_;
};

} // namespace
