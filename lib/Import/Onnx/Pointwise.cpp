//===- Pointwise.cpp - Sums, products and nonlinearities ------------------===//

#include "Graph.h"

#include "dialects/LM/IR/LMOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

using llvm::Error;
using llvm::Twine;
using namespace mlir;

namespace lowbit::onnx {

/// Constants of files are rounded to f32 or f16.
static bool isNear(float value, double expected) {
  return std::fabs(value - expected) <= 1e-3 * std::fabs(expected);
}

/// The input of an item and the other one; null if there is none of the kind.
template <typename T>
static std::pair<const T *, const Item *> take(const Item *a, const Item *b) {
  if (const T *found = std::get_if<T>(a))
    return {found, b};
  if (const T *found = std::get_if<T>(b))
    return {found, a};
  return {nullptr, nullptr};
}

Error GraphImporter::activate(const Node &node, const Rows &x,
                              unsigned function) {
  Value y = lm::ActivateOp::create(builder, x.value.getType(),
                                   lm::Activation(function), x.value);
  return define(node, withColumns(x, y));
}

/// Dimensions of 1 in front change nothing.
static llvm::ArrayRef<int64_t> withoutOnes(llvm::ArrayRef<int64_t> shape) {
  return shape.drop_while([](int64_t size) { return size == 1; });
}

//===- Sums ---------------------------------------------------------------===//

Error GraphImporter::addConstant(const Node &node, const Rows &x,
                                 const Constant &constant) {
  auto values = realsOf(node, constant);
  if (!values)
    return values.takeError();
  const std::vector<int64_t> &shape = constant.values->shape;
  int64_t columns = x.shape.back(), count = int64_t(values->size());
  auto type = cast<RankedTensorType>(x.value.getType());
  int64_t all = type.getNumElements();
  bool isVector = !shape.empty() && shape.back() == columns && count == columns;
  bool isWhole = !shape.empty() && shape.back() == columns && count == all;
  // A table of the sizes that positions have; it is in the IR.
  constexpr int64_t kLargest = int64_t(1) << 26;
  if ((count != 1 && !isVector && !isWhole) || all > kLargest)
    return fail(node, "adds " + Twine(count) + " constants to " + Twine(all) +
                          " elements in rows of " + Twine(columns) +
                          ": expected one, one for each column, or a tensor of "
                          "the same shape with at most 2^26");
  if (isVector && addBias(x, constant.values->name, *values))
    return define(node, x);
  std::vector<float> table;
  for (int64_t i = 0; i < all; ++i)
    table.push_back((*values)[size_t(i % count)]);
  Value addend = arith::ConstantOp::create(
      builder, DenseElementsAttr::get(type, llvm::ArrayRef(table)));
  Value sum = lm::AddOp::create(builder, type, x.value, addend);
  return define(node, withColumns(x, sum));
}

Error GraphImporter::importAdd(const Node &node) {
  const Item *a = input(node, 0), *b = input(node, 1);
  if (!a || !b)
    return fail(node, "expected two inputs");
  auto [x, other] = take<Rows>(a, b);
  if (x && std::get_if<Rows>(other)) {
    const Rows &y = std::get<Rows>(*other);
    if (x->value.getType() != y.value.getType() ||
        withoutOnes(x->shape) != withoutOnes(y.shape))
      return fail(node, "adds tensors of different shapes, which is not "
                        "imported: expand the smaller one");
    Value sum =
        lm::AddOp::create(builder, x->value.getType(), x->value, y.value);
    return define(node, withColumns(*x, sum));
  }
  if (x && std::get_if<Constant>(other))
    return addConstant(node, *x, std::get<Constant>(*other));
  auto [scores, mask] = take<Scores>(a, b);
  if (scores && std::get_if<Constant>(mask))
    return maskScores(node, *scores, std::get<Constant>(*mask));
  auto [erf, one] = take<Unfinished>(a, b);
  if (erf && erf->function == Unfinished::Erf && scalarOf(*one) == 1.0f)
    return define(node, Unfinished{Unfinished::OnePlusErf, erf->of});
  return fail(node, "expected sums of activations, of a constant and "
                    "activations, or the one of GELU");
}

//===- Products -----------------------------------------------------------===//

Error GraphImporter::finishGelu(const Node &node, const Rows &x) {
  return activate(node, x, unsigned(lm::Activation::Gelu));
}

/// codes' sums * (scale of activations * scale of weights): a layer.
Error GraphImporter::scaleProduct(const Node &node,
                                  const IntegerProduct &product,
                                  const ScaleProduct &scales) {
  if (product.rows.value != scales.of)
    return fail(node, "scales a product of codes with the scale of other "
                      "activations");
  Constant constant = product.weight;
  constant.scales = scales.scale;
  auto weight = source.matrix(constant);
  if (!weight)
    return weight.takeError();
  auto y = linear(node, product.rows, *weight, {});
  return y ? define(node, *y) : y.takeError();
}

bool GraphImporter::scaleItem(Item &item, float factor) {
  if (Heads *heads = std::get_if<Heads>(&item)) {
    heads->factor *= factor;
    return true;
  }
  Scores *scores = std::get_if<Scores>(&item);
  if (!scores || scores->masked || scores->isSoft)
    return false;
  scores->scale *= factor;
  return true;
}

Error GraphImporter::importMul(const Node &node) {
  const Item *a = input(node, 0), *b = input(node, 1);
  if (!a || !b)
    return fail(node, "expected two inputs");
  for (auto [item, factor] : {std::pair(a, b), std::pair(b, a)}) {
    Item scaled = *item;
    if (scalarOf(*factor) && scaleItem(scaled, *scalarOf(*factor)))
      return define(node, std::move(scaled));
  }
  auto [product, scales] = take<IntegerProduct>(a, b);
  if (product && std::get_if<ScaleProduct>(scales))
    return scaleProduct(node, *product, std::get<ScaleProduct>(*scales));
  auto [dynamic, scale] = take<Dynamic>(a, b);
  if (dynamic && dynamic->part == Dynamic::Scale) {
    const Constant *constant = std::get_if<Constant>(scale);
    if (constant && !constant->scales)
      return define(node, ScaleProduct{dynamic->rows.value, constant->values});
  }
  auto [part, other] = take<Unfinished>(a, b);
  if (part && std::get_if<Rows>(other)) {
    const Rows &x = std::get<Rows>(*other);
    if (x.value == part->of.value && part->function == Unfinished::Sigmoid)
      return activate(node, x, unsigned(lm::Activation::Silu));
    if (x.value == part->of.value && part->function == Unfinished::OnePlusErf)
      return define(node, Unfinished{Unfinished::TwiceGelu, x});
  }
  if (part && scalarOf(*other) == 0.5f &&
      part->function == Unfinished::TwiceGelu)
    return finishGelu(node, part->of);
  if (part && std::get_if<Unfinished>(other)) {
    // (x / 2) (1 + erf), in either order.
    const Unfinished &second = std::get<Unfinished>(*other);
    bool isFirst = part->function == Unfinished::Scaled;
    const Unfinished &half = isFirst ? *part : second;
    const Unfinished &sum = isFirst ? second : *part;
    if (half.function == Unfinished::Scaled && half.factor == 0.5f &&
        sum.function == Unfinished::OnePlusErf && half.of.value == sum.of.value)
      return finishGelu(node, half.of);
  }
  auto [x, factor] = take<Rows>(a, b);
  if (x && scalarOf(*factor))
    return define(node, Unfinished{Unfinished::Scaled, *x, *scalarOf(*factor)});
  return fail(node, "expected a product of GELU, SiLU or of scales; other "
                    "products are not imported");
}

Error GraphImporter::importDiv(const Node &node) {
  const Item *divisor = input(node, 1);
  std::optional<float> value = divisor ? scalarOf(*divisor) : std::nullopt;
  if (!value || *value == 0 || !input(node, 0))
    return fail(node, "expected a division by a constant number");
  Item scaled = *input(node, 0);
  if (scaleItem(scaled, 1 / *value))
    return define(node, std::move(scaled));
  auto x = rowsAt(node, 0);
  if (!x)
    return x.takeError();
  return define(node, Unfinished{Unfinished::Scaled, *x, 1 / *value});
}

//===- Nonlinearities -----------------------------------------------------===//

Error GraphImporter::importErf(const Node &node) {
  const Item *item = input(node, 0);
  const Unfinished *scaled = item ? std::get_if<Unfinished>(item) : nullptr;
  if (!scaled || scaled->function != Unfinished::Scaled ||
      !isNear(scaled->factor, M_SQRT1_2))
    return fail(node, "expected the erf(x / sqrt(2)) of GELU");
  return define(node, Unfinished{Unfinished::Erf, scaled->of});
}

Error GraphImporter::importSigmoid(const Node &node) {
  auto x = rowsAt(node, 0);
  return x ? define(node, Unfinished{Unfinished::Sigmoid, *x}) : x.takeError();
}

Error GraphImporter::importRelu(const Node &node) {
  auto x = rowsAt(node, 0);
  return x ? activate(node, *x, unsigned(lm::Activation::Relu)) : x.takeError();
}

Error GraphImporter::importGelu(const Node &node) {
  auto x = rowsAt(node, 0);
  if (!x)
    return x.takeError();
  std::string kind =
      node.attributes.lookup("approximate").text.value_or("none");
  if (kind != "none" && kind != "tanh")
    return fail(node,
                "approximate is " + quoted(kind) + ", expected none or tanh");
  return activate(node, *x,
                  unsigned(kind == "tanh" ? lm::Activation::GeluTanh
                                          : lm::Activation::Gelu));
}

Error GraphImporter::importFastGelu(const Node &node) {
  auto x = rowsAt(node, 0);
  if (!x)
    return x.takeError();
  if (input(node, 1))
    return fail(node, "has a bias: add it before");
  return activate(node, *x, unsigned(lm::Activation::GeluTanh));
}

} // namespace lowbit::onnx
