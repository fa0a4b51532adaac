//===- RandomLayers.cpp - Single linear layers ----------------------------===//

#include "RandomSource.h"

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LowBit/IR/LowBitDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace lowbit {

static constexpr int64_t kLargestSize = int64_t(1) << 28;
/// A function each: more would make code, not memory traffic.
static constexpr uint64_t kMostCopies = 1024;

llvm::Expected<LayerShape> parseLayerShape(StringRef text) {
  auto [inputs, outputs] = text.split('x');
  LayerShape shape;
  if (inputs.getAsInteger(10, shape.inputs) ||
      outputs.getAsInteger(10, shape.outputs) || shape.inputs < 1 ||
      shape.outputs < 1 || shape.inputs > kLargestSize ||
      shape.outputs > kLargestSize)
    return llvm::createStringError(
        llvm::inconvertibleErrorCode(),
        "expected INPUTSxOUTPUTS such as 2048x8192, but got '" + text + "'");
  return shape;
}

static std::string copyName(uint64_t copy) {
  return "layer." + std::to_string(copy);
}

std::unique_ptr<ModelSource> openRandomLayers(const LayerShape &shape,
                                              const WeightFormat &format) {
  auto source = std::make_unique<RandomSource>(
      "linear " + std::to_string(shape.inputs) + "x" +
          std::to_string(shape.outputs),
      format);
  source->set("general.name", source->path().str());
  source->addMatrix(copyName(0), shape.outputs, shape.inputs);
  uint64_t bytes = std::max<uint64_t>(source->tensors()[0].bytes, 1);
  uint64_t copies = std::min((shape.fill + bytes - 1) / bytes, kMostCopies);
  for (uint64_t copy = 1; copy < copies; ++copy)
    source->addMatrix(copyName(copy), shape.outputs, shape.inputs);
  return source;
}

OwningOpRef<ModuleOp> buildLayers(const LayerShape &shape,
                                  const ModelSource &source,
                                  MLIRContext *context) {
  context->loadDialect<func::FuncDialect, LowBitDialect, lm::LMDialect>();
  ImplicitLocOpBuilder b(UnknownLoc::get(context), context);
  OwningOpRef<ModuleOp> module = ModuleOp::create(b.getLoc());
  for (int64_t rows : shape.rows)
    for (auto [copy, tensor] : llvm::enumerate(source.tensors())) {
      auto type = [&](int64_t columns) {
        return RankedTensorType::get({rows, columns}, b.getF32Type());
      };
      Type weightType = TensorType::get(
          context, {shape.outputs, shape.inputs},
          SchemeAttr::get(context, tensor.format->scheme));
      b.setInsertionPointToEnd(module->getBody());
      auto function = func::FuncOp::create(
          b, "rows" + std::to_string(rows) + ".copy" + std::to_string(copy),
          b.getFunctionType({type(shape.inputs)}, {type(shape.outputs)}));
      b.setInsertionPointToStart(function.addEntryBlock());
      Value weight = lm::WeightOp::create(b, weightType,
                                          b.getStringAttr(tensor.name));
      Value result =
          lm::LinearOp::create(b, type(shape.outputs),
                               function.getArgument(0), weight, Value());
      func::ReturnOp::create(b, result);
    }
  return module;
}

} // namespace lowbit
