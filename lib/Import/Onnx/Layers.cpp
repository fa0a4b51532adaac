//===- Layers.cpp - Matrix products and norms -----------------------------===//

#include "Graph.h"

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LowBit/IR/LowBitOps.h"

using llvm::Error;
using llvm::Twine;
using namespace mlir;

namespace lowbit::onnx {

/// Activations that the graph has rounded meet the weight as they are; others
/// are the quantize stage's to round.
llvm::Expected<Rows> GraphImporter::linear(const Node &node, const Rows &x,
                                           const Weight &weight, Value bias) {
  if (weight.columns != x.shape.back())
    return fail(node, "rows of " + Twine(x.shape.back()) +
                          " elements meet the weight " + quoted(weight.name) +
                          " of " + Twine(weight.columns) +
                          " inputs: export the model again");
  MLIRContext *context = builder.getContext();
  auto type = TensorType::get(context, {weight.rows, weight.columns},
                              SchemeAttr::get(context, weight.scheme));
  Value matrix = lm::WeightOp::create(builder, type, weight.name);
  int64_t count = cast<ShapedType>(x.value.getType()).getDimSize(0);
  auto result = rowsType(count, weight.rows);
  Value y =
      x.rounded
          ? LinearOp::create(builder, result, x.value, matrix, bias).getResult()
          : lm::LinearOp::create(builder, result, x.value, matrix, bias)
                .getResult();
  return withColumns(x, y);
}

bool GraphImporter::addBias(const Rows &x, llvm::StringRef name,
                            const std::vector<float> &values) {
  // Another node, or an output, may want the sum without it.
  if (!isReadOnce(x.value))
    return false;
  auto take = [&](auto layer) {
    if (!layer || layer.getBias())
      return false;
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(layer);
    layer.getBiasMutable().assign(vectorWeight(source.vector(name, values)));
    return true;
  };
  Operation *layer = x.value.getDefiningOp();
  return layer && (take(dyn_cast<lm::LinearOp>(layer)) ||
                   take(dyn_cast<LinearOp>(layer)));
}

Error GraphImporter::importMatMul(const Node &node) {
  const Item *a = input(node, 0), *b = input(node, 1);
  const Heads *heads = b ? std::get_if<Heads>(b) : nullptr;
  if (const Heads *q = a && heads ? std::get_if<Heads>(a) : nullptr)
    return multiplyHeads(node, *q, *heads);
  if (const Scores *scores = a && heads ? std::get_if<Scores>(a) : nullptr)
    return attendScores(node, *scores, *heads);
  auto x = rowsAt(node, 0);
  if (!x)
    return x.takeError();
  auto constant = constantAt(node, 1);
  if (!constant)
    return constant.takeError();
  auto weight = source.matrix(*constant);
  if (!weight)
    return weight.takeError();
  auto y = linear(node, *x, *weight, {});
  return y ? define(node, *y) : y.takeError();
}

Error GraphImporter::importGemm(const Node &node) {
  if (integerOf(node, "transA", 0) || realOf(node, "alpha", 1) != 1 ||
      realOf(node, "beta", 1) != 1)
    return fail(node, "transA, alpha and beta are not imported: fold alpha and "
                      "beta into the weights");
  auto x = rowsAt(node, 0);
  if (!x)
    return x.takeError();
  auto constant = constantAt(node, 1);
  if (!constant)
    return constant.takeError();
  if (integerOf(node, "transB", 0))
    constant->transposed = !constant->transposed;
  auto weight = source.matrix(*constant);
  if (!weight)
    return weight.takeError();
  auto bias = optionalVectorAt(node, 2, weight->rows);
  if (!bias)
    return bias.takeError();
  auto y = linear(node, *x, *weight, *bias);
  return y ? define(node, *y) : y.takeError();
}

/// com.microsoft: inputs A, B, scales, zero points, g_idx, bias.
Error GraphImporter::importMatMulNBits(const Node &node) {
  auto x = rowsAt(node, 0);
  if (!x)
    return x.takeError();
  BlockedConstant constant;
  for (auto [index, tensor] :
       {std::pair(1, &constant.codes), std::pair(2, &constant.scales),
        std::pair(3, &constant.zeros)}) {
    if (index == 3 && !input(node, 3))
      continue;
    auto found = tensorAt(node, size_t(index));
    if (!found)
      return found.takeError();
    *tensor = *found;
  }
  constexpr int64_t kMost = int64_t(1) << 24;
  int64_t bits = integerOf(node, "bits", 4);
  constant.rows = integerOf(node, "N", 0);
  constant.columns = integerOf(node, "K", 0);
  constant.block = integerOf(node, "block_size", 0);
  if (constant.rows < 1 || constant.columns < 1 || constant.rows > kMost ||
      constant.columns > kMost || constant.block < 8 ||
      constant.block > kMost >> 4 || constant.block % 8 ||
      (bits != 2 && bits != 4 && bits != 8))
    return fail(node, "expected N and K of 1 to 2^24, blocks of whole bytes "
                      "and 2, 4 or 8 bits: quantize the model again");
  constant.bits = unsigned(bits);
  if (input(node, 4))
    return fail(node, "has an order of columns (g_idx), which is not imported: "
                      "quantize the model without it");
  auto weight = source.matrix(constant);
  if (!weight)
    return weight.takeError();
  auto bias = optionalVectorAt(node, 5, constant.rows);
  if (!bias)
    return bias.takeError();
  auto y = linear(node, *x, *weight, *bias);
  return y ? define(node, *y) : y.takeError();
}

//===- Norms --------------------------------------------------------------===//

Error GraphImporter::importLayerNorm(const Node &node) {
  auto x = rowsAt(node, 0);
  if (!x)
    return x.takeError();
  int64_t axis = integerOf(node, "axis", -1), rank = int64_t(x->shape.size());
  if (axis != -1 && axis != rank - 1)
    return fail(node, "normalizes along axis " + Twine(axis) +
                          ", expected the last one");
  int64_t columns = x->shape.back();
  auto gain = vectorAt(node, 1, columns);
  if (!gain)
    return gain.takeError();
  auto bias = optionalVectorAt(node, 2, columns);
  if (!bias)
    return bias.takeError();
  if (!*bias)
    bias = vectorWeight(source.vector(node.outputs[0] + ".bias",
                                      std::vector<float>(size_t(columns))));
  Value y = lm::LayerNormOp::create(
      builder, x->value.getType(), x->value, *gain, *bias,
      llvm::APFloat(realOf(node, "epsilon", 1e-5f)));
  return define(node, withColumns(*x, y));
}

Error GraphImporter::importRmsNorm(const Node &node) {
  auto x = rowsAt(node, 0);
  if (!x)
    return x.takeError();
  int64_t axis = integerOf(node, "axis", -1), rank = int64_t(x->shape.size());
  if (axis != -1 && axis != rank - 1)
    return fail(node, "normalizes along axis " + Twine(axis) +
                          ", expected the last one");
  auto gain = vectorAt(node, 1, x->shape.back());
  if (!gain)
    return gain.takeError();
  Value y =
      lm::RmsNormOp::create(builder, x->value.getType(), x->value, *gain,
                            llvm::APFloat(realOf(node, "epsilon", 1e-5f)));
  return define(node, withColumns(*x, y));
}

} // namespace lowbit::onnx
