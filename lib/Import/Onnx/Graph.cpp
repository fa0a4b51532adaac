//===- Graph.cpp - Inputs, outputs and the order of nodes -----------------===//

#include "Graph.h"

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LowBit/IR/LowBitOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/StringExtras.h"

#include <map>

using llvm::Error;
using llvm::StringRef;
using llvm::Twine;
using namespace mlir;

namespace lowbit::onnx {

static constexpr const char *kMicrosoft = "com.microsoft";

const GraphImporter::Operator GraphImporter::kOperators[] = {
    {"", "MatMul", &GraphImporter::importMatMul},
    {"", "Gemm", &GraphImporter::importGemm},
    {"", "LayerNormalization", &GraphImporter::importLayerNorm},
    {"", "SimplifiedLayerNormalization", &GraphImporter::importRmsNorm},
    {"", "RMSNormalization", &GraphImporter::importRmsNorm},
    {"", "Add", &GraphImporter::importAdd},
    {"", "Mul", &GraphImporter::importMul},
    {"", "Div", &GraphImporter::importDiv},
    {"", "Relu", &GraphImporter::importRelu},
    {"", "Gelu", &GraphImporter::importGelu},
    {"", "Sigmoid", &GraphImporter::importSigmoid},
    {"", "Erf", &GraphImporter::importErf},
    {"", "Softmax", &GraphImporter::importSoftmax},
    {"", "QuantizeLinear", &GraphImporter::importQuantize},
    {"", "DequantizeLinear", &GraphImporter::importDequantize},
    {"", "DynamicQuantizeLinear", &GraphImporter::importDynamicQuantize},
    {"", "MatMulInteger", &GraphImporter::importMatMulInteger},
    {"", "QLinearMatMul", &GraphImporter::importQLinearMatMul},
    {"", "Constant", &GraphImporter::importConstant},
    {"", "Identity", &GraphImporter::importIdentity},
    {"", "Dropout", &GraphImporter::importIdentity},
    {"", "Cast", &GraphImporter::importCast},
    {"", "Transpose", &GraphImporter::importTranspose},
    {"", "Flatten", &GraphImporter::importFlatten},
    {"", "Reshape", &GraphImporter::importReshape},
    {kMicrosoft, "MatMulNBits", &GraphImporter::importMatMulNBits},
    {kMicrosoft, "MultiHeadAttention",
     &GraphImporter::importMultiHeadAttention},
    {kMicrosoft, "Gelu", &GraphImporter::importGelu},
    {kMicrosoft, "FastGelu", &GraphImporter::importFastGelu},
    {kMicrosoft, "QGemm", &GraphImporter::importQGemm},
    {kMicrosoft, "QuantizeLinear", &GraphImporter::importQuantize},
    {kMicrosoft, "DequantizeLinear", &GraphImporter::importDequantize},
};

const GraphImporter::Operator *GraphImporter::findOperator(const Node &node) {
  for (const Operator &known : kOperators)
    if (node.domain == known.domain && node.type == known.type)
      return &known;
  return nullptr;
}

GraphImporter::GraphImporter(OnnxSource &source, int64_t rows, ModuleOp module)
    : source(source), rows(rows), module(module),
      builder(UnknownLoc::get(module.getContext()), module.getContext()) {}

//===- What nodes have in common ------------------------------------------===//

Error GraphImporter::fail(const Node &node, const Twine &message) const {
  return fileError(source.path(), "node " + quoted(node.name) + " (" +
                                      node.type + "): " + message);
}

const Item *GraphImporter::input(const Node &node, size_t index) const {
  if (index >= node.inputs.size() || node.inputs[index].empty())
    return nullptr;
  auto found = items.find(node.inputs[index]);
  return found == items.end() ? nullptr : &found->second;
}

llvm::Expected<Rows> GraphImporter::rowsAt(const Node &node,
                                           size_t index) const {
  const Item *item = input(node, index);
  if (const Rows *found = item ? std::get_if<Rows>(item) : nullptr)
    return *found;
  return fail(node, "input " + Twine(index) +
                        " must be real activations; codes have a "
                        "DequantizeLinear of their own in front of a node");
}

llvm::Expected<Constant> GraphImporter::constantAt(const Node &node,
                                                   size_t index) const {
  const Item *item = input(node, index);
  if (const Constant *found = item ? std::get_if<Constant>(item) : nullptr)
    return *found;
  return fail(node, "input " + Twine(index) +
                        " must be a constant: export the model with its "
                        "weights as initializers");
}

llvm::Expected<const Tensor *> GraphImporter::tensorAt(const Node &node,
                                                       size_t index) const {
  auto constant = constantAt(node, index);
  if (!constant)
    return constant.takeError();
  if (constant->scales || constant->transposed)
    return fail(node, "input " + Twine(index) +
                          " must be a constant of its own, not the result of "
                          "another node");
  return constant->values;
}

std::optional<float> GraphImporter::scalarOf(const Item &item) {
  const Constant *constant = std::get_if<Constant>(&item);
  if (!constant || constant->scales || constant->values->elements() != 1)
    return std::nullopt;
  return constant->values->real(0);
}

llvm::Expected<std::vector<float>>
GraphImporter::realsOf(const Node &node, const Constant &constant) const {
  if (constant.transposed)
    return fail(node, "reads the transpose of a constant, which only a layer "
                      "may");
  if (!constant.scales)
    return constant.values->reals();
  std::vector<float> values;
  int64_t scales = constant.scales->elements();
  int64_t count = constant.values->elements();
  if (constant.values->shape.size() > 1 || (scales != 1 && scales != count))
    return fail(node, "constant " + quoted(constant.values->name) +
                          " must be a vector with one scale, or one for each "
                          "element");
  const Tensor *zeros = constant.zeros;
  if (zeros && (zeros->type != constant.values->type || zeros->type->isFloat ||
                zeros->elements() != scales))
    return fail(node, "expected integers in " + quoted(zeros->name) +
                          ", a zero point for each scale");
  for (int64_t i = 0; i < count; ++i) {
    int64_t at = scales == 1 ? 0 : i;
    int64_t zero = zeros ? zeros->integer(at) : 0;
    values.push_back(constant.scales->real(at) *
                     float(constant.values->integer(i) - zero));
  }
  return values;
}

int64_t GraphImporter::integerOf(const Node &node, StringRef attribute,
                                 int64_t absent) {
  return node.attributes.lookup(attribute).integer.value_or(absent);
}

float GraphImporter::realOf(const Node &node, StringRef attribute,
                            float absent) {
  return node.attributes.lookup(attribute).real.value_or(absent);
}

Error GraphImporter::define(const Node &node, Item item, size_t output) {
  if (output >= node.outputs.size())
    return fail(node, "has " + Twine(node.outputs.size()) +
                          " outputs: export the model again");
  const std::string &name = node.outputs[output];
  if (name.empty()) // nobody reads it
    return Error::success();
  if (!items.try_emplace(name, std::move(item)).second)
    return fail(node, "defines " + quoted(name) +
                          ", which has a value already: export the model "
                          "again");
  return Error::success();
}

RankedTensorType GraphImporter::rowsType(int64_t rows, int64_t columns) {
  return RankedTensorType::get({rows, columns}, builder.getF32Type());
}

Rows GraphImporter::withColumns(const Rows &like, Value value) const {
  Rows result{value, like.shape, false};
  result.shape.back() = cast<ShapedType>(value.getType()).getDimSize(1);
  return result;
}

Value GraphImporter::vectorWeight(const Weight &tensor) {
  auto type = RankedTensorType::get({tensor.columns}, builder.getF32Type());
  return lm::WeightOp::create(builder, type, tensor.name);
}

llvm::Expected<Value> GraphImporter::vectorAt(const Node &node, size_t index,
                                              int64_t size) {
  auto found = constantAt(node, index);
  if (!found)
    return found.takeError();
  auto values = realsOf(node, *found);
  if (!values)
    return values.takeError();
  if (int64_t(values->size()) != size)
    return fail(node, "expected " + Twine(size) + " elements in " +
                          quoted(found->values->name) + ", but got " +
                          Twine(values->size()));
  return vectorWeight(source.vector(found->values->name, std::move(*values)));
}

llvm::Expected<Value> GraphImporter::optionalVectorAt(const Node &node,
                                                      size_t index,
                                                      int64_t size) {
  return input(node, index) ? vectorAt(node, index, size)
                            : llvm::Expected<Value>(Value());
}

bool GraphImporter::isReadOnce(Value value) const {
  int64_t reads = 0, names = 0;
  for (const auto &entry : items) {
    const Rows *found = std::get_if<Rows>(&entry.second);
    if (!found || found->value != value)
      continue;
    ++names;
    reads += uses.lookup(entry.getKey());
  }
  return names == 1 && reads == 1 && value.use_empty();
}

Value GraphImporter::constant(int64_t rows, int64_t columns, float value) {
  return arith::ConstantOp::create(
      builder, DenseElementsAttr::get(rowsType(rows, columns), value));
}

//===- Borders ------------------------------------------------------------===//

Error GraphImporter::checkOperators() {
  std::map<std::string, int64_t> unknown;
  for (const Node &node : source.model().nodes)
    if (!findOperator(node))
      ++unknown[(node.domain.empty() ? "" : node.domain + ".") + node.type];
  if (unknown.empty())
    return Error::success();
  constexpr size_t kMostNamed = 16;
  std::vector<std::string> names;
  for (auto &[type, count] : unknown)
    if (names.size() < kMostNamed)
      names.push_back(quoted(type) +
                      (count > 1 ? " (" + std::to_string(count) + ")" : ""));
  return fileError(
      source.path(),
      "has operators that are not imported: " + llvm::join(names, ", ") +
          (unknown.size() > kMostNamed ? ", ..." : "") +
          "; imported are linear layers with norms and "
          "activations (docs/Formats.md): export that part of the "
          "model, or give a GGUF file or a Hugging Face folder");
}

/// Of its symbolic dimensions the last is the number of rows, others are 1.
llvm::Expected<std::vector<int64_t>>
GraphImporter::shapeOf(const Border &border) {
  auto refuse = [&](const Twine &message) {
    return fileError(source.path(),
                     "input " + quoted(border.name) + " " + message);
  };
  if (border.elementType != int64_t(ElementType::Float))
    return refuse("is no tensor of FLOAT: export the model with float inputs");
  if (!border.hasShape || border.shape.empty())
    return refuse("has no shape: export the model with the shapes of its "
                  "inputs (onnx.shape_inference)");
  std::vector<int64_t> shape = border.shape;
  bool given = false;
  uint64_t elements = 1;
  for (int64_t &size : llvm::reverse(shape)) {
    if (&size == &shape.back() && size < 0)
      return refuse("has a symbolic last dimension: export the model with a "
                    "fixed number of columns");
    if (size < 0) {
      size = given ? 1 : rows;
      given = true;
    }
    constexpr uint64_t kMost = uint64_t(1) << 31;
    elements = uint64_t(size) > kMost ? kMost + 1 : elements * uint64_t(size);
    if (elements == 0 || elements > kMost)
      return refuse("must have between 1 and 2^31 elements");
  }
  if (shape.size() == 1)
    shape.insert(shape.begin(), 1);
  return shape;
}

static int64_t rowsIn(const std::vector<int64_t> &shape) {
  int64_t count = 1;
  for (int64_t size : llvm::ArrayRef(shape).drop_back())
    count *= size;
  return count;
}

Error GraphImporter::declareInputs() {
  std::vector<std::pair<std::string, std::vector<int64_t>>> inputs;
  SmallVector<Type> types;
  for (const Border &border : source.model().inputs) {
    // Files of before 2019 list constants as inputs too.
    if (source.model().initializers.count(border.name))
      continue;
    auto shape = shapeOf(border);
    if (!shape)
      return shape.takeError();
    types.push_back(rowsType(rowsIn(*shape), shape->back()));
    inputs.emplace_back(border.name, std::move(*shape));
  }
  if (inputs.empty())
    return fileError(source.path(), "the graph has no input");
  function.setFunctionType(builder.getFunctionType(types, {}));
  Block *entry = function.addEntryBlock();
  for (auto [input, argument] : llvm::zip(inputs, entry->getArguments()))
    items[input.first] = Rows{argument, input.second, false};
  for (auto &entry : source.model().initializers)
    items[entry.getKey()] = Constant{entry.getValue()};
  builder.setInsertionPointToEnd(entry);
  return Error::success();
}

Error GraphImporter::returnOutputs() {
  SmallVector<Value> results;
  for (const Border &border : source.model().outputs) {
    auto found = items.find(border.name);
    const Rows *value =
        found == items.end() ? nullptr : std::get_if<Rows>(&found->second);
    if (!value)
      return fileError(source.path(),
                       "output " + quoted(border.name) +
                           " must be real activations that a node computes: "
                           "choose other outputs");
    if (!value->value.getDefiningOp() ||
        llvm::is_contained(results, value->value))
      return fileError(source.path(),
                       "output " + quoted(border.name) +
                           " is an input or another output: leave it out");
    results.push_back(value->value);
  }
  if (results.empty())
    return fileError(source.path(), "the graph has no output");
  func::ReturnOp::create(builder, results);
  // A flattened input has changed its type.
  Block &body = function.getBody().front();
  function.setFunctionType(builder.getFunctionType(
      body.getArgumentTypes(), ValueRange(results).getTypes()));
  return Error::success();
}

void GraphImporter::countUses() {
  for (const Node &node : source.model().nodes)
    for (const std::string &name : node.inputs)
      ++uses[name];
  for (const Border &border : source.model().outputs)
    ++uses[border.name];
}

Error GraphImporter::import(StringRef name) {
  if (Error error = checkOperators())
    return error;
  builder.setInsertionPointToEnd(module.getBody());
  function =
      func::FuncOp::create(builder, name, builder.getFunctionType({}, {}));
  countUses();
  if (Error error = declareInputs())
    return error;
  for (const Node &node : source.model().nodes) {
    for (const std::string &input : node.inputs)
      if (!input.empty() && !items.count(input))
        return fail(node, "its input " + quoted(input) +
                              " is not computed by a node before it: export "
                              "the model again");
    if (Error error = (this->*findOperator(node)->handler)(node))
      return error;
  }
  return returnOutputs();
}

} // namespace lowbit::onnx
