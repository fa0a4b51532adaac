//===- Checks.cpp - What types cannot promise -----------------------------===//

#include "Checks.h"

#include "lowbit/Reference/Evaluator.h"
#include "lowbit/Reference/LM.h"
#include "lowbit/Support/Permutation.h"

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LowBit/IR/LowBitOps.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace lowbit::reference {

//===- Values and types ---------------------------------------------------===//

static bool hasShape(ArrayRef<int64_t> shape, ArrayRef<int64_t> type) {
  if (shape.size() != type.size())
    return false;
  for (auto [size, expected] : llvm::zip(shape, type))
    if (!ShapedType::isDynamic(expected) && size != expected)
      return false;
  return true;
}

KVElement elementOf(lm::KVType type) {
  Type element = type.getElement();
  if (element.isF32())
    return KVElement::F32;
  if (element.isF16())
    return KVElement::F16;
  if (element.isBF16())
    return KVElement::BF16;
  return element.isInteger(4) ? KVElement::Q4 : KVElement::Q8;
}

static bool isStoreOf(const KVStore &store, lm::KVType type) {
  size_t runs = store.batch.runs.size();
  int64_t covered = 0;
  for (const Run &run : store.batch.runs) {
    if (run.firstRow != covered || run.count < 0)
      return false;
    covered += run.count;
  }
  return store.layers == type.getLayers() && store.heads == type.getHeads() &&
         store.dim == type.getDim() && store.element == elementOf(type) &&
         covered == store.batch.rows() &&
         llvm::all_of(store.sequences,
                      [&](const auto &layer) { return layer.size() == runs; });
}

bool hasType(const Value &value, Type type) {
  if (auto kv = dyn_cast<lm::KVType>(type)) {
    const auto *store = std::get_if<KVStore>(&value);
    return store && isStoreOf(*store, kv);
  }
  if (auto low = dyn_cast<TensorType>(type)) {
    const auto *bits = std::get_if<LowBits>(&value);
    return bits && bits->scheme == low.getScheme().getScheme() &&
           bits->permutation.empty() != low.getPermuted() &&
           hasShape({static_cast<int64_t>(bits->rows.size()), bits->columns},
                    low.getShape());
  }
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return false;
  if (const auto *reals = std::get_if<Reals>(&value))
    return tensor.getElementType().isF32() &&
           hasShape(reals->shape, tensor.getShape());
  const auto *indices = std::get_if<Indices>(&value);
  return indices && tensor.getElementType().isInteger(32) &&
         hasShape(indices->shape, tensor.getShape());
}

static int64_t rowsOf(const Value &value) {
  if (const auto *reals = std::get_if<Reals>(&value))
    return reals->rows();
  if (const auto *indices = std::get_if<Indices>(&value))
    return indices->rows();
  if (const auto *low = std::get_if<LowBits>(&value))
    return static_cast<int64_t>(low->rows.size());
  return std::get<KVStore>(value).batch.rows();
}

//===- Operands -----------------------------------------------------------===//

/// Operands that hold one row for each row of the op.
static SmallVector<mlir::Value> rowOperands(Operation *op) {
  using Values = SmallVector<mlir::Value>;
  return llvm::TypeSwitch<Operation *, Values>(op)
      .Case<lm::EmbedOp, EmbedOp>([](auto embed) {
        Values values{embed.getTokens()};
        if (embed.getEmbeddings())
          values.push_back(embed.getEmbeddings());
        return values;
      })
      .Case(
          [](lm::RopeOp rope) { return Values{rope.getX(), rope.getTable()}; })
      .Case<lm::GateOp, lm::AddOp, lm::AttentionOp, lm::KVAppendOp,
            lm::CachedAttentionOp, FakeQuantOp>(
          [](Operation *op) { return Values(op->getOperands()); })
      .Default([](Operation *) { return Values(); });
}

static LogicalResult checkRows(Operation *op, Scope &scope) {
  SmallVector<mlir::Value> operands = rowOperands(op);
  for (mlir::Value operand : operands) {
    int64_t expected = rowsOf(*scope.ref(operands[0]));
    int64_t got = rowsOf(*scope.ref(operand));
    if (expected != got)
      return op->emitOpError("operands must have the same number of rows: "
                             "expected ")
             << expected << ", but got " << got;
  }
  return success();
}

static LogicalResult checkIndices(Operation *op, const Indices &indices,
                                  int64_t low, int64_t end) {
  for (int32_t index : indices.data)
    if (index < low || index >= end)
      return op->emitOpError("index out of range: expected ")
             << low << " to " << end - 1 << ", but got " << index;
  return success();
}

static LogicalResult checkPermutation(Operation *op, mlir::Value permutation,
                                      Scope &scope) {
  if (!permutation)
    return success();
  std::string error = permutationError(scope.get<Indices>(permutation).data);
  if (error.empty())
    return success();
  return op->emitOpError("permutation: ") << error;
}

static LogicalResult checkLinear(LinearOp op, Scope &scope) {
  const auto *x = std::get_if<LowBits>(scope.ref(op.getX()).get());
  const auto &weight = scope.get<LowBits>(op.getWeight());
  if (!x || x->permutation == weight.permutation)
    return success();
  return op.emitOpError(
      "activations must have the permutation of their weight");
}

static LogicalResult checkAttention(lm::CachedAttentionOp op, Scope &scope) {
  if (attentionIsDefined(scope.get<KVStore>(op.getKv()), op.getLayer()))
    return success();
  return op.emitOpError("every row must see a position, and none that layer ")
         << op.getLayer() << " lacks";
}

static LogicalResult checkMean(lm::MeanRowsOp op, Scope &scope) {
  const Indices &first = scope.get<Indices>(op.getFirst());
  const Indices &last = scope.get<Indices>(op.getLast());
  int64_t end = rowsOf(*scope.ref(op.getX()));
  if (first.rows() != last.rows())
    return op.emitOpError("operands must have the same number of rows: "
                          "expected ")
           << first.rows() << ", but got " << last.rows();
  if (failed(checkIndices(op, first, 0, end)) ||
      failed(checkIndices(op, last, 0, end)))
    return failure();
  for (auto [from, to] : llvm::zip(first.data, last.data))
    if (from > to)
      return op.emitOpError("rows end before they begin: expected at least ")
             << from << ", but got " << to;
  return success();
}

LogicalResult checkOperands(Operation *op, Scope &scope) {
  if (failed(checkRows(op, scope)))
    return failure();
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<lm::EmbedOp, EmbedOp>([&](auto embed) {
        return checkIndices(op, scope.get<Indices>(embed.getTokens()),
                            embed.getEmbeddings() ? -1 : 0,
                            rowsOf(*scope.ref(embed.getTable())));
      })
      .Case([&](lm::GatherRowsOp gather) {
        return checkIndices(op, scope.get<Indices>(gather.getRows()), 0,
                            rowsOf(*scope.ref(gather.getX())));
      })
      .Case([&](lm::MeanRowsOp mean) { return checkMean(mean, scope); })
      .Case<lm::WeightOp, QuantizeOp>([&](auto made) {
        return checkPermutation(op, made.getPermutation(), scope);
      })
      .Case([&](LinearOp linear) { return checkLinear(linear, scope); })
      .Case([&](lm::CachedAttentionOp attention) {
        return checkAttention(attention, scope);
      })
      .Default([](Operation *) { return success(); });
}

} // namespace lowbit::reference
