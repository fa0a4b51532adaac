//===- Attention.cpp - Attention, fused or written out --------------------===//
//
// Written out, a block of an encoder is
//
//   q, v: [1, S, H D] -> Reshape [1, S, H, D] -> Transpose [1, H, S, D]
//   k:    the same, [1, H, D, S] in the end
//   MatMul(q, k) -> scaled, masked -> Softmax -> MatMul(.., v)
//   -> Transpose [1, S, H, D] -> Reshape [1, S, H D]
//
// with the scale anywhere before the Softmax. Heads are rows whose columns are
// seen in another order; the second MatMul is where all is known.
//
//===----------------------------------------------------------------------===//

#include "Graph.h"

#include "dialects/LM/IR/LMOps.h"

#include <cmath>

using llvm::Error;
using llvm::Twine;
using namespace mlir;

namespace lowbit::onnx {

/// Rows of one sequence: all dimensions but the last two are 1.
static bool isOneSequence(const Rows &x) {
  return llvm::all_of(llvm::ArrayRef(x.shape).drop_back(2),
                      [](int64_t size) { return size == 1; });
}

bool GraphImporter::takeHeads(const Rows &x, llvm::ArrayRef<int64_t> shape,
                              Heads &heads) {
  if (shape.size() != 4 || x.shape.size() < 2 || !isOneSequence(x))
    return false;
  heads = {x, shape[2], Heads::RowsFirst, 1};
  return shape[0] == 1 && shape[1] == x.shape[x.shape.size() - 2] &&
         shape[2] * shape[3] == x.shape.back();
}

Error GraphImporter::mergeHeads(const Node &node, const Heads &heads,
                                llvm::ArrayRef<int64_t> shape) {
  int64_t elements = 1;
  for (int64_t size : shape)
    elements = std::min(elements * size, int64_t(1) << 31);
  bool isRows =
      heads.layout == Heads::RowsFirst && heads.factor == 1 && !shape.empty() &&
      shape.back() == heads.of.shape.back() &&
      elements == cast<ShapedType>(heads.of.value.getType()).getNumElements();
  if (!isRows || shape.size() < 2)
    return fail(node, "expected the heads of a position side by side again");
  Rows merged = heads.of;
  merged.shape = shape.vec();
  return define(node, merged);
}

Error GraphImporter::transposeHeads(const Node &node, Heads heads) {
  using Order = std::vector<int64_t>;
  Order order = node.attributes.lookup("perm").integers;
  if (order == Order{0, 2, 1, 3} && heads.layout == Heads::RowsFirst)
    heads.layout = Heads::HeadsFirst;
  else if (order == Order{0, 2, 1, 3} && heads.layout == Heads::HeadsFirst)
    heads.layout = Heads::RowsFirst;
  else if ((order == Order{0, 2, 3, 1} && heads.layout == Heads::RowsFirst) ||
           (order == Order{0, 1, 3, 2} && heads.layout == Heads::HeadsFirst))
    heads.layout = Heads::Transposed;
  else
    return fail(node, "expected an order of dimensions that attention has");
  return define(node, heads);
}

//===- Scores -------------------------------------------------------------===//

Error GraphImporter::multiplyHeads(const Node &node, const Heads &q,
                                   const Heads &k) {
  if (q.layout != Heads::HeadsFirst || k.layout != Heads::Transposed ||
      q.heads != k.heads || q.of.value.getType() != k.of.value.getType())
    return fail(node, "expected queries [1, H, S, D] and keys [1, H, D, S] of "
                      "one sequence: expand heads that several queries share");
  return define(node, Scores{q, k, q.factor * k.factor, false, false});
}

/// 0 where row t sees column p, -1e4 or less elsewhere; [.., S, S] or less.
static std::optional<bool> isCausal(llvm::ArrayRef<float> mask, int64_t rows) {
  bool open = llvm::all_of(mask, [](float value) { return value == 0; });
  if (open)
    return false;
  if (int64_t(mask.size()) != rows * rows)
    return std::nullopt;
  for (int64_t t = 0; t < rows; ++t)
    for (int64_t p = 0; p < rows; ++p) {
      float value = mask[size_t(t * rows + p)];
      if (p <= t ? value != 0 : value > -1e4f)
        return std::nullopt;
    }
  return true;
}

Error GraphImporter::maskScores(const Node &node, Scores scores,
                                const Constant &constant) {
  auto mask = realsOf(node, constant);
  if (!mask)
    return mask.takeError();
  int64_t rows = cast<ShapedType>(scores.q.of.value.getType()).getDimSize(0);
  std::optional<bool> causal = isCausal(*mask, rows);
  if (!causal || scores.masked || scores.isSoft)
    return fail(node, "expected a mask of attention that is causal or all 0");
  scores.masked = *causal;
  return define(node, scores);
}

Error GraphImporter::importSoftmax(const Node &node) {
  const Item *item = input(node, 0);
  const Scores *scores = item ? std::get_if<Scores>(item) : nullptr;
  int64_t axis = integerOf(node, "axis", -1);
  if (!scores || scores->isSoft || (axis != -1 && axis != 3))
    return fail(node, "expected the softmax of attention, along its last "
                      "dimension: end the model before another one");
  Scores soft = *scores;
  soft.isSoft = true;
  return define(node, soft);
}

//===- Values -------------------------------------------------------------===//

llvm::Expected<Rows> GraphImporter::attend(const Node &node, const Rows &q,
                                           const Rows &k, const Rows &v,
                                           int64_t heads, float scale,
                                           bool masked) {
  int64_t columns = q.shape.back();
  if (heads < 1 || columns % heads || q.value.getType() != k.value.getType() ||
      k.value.getType() != v.value.getType() || !isOneSequence(q) ||
      !std::isfinite(scale))
    return fail(node, "expected queries, keys and values of the same shape, "
                      "one sequence, in whole heads: export the model with a "
                      "batch of 1");
  Value y = lm::AttentionOp::create(
      builder, q.value.getType(), q.value, k.value, v.value,
      builder.getI64IntegerAttr(columns / heads),
      builder.getF32FloatAttr(scale),
      masked ? builder.getUnitAttr() : UnitAttr(), /*window=*/IntegerAttr());
  return withColumns(q, y);
}

Error GraphImporter::attendScores(const Node &node, const Scores &scores,
                                  const Heads &v) {
  if (!scores.isSoft || v.layout != Heads::HeadsFirst || v.factor != 1 ||
      v.heads != scores.q.heads)
    return fail(node, "expected a softmax times values [1, H, S, D]");
  auto y = attend(node, scores.q.of, scores.k.of, v.of, v.heads, scores.scale,
                  scores.masked);
  if (!y)
    return y.takeError();
  return define(node, Heads{*y, v.heads, Heads::HeadsFirst, 1});
}

/// com.microsoft: queries, keys and values [1, S, H D] and nothing else.
Error GraphImporter::importMultiHeadAttention(const Node &node) {
  for (size_t i = 3; i < node.inputs.size(); ++i)
    if (input(node, i))
      return fail(node, "input " + Twine(i) +
                            " is not imported: a bias is added in front, masks "
                            "and caches are left out");
  std::optional<Rows> x[3];
  for (size_t i = 0; i < 3; ++i) {
    auto rows = rowsAt(node, i);
    if (!rows)
      return rows.takeError();
    x[i] = *rows;
  }
  int64_t heads = integerOf(node, "num_heads", 0);
  float scale = realOf(node, "scale", 0);
  if (scale == 0 && heads > 0)
    scale = 1 / std::sqrt(float(x[0]->shape.back()) / float(heads));
  auto y = attend(node, *x[0], *x[1], *x[2], heads, scale,
                  integerOf(node, "unidirectional", 0) != 0);
  return y ? define(node, *y) : y.takeError();
}

} // namespace lowbit::onnx
