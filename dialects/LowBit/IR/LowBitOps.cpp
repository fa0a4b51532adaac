//===- LowBitOps.cpp - Verifiers of the lowbit dialect --------------------===//

#include "dialects/LowBit/IR/LowBitOps.h"

using namespace mlir;

namespace lowbit {

static LogicalResult sameShape(Operation *op, ShapedType x, ShapedType result) {
  if (x.getShape() == result.getShape())
    return success();
  return op->emitOpError("result must have the shape of the operand: expected ")
         << x.getDimSize(0) << "x" << x.getDimSize(1) << ", but got "
         << result.getDimSize(0) << "x" << result.getDimSize(1);
}

static LogicalResult expectColumns(Operation *op, StringRef what,
                                   int64_t expected, int64_t got) {
  if (expected == got)
    return success();
  return op->emitOpError() << what << ": expected " << expected << ", but got "
                           << got;
}

static int64_t columns(Value matrix) {
  return cast<ShapedType>(matrix.getType()).getDimSize(1);
}

LogicalResult QuantizeOp::verify() {
  if (failed(sameShape(*this, getX().getType(), getResult().getType()))) // C1
    return failure();
  if (getResult().getType().getScheme().getScheme().isFloat()) // C2
    return emitOpError("needs a scheme with codes, but got ")
           << getResult().getType().getScheme();
  return success();
}

LogicalResult DequantizeOp::verify() {
  return sameShape(*this, getX().getType(), getResult().getType()); // C1
}

LogicalResult LinearOp::verify() {
  TensorType weight = getWeight().getType();
  if (failed(expectColumns(*this, "columns of the weight", columns(getX()),
                           weight.getColumns()))) // C1
    return failure();
  if (failed(expectColumns(*this, "columns of the result", weight.getRows(),
                           columns(getResult())))) // C2
    return failure();
  if (getBias())
    return expectColumns(
        *this, "elements of the bias", weight.getRows(),
        cast<ShapedType>(getBias().getType()).getDimSize(0)); // C2
  return success();
}

LogicalResult EmbedOp::verify() {
  int64_t d = columns(getResult());
  if (failed(expectColumns(*this, "columns of the table", d,
                           getTable().getType().getColumns()))) // C1
    return failure();
  if (getEmbeddings())
    return expectColumns(*this, "columns of the embeddings", d,
                         columns(getEmbeddings())); // C1
  return success();
}

} // namespace lowbit

#define GET_OP_CLASSES
#include "dialects/LowBit/IR/LowBitOps.cpp.inc"
