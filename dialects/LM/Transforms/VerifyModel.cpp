//===- VerifyModel.cpp - Check what the import stage promises -------------===//

#include "dialects/LM/Transforms/Passes.h"

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LowBit/IR/LowBitOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"

#include <set>

#define DEBUG_TYPE "lm-verify-model"

namespace lowbit::lm {
#define GEN_PASS_DEF_VERIFYMODEL
#include "dialects/LM/Transforms/Passes.h.inc"
} // namespace lowbit::lm

using namespace mlir;
using namespace lowbit::lm;

//===- Operations and weights ---------------------------------------------===//

static LogicalResult verifyDialects(ModuleOp module) {
  WalkResult result = module.walk([&](Operation *op) {
    if (isa_and_present<LMDialect, func::FuncDialect>(op->getDialect()) ||
        isa<arith::ConstantOp, lowbit::FakeQuantOp>(op) || op == module)
      return WalkResult::advance();
    InFlightDiagnostic diagnostic = // V1
        op->emitError("the import stage holds lm operations, func operations, "
                      "arith.constant and lowbit.fake_quant, but got ")
        << op->getName();
    diagnostic.attachNote() << "start from a later stage (--start-from=), or "
                               "write it in the lm dialect";
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

static LogicalResult verifyWeights(ModuleOp module) {
  DenseMap<StringAttr, WeightOp> first;
  WalkResult result = module.walk([&](WeightOp weight) {
    auto [it, inserted] = first.try_emplace(weight.getNameAttr(), weight);
    if (inserted || it->second.getType() == weight.getType())
      return WalkResult::advance();
    InFlightDiagnostic diagnostic = // V2
        weight.emitError("a weight has one type: expected ")
        << it->second.getType() << " for '" << weight.getName() << "', but got "
        << weight.getType();
    diagnostic.attachNote(it->second.getLoc()) << "the other use is here";
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

static LogicalResult verifyProbes(func::FuncOp function) {
  DenseMap<uint64_t, ProbeOp> first;
  for (ProbeOp probe : function.getOps<ProbeOp>()) {
    auto [it, inserted] = first.try_emplace(probe.getIndex(), probe);
    if (inserted)
      continue;
    InFlightDiagnostic diagnostic = // V6
        probe.emitError("probes of a function have different indices, but ")
        << probe.getIndex() << " comes twice";
    diagnostic.attachNote(it->second.getLoc()) << "the other probe is here";
    return failure();
  }
  return success();
}

//===- The key/value store ------------------------------------------------===//

namespace {
/// Which layers each value of a store has appended, in the order of the block.
class StoreHistory {
public:
  explicit StoreHistory(func::FuncOp function) : function(function) {}
  LogicalResult verify();

private:
  LogicalResult verifyAppend(KVAppendOp append);
  LogicalResult verifyAttention(CachedAttentionOp attention);
  LogicalResult verifyReturn(func::ReturnOp op);
  LogicalResult unknownStore(Operation *op);

  func::FuncOp function;
  DenseMap<Value, std::set<uint64_t>> layersOf;
  llvm::MapVector<Value, KVAppendOp> unread; ///< stores no append built upon
};
} // namespace

static int64_t layersIn(Value store) {
  return cast<KVType>(store.getType()).getLayers();
}

LogicalResult StoreHistory::unknownStore(Operation *op) {
  InFlightDiagnostic diagnostic = // V3
      op->emitError("a store is an argument or an lm.kv_append of one");
  diagnostic.attachNote(function.getLoc())
      << "inline the functions that handle stores";
  return failure();
}

LogicalResult StoreHistory::verifyAppend(KVAppendOp append) {
  auto before = layersOf.find(append.getKv());
  if (before == layersOf.end())
    return unknownStore(append);
  std::set<uint64_t> layers = before->second;
  if (!layers.insert(append.getLayer()).second) // V4
    return append.emitError("a layer is appended once, but layer ")
           << append.getLayer() << " already is";
  layersOf[append.getResult()] = std::move(layers);
  unread.erase(append.getKv());
  unread[append.getResult()] = append;
  return success();
}

LogicalResult StoreHistory::verifyAttention(CachedAttentionOp attention) {
  auto store = layersOf.find(attention.getKv());
  if (store == layersOf.end())
    return unknownStore(attention);
  uint64_t layer = attention.getLayer();
  if (store->second.count(layer))
    return success();
  InFlightDiagnostic diagnostic = // V5
      attention.emitError(
          "attention reads a store that has its layer appended, but layer ")
      << layer << " is not";
  diagnostic.attachNote() << "append the layer's keys and values before";
  return failure();
}

LogicalResult StoreHistory::verifyReturn(func::ReturnOp op) {
  for (Value result : op.getOperands()) {
    if (!isa<KVType>(result.getType()))
      continue;
    auto store = layersOf.find(result);
    if (store == layersOf.end())
      return unknownStore(op);
    int64_t missing = 0;
    while (store->second.count(missing))
      ++missing;
    if (missing < layersIn(result)) // V4
      return op.emitError("every layer is appended before the store is "
                          "returned, but layer ")
             << missing << " of " << layersIn(result) << " is not";
    unread.erase(result);
  }
  for (auto &[store, append] : unread) { // V4
    InFlightDiagnostic diagnostic = append.emitError(
        "every append leads to the returned store, but this one is lost");
    diagnostic.attachNote(op.getLoc()) << "return the last store";
    return failure();
  }
  return success();
}

LogicalResult StoreHistory::verify() {
  for (Value argument : function.getArguments())
    if (isa<KVType>(argument.getType()))
      layersOf.try_emplace(argument);
  for (Operation &op : function.front()) {
    LogicalResult result = success();
    if (auto append = dyn_cast<KVAppendOp>(op))
      result = verifyAppend(append);
    else if (auto attention = dyn_cast<CachedAttentionOp>(op))
      result = verifyAttention(attention);
    else if (auto end = dyn_cast<func::ReturnOp>(op))
      result = verifyReturn(end);
    if (failed(result))
      return failure();
  }
  return success();
}

//===- The model's function -----------------------------------------------===//

static FailureOr<int64_t> modelSize(ModuleOp module, DictionaryAttr model,
                                    StringRef name) {
  auto size = model.getAs<IntegerAttr>(name);
  if (size && size.getType().isInteger(64) && size.getInt() > 0)
    return size.getInt();
  return module.emitError("attribute 'lm.model' needs a positive i64 '")
         << name << "'"; // V7
}

static LogicalResult verifyText(ModuleOp module) {
  Attribute attribute = module->getAttr("lm.model");
  if (!attribute)
    return success();
  auto model = dyn_cast<DictionaryAttr>(attribute);
  if (!model)
    return module.emitError("attribute 'lm.model' must be a dictionary"); // V7
  FailureOr<int64_t> embedding = modelSize(module, model, "embedding");
  FailureOr<int64_t> layers = modelSize(module, model, "layers");
  FailureOr<int64_t> vocabulary = modelSize(module, model, "vocabulary");
  if (failed(embedding) || failed(layers) || failed(vocabulary))
    return failure();
  auto text = module.lookupSymbol<func::FuncOp>("text");
  if (!text || text.isExternal())
    return module.emitError("a model has a function 'text'"); // V7

  Builder builder(module.getContext());
  auto rows = [&](int64_t columns) -> Type {
    return RankedTensorType::get({ShapedType::kDynamic, columns},
                                 builder.getF32Type());
  };
  Type indices =
      RankedTensorType::get({ShapedType::kDynamic}, builder.getI32Type());
  // Functions that pool say how wide their rows are, and take two more.
  bool pools = model.contains("result");
  FailureOr<int64_t> columns =
      pools ? modelSize(module, model, "columns") : vocabulary;
  if (failed(columns))
    return failure();
  FunctionType got = text.getFunctionType();
  size_t arguments = pools ? 7 : 5;
  auto kv = got.getNumInputs() == arguments ? dyn_cast<KVType>(got.getInput(4))
                                            : KVType();
  if (!kv || kv.getLayers() != *layers)
    return text.emitError("the fifth argument of 'text' is a store of ")
           << *layers << " layers, but got " << got; // V7
  SmallVector<Type> inputs = {indices, rows(*embedding), indices, indices, kv};
  inputs.resize(arguments, indices);
  auto expected = builder.getFunctionType(inputs, {rows(*columns), kv});
  if (got != expected)
    return text.emitError("signature of 'text': expected ")
           << expected << ", but got " << got; // V7
  return success();
}

namespace {
struct VerifyModel : public lowbit::lm::impl::VerifyModelBase<VerifyModel> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (failed(verifyDialects(module)))
      return signalPassFailure();
    for (func::FuncOp function : module.getOps<func::FuncOp>())
      if (!function.isExternal() && (failed(verifyProbes(function)) ||
                                     failed(StoreHistory(function).verify())))
        return signalPassFailure();
    if (failed(verifyWeights(module)) || failed(verifyText(module)))
      return signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace
