//===- Evaluator.cpp - Functions of lm and lowbit, evaluated --------------===//

#include "lowbit/Reference/Evaluator.h"

#include "Checks.h"
#include "Scope.h"
#include "lowbit/Reference/LM.h"
#include "lowbit/Reference/LowBit.h"

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LowBit/IR/LowBitOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace lowbit::reference {

static Function functionOf(lm::Activation activation) {
  switch (activation) {
  case lm::Activation::Silu:
    return Function::Silu;
  case lm::Activation::Gelu:
    return Function::Gelu;
  case lm::Activation::GeluTanh:
    return Function::GeluTanh;
  case lm::Activation::Relu:
    return Function::Relu;
  case lm::Activation::Tanh:
    return Function::Tanh;
  case lm::Activation::Relu2:
    return Function::Relu2;
  }
  return Function::Silu;
}

static double real(APFloat value) { return value.convertToDouble(); }

//===- One function for each op -------------------------------------------===//

namespace {
/// Evaluates an op with one result that depends on its operands alone. Null
/// where the class does not know the op.
class OpEvaluator {
public:
  explicit OpEvaluator(Scope &scope) : scope(scope) {}

  ValueRef operator()(Operation *op) {
    return llvm::TypeSwitch<Operation *, ValueRef>(op)
        .Case<lm::EmbedOp, lm::LinearOp, lm::RmsNormOp, lm::LayerNormOp,
              lm::ActivateOp, lm::GateOp, lm::AddOp, lm::RopeTableOp,
              lm::RopeOp, lm::KVAppendOp, lm::CachedAttentionOp,
              lm::AttentionOp, lm::GatherRowsOp, lm::MeanRowsOp, lm::ScaleOp,
              lm::RotateOp, QuantizeOp, DequantizeOp, FakeQuantOp, LinearOp,
              EmbedOp>([&](auto known) { return share(evaluate(known)); })
        .Default([](Operation *) { return nullptr; });
  }

private:
  const Reals &reals(mlir::Value name) { return scope.get<Reals>(name); }
  /// Of weights that may be low-bit.
  Reals anyReals(mlir::Value name) {
    if (auto *low = std::get_if<LowBits>(&*scope.ref(name)))
      return dequantize(*low);
    return reals(name);
  }
  const KVStore &store(mlir::Value name) { return scope.get<KVStore>(name); }

  template <typename Embed> Reals embedding(Embed op) {
    return embed(scope.get<Indices>(op.getTokens()), *scope.ref(op.getTable()),
                 scope.optional(op.getEmbeddings()), real(op.getScale()));
  }

  Reals evaluate(lm::EmbedOp op) { return embedding(op); }
  Reals evaluate(lm::LinearOp op) {
    return linear(reals(op.getX()), *scope.ref(op.getWeight()),
                  scope.optional(op.getBias()));
  }
  Reals evaluate(lm::RmsNormOp op) {
    return rmsNorm(reals(op.getX()), reals(op.getGain()),
                   real(op.getEpsilon()));
  }
  Reals evaluate(lm::LayerNormOp op) {
    return layerNorm(reals(op.getX()), reals(op.getGain()), reals(op.getBias()),
                     real(op.getEpsilon()));
  }
  Reals evaluate(lm::ActivateOp op) {
    return activate(functionOf(op.getFunction()), reals(op.getX()));
  }
  Reals evaluate(lm::GateOp op) {
    return gate(functionOf(op.getFunction()), reals(op.getGate()),
                reals(op.getUp()));
  }
  Reals evaluate(lm::AddOp op) {
    return add(reals(op.getLhs()), reals(op.getRhs()));
  }
  Reals evaluate(lm::ScaleOp op) {
    return scale(anyReals(op.getX()), reals(op.getFactors()),
                 op.getAxis() == lm::Axis::Rows, op.getInverse());
  }
  Reals evaluate(lm::RotateOp op) {
    return rotate(anyReals(op.getX()), op.getBlock(),
                  op.getAxis() == lm::Axis::Rows);
  }
  Reals evaluate(lm::RopeTableOp op) {
    return ropeTable(scope.get<Indices>(op.getPositions()),
                     op.getResult().getType().getDimSize(1),
                     scope.optional(op.getFactors()),
                     {real(op.getBase()), real(op.getFrequencyScale()),
                      real(op.getMagnitude())});
  }
  Reals evaluate(lm::RopeOp op) {
    bool halves = op.getStyle() == lm::RopeStyle::Halves;
    return rope(halves ? RopeStyle::Halves : RopeStyle::Pairs, reals(op.getX()),
                reals(op.getTable()), op.getHeadDim());
  }
  KVStore evaluate(lm::KVAppendOp op) {
    return kvAppend(store(op.getKv()), reals(op.getKeys()),
                    reals(op.getValues()), op.getLayer());
  }
  Reals evaluate(lm::CachedAttentionOp op) {
    std::optional<int64_t> window;
    if (op.getWindow())
      window = static_cast<int64_t>(*op.getWindow());
    return cachedAttention(reals(op.getQ()), store(op.getKv()), op.getLayer(),
                           real(op.getScale()), window);
  }
  Reals evaluate(lm::AttentionOp op) {
    std::optional<int64_t> window;
    if (op.getWindow())
      window = static_cast<int64_t>(*op.getWindow());
    return attention(reals(op.getQ()), reals(op.getK()), reals(op.getV()),
                     op.getHeadDim(), real(op.getScale()), op.getMasked(),
                     window);
  }
  Reals evaluate(lm::GatherRowsOp op) {
    return gatherRows(reals(op.getX()), scope.get<Indices>(op.getRows()));
  }
  Reals evaluate(lm::MeanRowsOp op) {
    return meanRows(reals(op.getX()), scope.get<Indices>(op.getFirst()),
                    scope.get<Indices>(op.getLast()));
  }
  LowBits evaluate(QuantizeOp op) {
    Quantizer quantizer;
    if (op.getQuantizer())
      quantizer = op.getQuantizer()->getQuantizer();
    return quantize(
        reals(op.getX()), op.getResult().getType().getScheme().getScheme(),
        op.getPermutation() ? &scope.get<Indices>(op.getPermutation())
                            : nullptr,
        op.getQuantizer() ? &quantizer : nullptr);
  }
  Reals evaluate(FakeQuantOp op) {
    return fakeQuantize(reals(op.getX()), op.getQuantizer().getQuantizer(),
                        op.getScheme().getScheme(),
                        scope.optional(op.getScales()),
                        scope.optional(op.getZeros()), op.getStraightThrough());
  }
  Reals evaluate(DequantizeOp op) {
    return dequantize(scope.get<LowBits>(op.getX()));
  }
  Reals evaluate(LinearOp op) {
    return linear(*scope.ref(op.getX()), scope.get<LowBits>(op.getWeight()),
                  scope.optional(op.getBias()))
        .values;
  }
  Reals evaluate(EmbedOp op) { return embedding(op); }

  Scope &scope;
};
} // namespace

/// A dense tensor of f32 or i32; null for anything else.
static ValueRef constant(arith::ConstantOp op) {
  auto dense = dyn_cast<DenseElementsAttr>(op.getValue());
  if (!dense || dense.getType().getRank() < 1)
    return nullptr;
  std::vector<int64_t> shape = dense.getType().getShape().vec();
  if (dense.getElementType().isF32()) {
    Reals reals(shape);
    llvm::copy(dense.getValues<float>(), reals.data.begin());
    return share(std::move(reals));
  }
  if (!dense.getElementType().isInteger(32))
    return nullptr;
  Indices indices(shape);
  llvm::copy(dense.getValues<int32_t>(), indices.data.begin());
  return share(std::move(indices));
}

//===- Evaluator ----------------------------------------------------------===//

static SmallVector<ValueRef> operandsOf(Operation *op, Scope &scope) {
  return llvm::map_to_vector(op->getOperands(), [&](mlir::Value operand) {
    return scope.ref(operand);
  });
}

LogicalResult Evaluator::evaluateCall(func::CallOp op, Scope &scope) {
  auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
      op, op.getCalleeAttr());
  if (!callee)
    return op.emitOpError("calls an unknown function");
  auto results = call(callee, operandsOf(op, scope));
  if (failed(results))
    return failure();
  for (auto [name, value] : llvm::zip(op->getResults(), *results))
    scope.set(name, value);
  return success();
}

FailureOr<ValueRef> Evaluator::weight(lm::WeightOp op, Scope &scope) {
  Type type = op.getType();
  // What is found is stored, whatever its order means.
  auto low = dyn_cast<TensorType>(type);
  bool permuted = low && low.getPermuted();
  if (permuted != bool(op.getPermutation()))
    return op->emitOpError(
        "has a permutation exactly where its type is permuted");
  if (permuted)
    type = TensorType::get(op.getContext(), low.getShape(), low.getScheme());
  ValueRef value = weights ? weights(op.getName(), type) : nullptr;
  if (!value || !hasType(*value, type))
    return op->emitOpError("has no weight of this name and type");
  if (!permuted)
    return value;
  LowBits bits = std::get<LowBits>(*value);
  bits.permutation = scope.get<Indices>(op.getPermutation()).data;
  return share(std::move(bits));
}

template <typename Merge>
static void merge(std::vector<double> &kept, const Reals &x, Merge merge) {
  bool isFirst = kept.empty();
  kept.resize(static_cast<size_t>(x.columns()));
  for (int64_t t = 0; t < x.rows(); ++t)
    for (int64_t k = 0; k < x.columns(); ++k) {
      double &value = kept[static_cast<size_t>(k)];
      value = merge(x.row(t)[k], value, isFirst && t == 0);
    }
}

LogicalResult Evaluator::observe(ObserveOp op, Scope &scope) {
  const auto &x = scope.get<Reals>(op.getX());
  Observation &noted = observed[op.getName().str()];
  for (const auto *column :
       {&noted.min, &noted.max, &noted.absMax, &noted.secondMoment})
    if (!column->empty() && int64_t(column->size()) != x.columns())
      return op.emitOpError("notes ")
             << x.columns() << " columns under the name of " << column->size()
             << " others";
  Statistic wanted = op.getStatistics();
  auto has = [&](Statistic one) {
    return (static_cast<uint32_t>(wanted) & static_cast<uint32_t>(one)) != 0;
  };
  noted.rows += x.rows();
  if (has(Statistic::Min))
    merge(noted.min, x, [](double v, double kept, bool isFirst) {
      return isFirst ? v : std::min(v, kept);
    });
  if (has(Statistic::Max))
    merge(noted.max, x, [](double v, double kept, bool isFirst) {
      return isFirst ? v : std::max(v, kept);
    });
  if (has(Statistic::AbsMax))
    merge(noted.absMax, x, [](double v, double kept, bool) {
      return std::max(std::fabs(v), kept);
    });
  if (has(Statistic::SecondMoment))
    merge(noted.secondMoment, x,
          [](double v, double kept, bool) { return kept + v * v; });
  scope.set(op.getResult(), scope.ref(op.getX()));
  return success();
}

LogicalResult Evaluator::evaluate(Operation *op, Scope &scope) {
  if (auto callOp = dyn_cast<func::CallOp>(op))
    return evaluateCall(callOp, scope);
  if (failed(checkOperands(op, scope)))
    return failure();
  if (auto probe = dyn_cast<lm::ProbeOp>(op)) {
    kept[static_cast<int64_t>(probe.getIndex())] =
        scope.get<Reals>(probe.getX());
    return success();
  }
  if (auto observeOp = dyn_cast<ObserveOp>(op))
    return observe(observeOp, scope);
  FailureOr<ValueRef> value = OpEvaluator(scope)(op);
  if (auto constantOp = dyn_cast<arith::ConstantOp>(op))
    value = constant(constantOp);
  else if (auto weightOp = dyn_cast<lm::WeightOp>(op))
    value = weight(weightOp, scope);
  else if (!*value && otherOp)
    value = otherOp(op, operandsOf(op, scope));
  if (failed(value))
    return failure();
  if (op->getNumResults() == 0)
    return success();
  if (!*value || !hasType(**value, op->getResult(0).getType()))
    return op->emitOpError("cannot be evaluated: not an op of the lm or "
                           "lowbit dialect, or not of its type");
  scope.set(op->getResult(0), *value);
  return success();
}

FailureOr<SmallVector<ValueRef>> Evaluator::call(func::FuncOp function,
                                                 ArrayRef<ValueRef> arguments) {
  constexpr int kDeepest = 64;
  llvm::scope_exit leave([&] { --depth; });
  if (++depth > kDeepest)
    return function.emitError("calls nest too deeply to be evaluated: "
                              "expected at most ")
           << kDeepest;
  if (!function.getBody().hasOneBlock())
    return function.emitError("cannot be evaluated: expected one block");
  Scope scope;
  if (arguments.size() != function.getNumArguments())
    return function.emitError("expected ")
           << function.getNumArguments() << " arguments, but got "
           << arguments.size();
  for (auto [name, value] : llvm::zip(function.getArguments(), arguments)) {
    if (!value || !hasType(*value, name.getType()))
      return function.emitError("argument ")
             << name.getArgNumber() << " must be a value of type "
             << name.getType();
    scope.set(name, value);
  }
  for (Operation &op : function.getBody().front()) {
    if (isa<func::ReturnOp>(op))
      return operandsOf(&op, scope);
    if (failed(evaluate(&op, scope)))
      return failure();
    scope.dropOperands(&op);
  }
  return function.emitError("cannot be evaluated: it does not return");
}

} // namespace lowbit::reference
