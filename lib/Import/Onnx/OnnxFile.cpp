//===- OnnxFile.cpp - An ONNX model, taken apart --------------------------===//

#include "OnnxFile.h"

#include "TensorReader.h"
#include "Wire.h"

using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

namespace lowbit::onnx {

namespace {

class Parser {
public:
  Parser(StringRef bytes, StringRef path)
      : bytes(bytes), path(path), model(std::make_unique<Model>()),
        tensors(path, *model) {}

  llvm::Expected<std::unique_ptr<Model>> run();

private:
  Error parseGraph(StringRef graph);
  Error parseNode(StringRef message);
  Error parseAttribute(StringRef message, Node &node);
  Error parseInitializer(StringRef message);
  Error parseBorder(StringRef message, std::vector<Border> &list);
  Error parseTensorType(StringRef message, Border &border);
  Error parseShape(StringRef message, Border &border);
  Error refuse(const Twine &message) const { return fileError(path, message); }

  StringRef bytes, path;
  std::unique_ptr<Model> model;
  TensorReader tensors;
};

} // namespace

//===- Types of inputs and outputs ----------------------------------------===//

Error Parser::parseShape(StringRef message, Border &border) {
  border.hasShape = true;
  return forEachField(message, [&](const Field &field) -> Error {
    if (field.number != 1 || field.type != Field::Bytes)
      return Error::success();
    border.shape.push_back(-1);
    return forEachField(field.bytes, [&](const Field &dimension) -> Error {
      constexpr uint64_t kLargest = uint64_t(1) << 40;
      if (dimension.number != 1 || dimension.type != Field::Varint)
        return Error::success();
      if (dimension.value > kLargest)
        return refuse("the shape of " + quoted(border.name) +
                      " has a dimension of " + Twine(dimension.value) +
                      ": export the model again");
      border.shape.back() = int64_t(dimension.value);
      return Error::success();
    });
  });
}

Error Parser::parseTensorType(StringRef message, Border &border) {
  return forEachField(message, [&](const Field &field) -> Error {
    if (field.number == 1 && field.type == Field::Varint)
      border.elementType = int64_t(field.value);
    if (field.number == 2 && field.type == Field::Bytes)
      return parseShape(field.bytes, border);
    return Error::success();
  });
}

Error Parser::parseBorder(StringRef message, std::vector<Border> &list) {
  Border border;
  StringRef type;
  Error error = forEachField(message, [&](const Field &field) -> Error {
    if (field.number == 1)
      border.name = field.bytes.str();
    if (field.number == 2)
      type = field.bytes;
    return Error::success();
  });
  if (error)
    return error;
  error = forEachField(type, [&](const Field &field) -> Error {
    if (field.number == 1 && field.type == Field::Bytes)
      return parseTensorType(field.bytes, border);
    return Error::success();
  });
  list.push_back(std::move(border));
  return error;
}

//===- Nodes --------------------------------------------------------------===//

Error Parser::parseAttribute(StringRef message, Node &node) {
  Attribute attribute;
  std::string name;
  Error error = forEachField(message, [&](const Field &field) -> Error {
    switch (field.number) {
    case 1:
      name = field.bytes.str();
      return Error::success();
    case 2:
      attribute.real = field.asFloat();
      return Error::success();
    case 3:
      attribute.integer = int64_t(field.value);
      return Error::success();
    case 4:
      attribute.text = field.bytes.str();
      return Error::success();
    case 5: {
      auto tensor = tensors.read(field.bytes, "of node " + quoted(node.name));
      if (!tensor)
        return tensor.takeError();
      attribute.tensor = *tensor;
      return Error::success();
    }
    case 7:
      return appendFloats(field, attribute.reals);
    case 8:
      return appendIntegers(field, attribute.integers);
    default:
      return Error::success();
    }
  });
  node.attributes[name] = std::move(attribute);
  return error;
}

Error Parser::parseNode(StringRef message) {
  Node &node = model->nodes.emplace_back();
  std::vector<StringRef> attributes;
  Error error = forEachField(message, [&](const Field &field) -> Error {
    std::string text = field.bytes.str();
    switch (field.number) {
    case 1:
      node.inputs.push_back(std::move(text));
      break;
    case 2:
      node.outputs.push_back(std::move(text));
      break;
    case 3:
      node.name = std::move(text);
      break;
    case 4:
      node.type = std::move(text);
      break;
    case 5:
      attributes.push_back(field.bytes);
      break;
    case 7:
      node.domain = text == "ai.onnx" ? "" : std::move(text);
      break;
    }
    return Error::success();
  });
  if (node.name.empty() && !node.outputs.empty())
    node.name = node.outputs.front();
  for (StringRef attribute : attributes) {
    if (error)
      break;
    error = parseAttribute(attribute, node);
  }
  // Values have one name each; what a tensor inside a node is called may be
  // anything.
  Tensor *value = node.attributes.lookup("value").tensor;
  if (node.type == "Constant" && value && !node.outputs.empty())
    value->name = node.outputs.front();
  return error;
}

//===- The graph ----------------------------------------------------------===//

Error Parser::parseInitializer(StringRef message) {
  auto tensor = tensors.read(message, "");
  if (!tensor)
    return tensor.takeError();
  if (!model->initializers.try_emplace((*tensor)->name, *tensor).second)
    return refuse("two initializers are called " + quoted((*tensor)->name) +
                  ": export the model again");
  return Error::success();
}

Error Parser::parseGraph(StringRef graph) {
  return forEachField(graph, [&](const Field &field) -> Error {
    if (field.type != Field::Bytes)
      return Error::success();
    switch (field.number) {
    case 1:
      return parseNode(field.bytes);
    case 5:
      return parseInitializer(field.bytes);
    case 11:
      return parseBorder(field.bytes, model->inputs);
    case 12:
      return parseBorder(field.bytes, model->outputs);
    case 15:
      return refuse("the graph has sparse initializers, which are not read: "
                    "export it with dense ones");
    default:
      return Error::success();
    }
  });
}

llvm::Expected<std::unique_ptr<Model>> Parser::run() {
  if (bytes.empty())
    return refuse("the file is empty: export the model again");
  StringRef graph;
  bool found = false;
  Error error = forEachField(bytes, [&](const Field &field) -> Error {
    if (field.number == 7 && field.type == Field::Bytes) {
      graph = field.bytes;
      found = true;
    }
    if (field.number == 25)
      return refuse("the model has functions of its own, which are not read: "
                    "inline them (onnx.inliner.inline_local_functions)");
    return Error::success();
  });
  if (!error && !found)
    return refuse("is no ONNX model, it has no graph: expected a ModelProto");
  if (!error)
    error = parseGraph(graph);
  if (!error)
    return std::move(model);
  // The wire's own errors have no file name.
  std::string message = llvm::toString(std::move(error));
  if (StringRef(message).starts_with(path))
    return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
  return refuse(message + ": the file is truncated, damaged or no ONNX model; "
                          "export it again");
}

llvm::Expected<std::unique_ptr<Model>> parseModel(StringRef bytes,
                                                  StringRef path) {
  return Parser(bytes, path).run();
}

} // namespace lowbit::onnx
