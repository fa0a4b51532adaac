//===- LMOps.cpp - Verifiers of the lm dialect ----------------------------===//

#include "dialects/LM/IR/LMOps.h"

using namespace mlir;

namespace lowbit::lm {

/// Number of rows and columns of a matrix type of any dialect: whatever is a
/// ShapedType of rank 2.
static std::optional<std::pair<int64_t, int64_t>> matrixShape(Type type) {
  auto shaped = dyn_cast<ShapedType>(type);
  if (!shaped || !shaped.hasRank() || shaped.getRank() != 2)
    return std::nullopt;
  return std::make_pair(shaped.getDimSize(0), shaped.getDimSize(1));
}

static int64_t columns(Value rows) {
  return cast<RankedTensorType>(rows.getType()).getDimSize(1);
}

static LogicalResult expectColumns(Operation *op, StringRef what,
                                   int64_t expected, int64_t got) {
  if (expected == got)
    return success();
  return op->emitOpError() << what << ": expected " << expected << ", but got "
                           << got;
}

static LogicalResult expectDivides(Operation *op, StringRef what, int64_t part,
                                   int64_t whole) {
  if (part > 0 && whole % part == 0)
    return success();
  return op->emitOpError() << what << ": expected a divisor of " << whole
                           << ", but got " << part;
}

LogicalResult EmbedOp::verify() {
  auto table = matrixShape(getTable().getType());
  if (!table)
    return emitOpError("table must be a matrix, but got ")
           << getTable().getType();
  int64_t d = columns(getResult());
  if (failed(expectColumns(*this, "columns of the table", d, table->second)))
    return failure(); // C1
  if (getEmbeddings())
    return expectColumns(*this, "columns of the embeddings", d,
                         columns(getEmbeddings())); // C1
  return success();
}

LogicalResult LinearOp::verify() {
  auto weight = matrixShape(getWeight().getType());
  if (!weight)
    return emitOpError("weight must be a matrix, but got ")
           << getWeight().getType();
  if (failed(expectColumns(*this, "columns of the weight", columns(getX()),
                           weight->second))) // C1
    return failure();
  if (failed(expectColumns(*this, "columns of the result", weight->first,
                           columns(getResult())))) // C2
    return failure();
  if (getBias())
    return expectColumns(
        *this, "elements of the bias", weight->first,
        cast<RankedTensorType>(getBias().getType()).getDimSize(0)); // C2
  return success();
}

LogicalResult RmsNormOp::verify() {
  int64_t d = cast<RankedTensorType>(getGain().getType()).getDimSize(0);
  return expectDivides(*this, "elements of the gain", d, columns(getX())); // C1
}

LogicalResult LayerNormOp::verify() {
  for (Value vector : {getGain(), getBias()})
    if (failed(expectColumns(
            *this, "elements of gain and bias", columns(getX()),
            cast<RankedTensorType>(vector.getType()).getDimSize(0)))) // C1
      return failure();
  return success();
}

LogicalResult RopeTableOp::verify() {
  int64_t d = columns(getResult());
  if (failed(expectDivides(*this, "rotated elements come in pairs", 2, d)))
    return failure(); // C1
  if (getFactors())
    return expectColumns(
        *this, "elements of the factors", d / 2,
        cast<RankedTensorType>(getFactors().getType()).getDimSize(0)); // C2
  return success();
}

LogicalResult RopeOp::verify() {
  int64_t headDim = getHeadDim();
  if (failed(expectDivides(*this, "head_dim", headDim, columns(getX()))))
    return failure(); // C1
  if (columns(getTable()) > headDim) // C2
    return emitOpError("rotates more than a head: expected at most ")
           << headDim << " columns in the table, but got "
           << columns(getTable());
  return success();
}

LogicalResult KVAppendOp::verify() {
  KVType kv = getKv().getType();
  if (failed(expectColumns(*this, "columns of keys and values",
                           kv.getHeads() * kv.getDim(), columns(getKeys()))))
    return failure(); // C1
  if (static_cast<int64_t>(getLayer()) >= kv.getLayers()) // C2
    return emitOpError("layer outside the store: expected less than ")
           << kv.getLayers() << ", but got " << getLayer();
  return success();
}

LogicalResult CachedAttentionOp::verify() {
  KVType kv = getKv().getType();
  if (failed(expectDivides(*this, "dim of the store", kv.getDim(),
                           columns(getQ()))))
    return failure(); // C1
  return expectDivides(*this, "key/value heads", kv.getHeads(),
                       columns(getQ()) / kv.getDim()); // C2
}

LogicalResult AttentionOp::verify() {
  int64_t headDim = getHeadDim();
  for (Value rows : {getQ(), getK()})
    if (failed(expectDivides(*this, "head_dim", headDim, columns(rows))))
      return failure(); // C1
  return expectDivides(*this, "key heads", columns(getK()) / headDim,
                       columns(getQ()) / headDim); // C2
}

} // namespace lowbit::lm

#define GET_OP_CLASSES
#include "dialects/LM/IR/LMOps.cpp.inc"
