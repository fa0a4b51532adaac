//===- PackOps.cpp - Verifiers of the pack dialect ------------------------===//

#include "dialects/Pack/IR/PackOps.h"

using namespace mlir;

namespace lowbit::pack {

static LogicalResult expectEqual(Operation *op, StringRef what,
                                 int64_t expected, int64_t got) {
  if (expected == got)
    return success();
  return op->emitOpError() << what << ": expected " << expected << ", but got "
                           << got;
}

static int64_t columns(Value matrix) {
  return cast<RankedTensorType>(matrix.getType()).getDimSize(1);
}

LogicalResult RowsOp::verify() {
  return expectEqual(*this, "columns of the rows", columns(getX()),
                     getResult().getType().getColumns()); // C1
}

LogicalResult LinearOp::verify() {
  PanelsType panels = getPanels().getType();
  RowsType rows = getRows().getType();
  if (failed(expectEqual(*this, "columns of the rows", panels.getColumns(),
                         rows.getColumns()))) // C1
    return failure();
  int64_t group = panels.getScheme().getScheme().innerGroup();
  if (failed(expectEqual(*this, "group of the rows", group > 0 ? group : 0,
                         rows.getGroup()))) // C1
    return failure();
  if (failed(expectEqual(*this, "columns of the result", panels.getRows(),
                         columns(getResult())))) // C2
    return failure();
  if (getBias() &&
      failed(expectEqual(
          *this, "elements of the bias", panels.getRows(),
          cast<ShapedType>(getBias().getType()).getDimSize(0)))) // C2
    return failure();
  if (getResidual())
    return expectEqual(*this, "columns of the residual", panels.getRows(),
                       columns(getResidual())); // C2
  return success();
}

LogicalResult EmbedOp::verify() {
  int64_t d = columns(getResult());
  if (failed(expectEqual(*this, "columns of the table", d,
                         getTable().getType().getColumns()))) // C1
    return failure();
  if (getEmbeddings())
    return expectEqual(*this, "columns of the embeddings", d,
                       columns(getEmbeddings())); // C1
  return success();
}

LogicalResult LookupOp::verify() {
  return expectEqual(*this, "entries of the table", 16, getTable().size());
}

} // namespace lowbit::pack

#define GET_OP_CLASSES
#include "dialects/Pack/IR/PackOps.cpp.inc"
