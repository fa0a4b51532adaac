//===- LMOps.cpp - Verifiers of the lm dialect ----------------------------===//

#include "dialects/LM/IR/LMOps.h"

#include "lowbit/Support/HadamardMatrix.h"

using namespace mlir;

namespace lowbit::lm {

static int64_t dimension(Value value, int64_t dim) {
  return cast<ShapedType>(value.getType()).getDimSize(dim);
}
static int64_t rows(Value matrix) { return dimension(matrix, 0); }
static int64_t columns(Value matrix) { return dimension(matrix, 1); }
static int64_t elements(Value vector) { return dimension(vector, 0); }

static LogicalResult expectEqual(Operation *op, StringRef what,
                                 int64_t expected, int64_t got) {
  if (expected == got)
    return success();
  return op->emitOpError() << what << ": expected " << expected << ", but got "
                           << got;
}

/// As expectEqual for numbers of rows; a dynamic one agrees with any.
static LogicalResult expectRows(Operation *op, StringRef what, int64_t expected,
                                int64_t got) {
  if (ShapedType::isDynamic(expected) || ShapedType::isDynamic(got))
    return success();
  return expectEqual(op, what, expected, got);
}

static LogicalResult expectDivides(Operation *op, StringRef what, int64_t part,
                                   int64_t whole) {
  if (part > 0 && whole % part == 0)
    return success();
  return op->emitOpError() << what << ": expected a divisor of " << whole
                           << ", but got " << part;
}

static LogicalResult expectLayer(Operation *op, KVType kv, int64_t layer) {
  if (layer < kv.getLayers())
    return success();
  return op->emitOpError("layer outside the store: expected less than ")
         << kv.getLayers() << ", but got " << layer;
}

LogicalResult KVType::verify(function_ref<InFlightDiagnostic()> emitError,
                             int64_t layers, int64_t heads, int64_t dim,
                             Type element) {
  if (layers <= 0 || heads <= 0 || dim <= 0) // C1
    return emitError() << "layers, heads and dim of a key/value store must be "
                          "positive, but got "
                       << layers << ", " << heads << " and " << dim;
  if (!element.isF32() && !element.isF16() && !element.isBF16() &&
      !element.isSignlessInteger(8) && !element.isSignlessInteger(4)) // C2
    return emitError() << "a key/value store keeps f32, f16, bf16, i8 or i4, "
                          "but got "
                       << element;
  if (element.isSignlessInteger(4) && dim % 2) // C3
    return emitError() << "heads of i4 have an even dim, but got " << dim;
  return success();
}

Value permutationOf(Value weight) {
  auto op = weight.getDefiningOp<WeightOp>();
  return op ? op.getPermutation() : Value();
}

KVAppendOp appendOf(CachedAttentionOp attention) {
  auto append = attention.getKv().getDefiningOp<KVAppendOp>();
  while (append && append.getLayer() != attention.getLayer())
    append = append.getKv().getDefiningOp<KVAppendOp>();
  return append;
}

LogicalResult WeightOp::verify() {
  if (!getPermutation())
    return success();
  auto type = cast<ShapedType>(getType());
  if (type.getRank() != 2) // C1
    return emitOpError("a permutation belongs to a matrix, but got ") << type;
  return expectEqual(*this, "elements of the permutation", type.getDimSize(1),
                     elements(getPermutation())); // C1
}

LogicalResult EmbedOp::verify() {
  int64_t d = columns(getResult()), t = elements(getTokens());
  if (failed(
          expectEqual(*this, "columns of the table", d, columns(getTable()))))
    return failure(); // C1
  if (failed(expectRows(*this, "rows of the result", t, rows(getResult()))))
    return failure(); // C2
  if (!getEmbeddings())
    return success();
  if (failed(expectEqual(*this, "columns of the embeddings", d,
                         columns(getEmbeddings()))))
    return failure(); // C1
  return expectRows(*this, "rows of the embeddings", t,
                    rows(getEmbeddings())); // C2
}

LogicalResult LinearOp::verify() {
  int64_t n = rows(getWeight());
  if (failed(expectEqual(*this, "columns of the weight", columns(getX()),
                         columns(getWeight()))))
    return failure(); // C1
  if (failed(
          expectEqual(*this, "columns of the result", n, columns(getResult()))))
    return failure(); // C2
  if (getBias() && failed(expectEqual(*this, "elements of the bias", n,
                                      elements(getBias()))))
    return failure(); // C2
  return expectRows(*this, "rows of the result", rows(getX()),
                    rows(getResult())); // C3
}

LogicalResult RmsNormOp::verify() {
  return expectDivides(*this, "elements of the gain", elements(getGain()),
                       columns(getX())); // C1
}

LogicalResult LayerNormOp::verify() {
  for (Value vector : {getGain(), getBias()})
    if (failed(expectEqual(*this, "elements of gain and bias", columns(getX()),
                           elements(vector))))
      return failure(); // C1
  return success();
}

LogicalResult RopeTableOp::verify() {
  int64_t d = columns(getResult());
  if (d % 2 != 0) // C1
    return emitOpError("rotated elements come in pairs: expected an even "
                       "number of columns in the result, but got ")
           << d;
  if (getFactors() && failed(expectEqual(*this, "elements of the factors",
                                         d / 2, elements(getFactors()))))
    return failure(); // C2
  return expectRows(*this, "rows of the result", elements(getPositions()),
                    rows(getResult())); // C3
}

LogicalResult RopeOp::verify() {
  int64_t headDim = getHeadDim();
  if (failed(expectDivides(*this, "head_dim", headDim, columns(getX()))))
    return failure();                // C1
  if (columns(getTable()) > headDim) // C2
    return emitOpError("rotates more than a head: expected at most ")
           << headDim << " columns in the table, but got "
           << columns(getTable());
  return expectRows(*this, "rows of the table", rows(getX()),
                    rows(getTable())); // C3
}

LogicalResult KVAppendOp::verify() {
  KVType kv = getKv().getType();
  if (failed(expectEqual(*this, "columns of keys and values",
                         kv.getHeads() * kv.getDim(), columns(getKeys()))))
    return failure();                        // C1
  return expectLayer(*this, kv, getLayer()); // C2
}

LogicalResult CachedAttentionOp::verify() {
  KVType kv = getKv().getType();
  if (failed(expectDivides(*this, "dim of the store", kv.getDim(),
                           columns(getQ()))))
    return failure(); // C1
  if (failed(expectDivides(*this, "heads of the store", kv.getHeads(),
                           columns(getQ()) / kv.getDim())))
    return failure();                        // C2
  return expectLayer(*this, kv, getLayer()); // C3
}

LogicalResult AttentionOp::verify() {
  int64_t headDim = getHeadDim();
  for (Value matrix : {getQ(), getK()})
    if (failed(expectDivides(*this, "head_dim", headDim, columns(matrix))))
      return failure(); // C1
  if (failed(expectDivides(*this, "key heads", columns(getK()) / headDim,
                           columns(getQ()) / headDim)))
    return failure(); // C2
  if (failed(expectRows(*this, "rows of the keys", rows(getQ()), rows(getK()))))
    return failure(); // C3
  if (getWindow() && !getMasked())
    return emitOpError("a window needs masked attention"); // C4
  return success();
}

LogicalResult ScaleOp::verify() {
  auto x = cast<ShapedType>(getX().getType());
  auto result = cast<ShapedType>(getResult().getType());
  if (x.getShape() != result.getShape()) // C1
    return emitOpError("the result has another shape than x");
  bool alongRows = getAxis() == Axis::Rows;
  if (x.getRank() == 1 && alongRows) // C3
    return emitOpError("a vector is scaled by columns");
  int64_t count = alongRows ? x.getDimSize(0) : x.getShape().back();
  return expectEqual(*this, "factors", count, elements(getFactors())); // C2
}

bool isRotationBlock(int64_t block) {
  int64_t base = hadamardBase(block);
  return base == 1 || (base > 1 && base <= 64 && block / base >= 16);
}

LogicalResult RotateOp::verify() {
  if (failed(expectRows(*this, "rows of the result", rows(getX()),
                        rows(getResult()))) ||
      failed(expectEqual(*this, "columns of the result", columns(getX()),
                         columns(getResult()))))
    return failure(); // C1
  int64_t block = getBlock();
  int64_t size = getAxis() == Axis::Rows ? rows(getX()) : columns(getX());
  if (!isRotationBlock(block)) // C2
    return emitOpError("block: expected a power of two, or m * 2^k with a "
                       "Hadamard matrix of order m <= 64 and 2^k >= 16, but "
                       "got ")
           << block;
  if (ShapedType::isDynamic(size))
    return emitOpError("rows to rotate are static");
  return expectDivides(*this, "block", block, size);
}

LogicalResult GatherRowsOp::verify() {
  if (failed(expectEqual(*this, "columns of the result", columns(getX()),
                         columns(getResult()))))
    return failure(); // C1
  return expectRows(*this, "rows of the result", elements(getRows()),
                    rows(getResult())); // C2
}

LogicalResult MeanRowsOp::verify() {
  if (failed(expectEqual(*this, "columns of the result", columns(getX()),
                         columns(getResult()))))
    return failure(); // C1
  return expectRows(*this, "rows of the result", elements(getLast()),
                    rows(getResult())); // C2
}

} // namespace lowbit::lm

#define GET_OP_CLASSES
#include "dialects/LM/IR/LMOps.cpp.inc"
