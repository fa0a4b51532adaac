//===- onnx_fuzz.cpp - The ONNX importer on any bytes ---------------------===//
//
// Of what the reader accepts every constant is read, and the graph is imported;
// of what that accepts every row of every weight. A crash, a leak or a read
// outside the file is a bug; so is an error of more than one line.
//
//===----------------------------------------------------------------------===//

#include "lib/Import/Onnx/OnnxFile.h"
#include "lowbit/Import/Onnx.h"

#include "mlir/IR/MLIRContext.h"

#include <cstdio>
#include <cstdlib>

using namespace lowbit;

static void checkLine(llvm::Error error) {
  if (llvm::toString(std::move(error)).find('\n') == std::string::npos)
    return;
  fputs("an error of more than one line\n", stderr);
  abort();
}

static void readElements(const onnx::Model &model) {
  float sum = 0;
  for (const onnx::Tensor &tensor : model.tensors)
    for (int64_t i = 0; i < tensor.elements(); ++i)
      sum += tensor.real(i);
  volatile float used = sum;
  (void)used;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef bytes(reinterpret_cast<const char *>(data), size);
  auto model = onnx::parseModel(bytes, "fuzz.onnx");
  if (!model) {
    checkLine(model.takeError());
    return 0;
  }
  readElements(**model);
  static mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  auto imported = importOnnxBytes(bytes, "fuzz.onnx", &context, {2});
  if (!imported) {
    checkLine(imported.takeError());
    return 0;
  }
  RowFields fields;
  for (const SourceTensor &tensor : imported->source->tensors())
    for (int64_t row = 0; row < tensor.rows(); ++row)
      tensor.readRow(row, fields);
  return 0;
}
