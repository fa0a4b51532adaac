//===- TensorReader.h - Constants of a model --------------------*- C++ -*-===//

#ifndef LOWBIT_LIB_IMPORT_ONNX_TENSORREADER_H
#define LOWBIT_LIB_IMPORT_ONNX_TENSORREADER_H

#include "OnnxFile.h"

namespace lowbit::onnx {

/// Reads TensorProtos into a model; what lies in other files is mapped.
class TensorReader {
public:
  TensorReader(llvm::StringRef path, Model &model) : path(path), model(model) {}

  /// `where` is for messages about a tensor without a name.
  llvm::Expected<Tensor *> read(llvm::StringRef message,
                                const llvm::Twine &where);

private:
  struct Fields;
  llvm::Error collect(llvm::StringRef message, Fields &fields);
  llvm::Error checkShape(const Fields &fields);
  llvm::Error findBytes(Fields &fields);
  llvm::Error readExternal(const Fields &fields);
  llvm::Error fail(const llvm::Twine &message) const;

  llvm::StringRef path;
  Model &model;
  Tensor *tensor = nullptr; ///< the one that is read
  std::string what;         ///< it is called in messages
  uint64_t size = 0;        ///< its bytes
};

} // namespace lowbit::onnx

#endif // LOWBIT_LIB_IMPORT_ONNX_TENSORREADER_H
