//===- Onnx.cpp - ONNX graphs to functions --------------------------------===//

#include "lowbit/Import/Onnx.h"

#include "Graph.h"

#include "dialects/LM/IR/LMOps.h"
#include "dialects/LowBit/IR/LowBitOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using llvm::Error;
using llvm::StringRef;
using llvm::Twine;
using namespace mlir;

namespace lowbit {

static llvm::Expected<OnnxImport> importModel(StringRef bytes, StringRef path,
                                              std::unique_ptr<MappedFile> file,
                                              MLIRContext *context,
                                              llvm::ArrayRef<int64_t> rows) {
  auto model = onnx::parseModel(bytes, path);
  if (!model)
    return model.takeError();
  context->loadDialect<LowBitDialect, lm::LMDialect, func::FuncDialect,
                       arith::ArithDialect>();
  auto source = std::make_unique<onnx::OnnxSource>(path, std::move(*model),
                                                   std::move(file));
  OnnxImport result;
  result.module = ModuleOp::create(UnknownLoc::get(context));
  for (int64_t count : rows) {
    std::string name = "forward";
    if (rows.size() > 1)
      name += ".rows" + std::to_string(count);
    onnx::GraphImporter graph(*source, count, *result.module);
    if (Error error = graph.import(name))
      return std::move(error);
  }
  result.source = std::move(source);
  return result;
}

llvm::Expected<OnnxImport> importOnnxBytes(StringRef bytes, StringRef path,
                                           MLIRContext *context,
                                           llvm::ArrayRef<int64_t> rows) {
  return importModel(bytes, path, nullptr, context, rows);
}

llvm::Expected<OnnxImport> importOnnx(StringRef path, MLIRContext *context,
                                      llvm::ArrayRef<int64_t> rows) {
  auto file = std::make_unique<MappedFile>();
  if (Error error = file->open(path, "an .onnx file"))
    return std::move(error);
  StringRef bytes = file->bytes();
  return importModel(bytes, path, std::move(file), context, rows);
}

} // namespace lowbit
