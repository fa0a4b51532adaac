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

LogicalResult LayoutAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 int64_t lanes, int64_t unit) {
  if (lanes > 0 && unit > 0) // C1
    return success();
  return emitError() << "lanes and unit of a layout must be positive, but got "
                     << lanes << " and " << unit;
}

LogicalResult PanelsType::verify(function_ref<InFlightDiagnostic()> emitError,
                                 int64_t rows, int64_t columns, SchemeAttr,
                                 LayoutAttr) {
  if (rows > 0 && columns > 0) // C1
    return success();
  return emitError() << "panels must have rows and columns, but got " << rows
                     << "x" << columns;
}

LogicalResult RowsType::verify(function_ref<InFlightDiagnostic()> emitError,
                               int64_t columns, int64_t bits, int64_t group,
                               int64_t scaleGroups, bool pow2) {
  if (columns <= 0 || group < 0 || scaleGroups < 0) // C1
    return emitError() << "rows must have columns, and groups that are not "
                          "negative, but got "
                       << columns << ", " << group << " and " << scaleGroups;
  if (bits != 1 && bits != 8 && bits != 16 && bits != 32) // C2
    return emitError() << "rows have 1, 8, 16 or 32 bits, but got " << bits;
  if (pow2 && bits != 8) // C3
    return emitError() << "only rows of 8 bits have scales";
  if (bits == 1 && (scaleGroups != 0 || group % 32 != 0)) // C4
    return emitError() << "rows of 1 bit have one scale and groups of whole "
                          "words of 32, but got scale_groups = "
                       << scaleGroups << " and group = " << group;
  return success();
}

/// C1 of the ops that have one.
static LogicalResult expectPermutation(Operation *op, int64_t columns,
                                       Value permutation) {
  if (!permutation)
    return success();
  return expectEqual(op, "elements of the permutation", columns,
                     cast<ShapedType>(permutation.getType()).getDimSize(0));
}

static LogicalResult checkQuantizer(RowsOp op) {
  if (!op.getQuantizer()) {
    if (op.getDivisor())
      return op.emitOpError("has a divisor only by a quantizer");
    return success();
  }
  Quantizer quantizer = op.getQuantizer()->getQuantizer();
  RowsType type = op.getResult().getType();
  if (type.getBits() == 8 && !type.getPow2() &&
      quantizer.range == Quantizer::Range::AbsMax && quantizer.reach <= 127 &&
      quantizer.type == FieldType::F32 && !quantizer.refine &&
      quantizer.outerReach == 0)
    return success();
  return op.emitOpError("a quantizer makes rows of 8 bits in f32, from absmax "
                        "with a reach of at most 127, but got ")
         << *op.getQuantizer() << " and " << type;
}

LogicalResult RowsOp::verify() {
  int64_t k = columns(getX());
  if (failed(expectEqual(*this, "columns of the rows", k,
                         getResult().getType().getColumns()))) // C1
    return failure();
  if (failed(checkQuantizer(*this))) // C2
    return failure();
  return expectPermutation(*this, k, getPermutation()); // C1
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
  if (failed(expectPermutation(*this, d, getPermutation()))) // C1
    return failure();
  if (getEmbeddings())
    return expectEqual(*this, "columns of the embeddings", d,
                       columns(getEmbeddings())); // C1
  return success();
}

LogicalResult Dot4Op::verify() {
  int64_t range = getRange(), limit = getSignedWeights() ? 128 : 255;
  if (range >= 1 && range <= limit) // C1
    return success();
  return emitOpError("range: expected 1 to ") << limit << ", but got " << range;
}

LogicalResult TileDotOp::verify() {
  int64_t range = getRange(), rows = getRows(), panels = getPanels(),
          quads = getQuads();
  if (range < 1 || range > 255) // C1
    return emitOpError("range: expected 1 to 255, but got ") << range;
  if (rows > 0 && panels > 0 && quads > 0 && quads % 8 == 0) // C2
    return success();
  return emitOpError("rows, panels and quads: expected positive numbers, of "
                     "quads a multiple of 8, but got ")
         << rows << ", " << panels << " and " << quads;
}

LogicalResult LookupOp::verify() {
  return expectEqual(*this, "entries of the table", 16,
                     getTable().size()); // C1
}

LogicalResult LookupWordsOp::verify() {
  return expectEqual(*this, "entries of the table", 32,
                     getTable().size()); // C1
}

} // namespace lowbit::pack

#define GET_OP_CLASSES
#include "dialects/Pack/IR/PackOps.cpp.inc"
