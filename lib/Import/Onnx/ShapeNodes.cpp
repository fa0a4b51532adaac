//===- ShapeNodes.cpp - Nodes that compute nothing ------------------------===//

#include "Graph.h"

using llvm::Error;
using llvm::Twine;
using namespace mlir;

namespace lowbit::onnx {

Error GraphImporter::importConstant(const Node &node) {
  const Tensor *value = node.attributes.lookup("value").tensor;
  if (!value)
    return fail(node, "expected a constant with a tensor (value)");
  return define(node, Constant{value});
}

Error GraphImporter::importIdentity(const Node &node) {
  const Item *x = input(node, 0);
  if (!x)
    return fail(node, "expected an input");
  return define(node, *x);
}

/// i32 sums of products to floats, which they are here already.
Error GraphImporter::importCast(const Node &node) {
  const Item *x = input(node, 0);
  bool toFloat = integerOf(node, "to", 0) == int64_t(ElementType::Float);
  if (!x || !toFloat ||
      !(std::get_if<Rows>(x) || std::get_if<IntegerProduct>(x)))
    return fail(node, "expected a cast of activations to FLOAT: export the "
                      "model in float32");
  return define(node, *x);
}

Error GraphImporter::importTranspose(const Node &node) {
  const Item *item = input(node, 0);
  if (const Heads *heads = item ? std::get_if<Heads>(item) : nullptr)
    return transposeHeads(node, *heads);
  auto constant = constantAt(node, 0);
  if (!constant)
    return constant.takeError();
  std::vector<int64_t> order = node.attributes.lookup("perm").integers;
  size_t rank = constant->values->shape.size();
  if (rank != 2 || !(order.empty() || order == std::vector<int64_t>{1, 0}))
    return fail(node, "expected the transpose of a constant matrix");
  constant->transposed = !constant->transposed;
  return define(node, *constant);
}

/// Rows keep their place. An input that nothing has read yet may become rows of
/// another length: its bytes are the same.
Error GraphImporter::reshape(const Node &node, std::vector<int64_t> shape) {
  auto x = rowsAt(node, 0);
  if (!x)
    return x.takeError();
  int64_t count = cast<ShapedType>(x->value.getType()).getNumElements();
  int64_t product = 1;
  for (int64_t size : shape)
    product = size < 1 || product > count ? 0 : product * size;
  if (shape.empty() || product != count)
    return fail(node, "expected a shape of as many elements as before, " +
                          Twine(count));
  if (shape.size() == 1)
    shape.insert(shape.begin(), 1);
  if (shape.back() != x->shape.back()) {
    auto argument = dyn_cast<BlockArgument>(x->value);
    if (!argument || !isReadOnce(argument))
      return fail(node, "makes rows of " + Twine(shape.back()) +
                            " elements out of rows of " +
                            Twine(x->shape.back()) +
                            ", which is imported of inputs alone");
    argument.setType(rowsType(count / shape.back(), shape.back()));
  }
  x->shape = std::move(shape);
  return define(node, *x);
}

Error GraphImporter::importFlatten(const Node &node) {
  auto x = rowsAt(node, 0);
  if (!x)
    return x.takeError();
  int64_t axis = integerOf(node, "axis", 1), rank = int64_t(x->shape.size());
  if (axis < 0)
    axis += rank;
  if (axis < 0 || axis > rank)
    return fail(node, "axis " + Twine(axis) + " is none of " + Twine(rank));
  std::vector<int64_t> shape = {1, 1};
  for (auto [i, size] : llvm::enumerate(x->shape))
    shape[int64_t(i) >= axis] *= size;
  return reshape(node, shape);
}

/// What input 1 makes of a shape: 0 keeps a dimension, -1 is the rest.
llvm::Expected<std::vector<int64_t>>
GraphImporter::shapeAt(const Node &node, llvm::ArrayRef<int64_t> before) {
  auto wanted = tensorAt(node, 1);
  if (!wanted)
    return wanted.takeError();
  if ((*wanted)->type->isFloat || (*wanted)->elements() > 8)
    return fail(node, "expected a shape of at most 8 integers");
  int64_t count = 1, known = 1;
  for (int64_t size : before)
    count *= size;
  std::vector<int64_t> shape;
  std::optional<size_t> open;
  for (int64_t i = 0; i < (*wanted)->elements(); ++i) {
    int64_t size = (*wanted)->integer(i);
    if (size == 0 && size_t(i) < before.size())
      size = before[size_t(i)];
    shape.push_back(size);
    if (size == -1 && !open)
      open = size_t(i);
    else if (size < 1 || size > count)
      return fail(node, "has a dimension of " + Twine(size));
    else
      known = std::min(known * size, count + 1);
  }
  if (open)
    shape[*open] = count / known;
  return shape;
}

Error GraphImporter::importReshape(const Node &node) {
  const Item *item = input(node, 0);
  if (const Heads *heads = item ? std::get_if<Heads>(item) : nullptr) {
    std::vector<int64_t> now = {1, heads->of.shape[heads->of.shape.size() - 2],
                                heads->heads,
                                heads->of.shape.back() / heads->heads};
    auto shape = shapeAt(node, now);
    return shape ? mergeHeads(node, *heads, *shape) : shape.takeError();
  }
  auto x = rowsAt(node, 0);
  if (!x)
    return x.takeError();
  auto shape = shapeAt(node, x->shape);
  if (!shape)
    return shape.takeError();
  Heads heads;
  if (takeHeads(*x, *shape, heads))
    return define(node, heads);
  return reshape(node, std::move(*shape));
}

} // namespace lowbit::onnx
