//===- LayerCode.cpp - A model's layers as compiled functions -------------===//

#include "LayerCode.h"

#include "dialects/LM/IR/LMOps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace lowbit {

static llvm::Error runtimeError() {
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 qrt_last_error());
}

static LayerSignature signatureOf(func::FuncOp function) {
  LayerSignature signature;
  function.walk([&](lm::WeightOp weight) {
    signature.weights.push_back(weight.getName().str());
  });
  for (Type type : function.getResultTypes())
    signature.widths.push_back(cast<ShapedType>(type).getDimSize(1));
  if (auto inputs = function->getAttrOfType<ArrayAttr>("lm.inputs"))
    for (Attribute names : inputs) {
      signature.inputs.emplace_back();
      for (Attribute name : cast<ArrayAttr>(names))
        signature.inputs.back().push_back(cast<StringAttr>(name).str());
    }
  return signature;
}

llvm::Expected<std::unique_ptr<LayerCode>>
LayerCode::compile(OwningOpRef<ModuleOp> functions, const ModelSource &source,
                   CompileOptions options, const std::string &path,
                   int threads) {
  std::unique_ptr<LayerCode> code(new LayerCode);
  for (auto function : functions->getOps<func::FuncOp>())
    code->signatures_[function.getName()] = signatureOf(function);
  const TargetInfo *host = hostTarget();
  if (!host)
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "this CPU has none of the known levels: "
                                   "calibrate on another machine");
  options.levels = {host}; // whatever the module will be for
  options.output = path;
  options.quiet = true;
  auto images = compileUnbound(std::move(functions), source, options);
  if (!images)
    return images.takeError();
  for (WeightImage &image : *images)
    code->images_[image.name] = std::move(image);
  qrt_load_options load = {};
  load.threads = threads;
  load.verify = "never"; // there are no weights to verify
  if (qrt_load(path.c_str(), &load, &code->model_) != QRT_OK)
    return runtimeError();
  return std::move(code);
}

LayerCode::~LayerCode() { qrt_unload(model_); }

void LayerCode::replaceRows(llvm::StringRef name,
                            std::function<void(int64_t, RowFields &)> readRow) {
  images_[name].readRow = std::move(readRow);
}

llvm::Error LayerCode::bind(llvm::StringRef function) {
  for (auto &entry : bound_)
    qrt_bind_weight(model_, entry.getKeyData(), nullptr, 0);
  bound_.clear();
  for (const std::string &name : signature(function).weights)
    if (llvm::Error error = bindWeight(name))
      return error;
  return llvm::Error::success();
}

llvm::Error LayerCode::bindAll() {
  for (auto &image : images_)
    if (llvm::Error error = bindWeight(image.getKey()))
      return error;
  return llvm::Error::success();
}

llvm::Error LayerCode::bindWeight(llvm::StringRef name) {
  const WeightImage &image = images_[name];
  std::string &bytes = bound_[name];
  bytes = packWeight(image);
  if (qrt_bind_weight(model_, image.name.c_str(), bytes.data(),
                      image.bytes()) != QRT_OK)
    return runtimeError();
  return llvm::Error::success();
}

llvm::Error LayerCode::call(llvm::StringRef function,
                            llvm::ArrayRef<void *> arguments) {
  int32_t index = qrt_function_find(model_, function.str().c_str());
  if (qrt_call(model_, index, arguments.data()) != QRT_OK)
    return runtimeError();
  return llvm::Error::success();
}

} // namespace lowbit
