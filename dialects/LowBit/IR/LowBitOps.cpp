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

/// Whether one field covers several rows.
static bool hasTensorLevel(const Scheme &scheme) {
  return !scheme.isFloat() && scheme.levels[0].group == Level::kTensor;
}

static LogicalResult checkFit(Operation *op, QuantizerAttr quantizer,
                              const Scheme &scheme) {
  std::string error = scheme.isFloat() ? "a quantizer needs a scheme with codes"
                                       : quantizer.getQuantizer().check(scheme);
  if (error.empty())
    return success();
  return op->emitOpError() << error;
}

LogicalResult QuantizeOp::verify() {
  if (failed(sameShape(*this, getX(), getResult()))) // C1
    return failure();
  Scheme scheme = getResult().getType().getScheme().getScheme();
  if (scheme.isFloat() && scheme.floatType != FieldType::BF16) // C2
    return emitOpError("needs a scheme with codes or bf16, but got ")
           << getResult().getType().getScheme();
  if (hasTensorLevel(scheme) && !getQuantizer()) // C3
    return emitOpError("needs scales of rows or groups, but got ")
           << getResult().getType().getScheme();
  if (hasTensorLevel(scheme) && ShapedType::isDynamic(rows(getX()))) // C3
    return emitOpError("needs a static number of rows for fields of the "
                       "tensor, but got ")
           << getResult().getType().getScheme();
  if (QuantizerAttr quantizer = getQuantizerAttr())
    if (failed(checkFit(*this, quantizer, scheme))) // C5
      return failure();
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

/// Groups of the innermost level in a row.
static int64_t groupsOf(const Scheme &scheme, int64_t columns) {
  int64_t group = scheme.innerGroup();
  return group > 0 ? (columns + group - 1) / group : 1;
}

LogicalResult FakeQuantOp::verify() {
  Scheme scheme = getScheme().getScheme();
  if (failed(checkFit(*this, getQuantizer(), scheme))) // C1
    return failure();
  if (hasTensorLevel(scheme) && ShapedType::isDynamic(rows(getX()))) // C4
    return emitOpError("needs a static number of rows for fields of the "
                       "tensor");
  if (!getScales())
    return success();
  if (scheme.kind == CodeKind::Codebook || scheme.levels.size() > 1 ||
      hasTensorLevel(scheme) || !scheme.has(Component::Scale) ||
      scheme.has(Component::Min)) // C3
    return emitOpError("given fields belong to integer codes under one level "
                       "with a scale and no minimum, but got ")
           << getScheme();
  if (getZeros() && !scheme.has(Component::Zero)) // C3
    return emitOpError("given zero points belong to a scheme with zero points, "
                       "but got ")
           << getScheme();
  int64_t groups = groupsOf(scheme, columns(getX()));
  for (Value field : {getScales(), getZeros()}) {
    if (!field)
      continue;
    if (failed(expectRows(*this, "rows of given fields", rows(getX()),
                          rows(field))) ||
        failed(expectEqual(*this, "groups of given fields", groups,
                           columns(field)))) // C2
      return failure();
  }
  return success();
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
