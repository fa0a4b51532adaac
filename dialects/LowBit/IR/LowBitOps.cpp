//===- LowBitOps.cpp - Verifiers of the lowbit dialect --------------------===//

#include "dialects/LowBit/IR/LowBitOps.h"

using namespace mlir;

namespace lowbit {

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

static LogicalResult sameShape(Operation *op, Value x, Value result) {
  if (failed(expectRows(op, "rows of the result", rows(x), rows(result))))
    return failure();
  return expectEqual(op, "columns of the result", columns(x), columns(result));
}

LogicalResult QuantizeOp::verify() {
  if (failed(sameShape(*this, getX(), getResult()))) // C1
    return failure();
  Scheme scheme = getResult().getType().getScheme().getScheme();
  if (scheme.isFloat() && scheme.floatType != FieldType::BF16) // C2
    return emitOpError("needs a scheme with codes or bf16, but got ")
           << getResult().getType().getScheme();
  if (!scheme.isFloat() && scheme.levels[0].group == Level::kTensor) // C3
    return emitOpError("needs scales of rows or groups, but got ")
           << getResult().getType().getScheme();
  if (bool(getPermutation()) != getResult().getType().getPermuted()) // C4
    return emitOpError(
        "has a permutation exactly where the result is permuted");
  if (getPermutation())
    return expectEqual(*this, "elements of the permutation", columns(getX()),
                       elements(getPermutation())); // C4
  return success();
}

LogicalResult DequantizeOp::verify() {
  return sameShape(*this, getX(), getResult()); // C1
}

LogicalResult LinearOp::verify() {
  int64_t n = rows(getWeight());
  if (failed(expectEqual(*this, "columns of the weight", columns(getX()),
                         columns(getWeight()))))
    return failure();           // C1
  if (ShapedType::isDynamic(n)) // C3
    return emitOpError("weight must have a static number of rows");
  if (failed(
          expectEqual(*this, "columns of the result", n, columns(getResult()))))
    return failure(); // C2
  if (getBias() && failed(expectEqual(*this, "elements of the bias", n,
                                      elements(getBias()))))
    return failure(); // C2
  auto low = dyn_cast<TensorType>(getX().getType());
  if (low && low.getPermuted() != getWeight().getType().getPermuted()) // C4
    return emitOpError("activations are permuted exactly where the weight is");
  return expectRows(*this, "rows of the result", rows(getX()),
                    rows(getResult())); // C3
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

} // namespace lowbit

#define GET_OP_CLASSES
#include "dialects/LowBit/IR/LowBitOps.cpp.inc"
