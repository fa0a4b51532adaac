//===- OnnxSource.h - Weights of an ONNX model ------------------*- C++ -*-===//

#ifndef LOWBIT_LIB_IMPORT_ONNX_ONNXSOURCE_H
#define LOWBIT_LIB_IMPORT_ONNX_ONNXSOURCE_H

#include "OnnxFile.h"

#include "lib/Import/KeyValueSource.h"

namespace lowbit::onnx {

/// A constant of two dimensions that a node multiplies by: reals, or codes with
/// scales and zero points as DequantizeLinear has them.
struct Constant {
  const Tensor *values = nullptr;
  const Tensor *scales = nullptr; ///< null: `values` are the numbers
  const Tensor *zeros = nullptr;  ///< null: 0
  int64_t axis = 1;               ///< of `values`, along which scales differ
  int64_t block = 0;       ///< elements along the axis that share one; 0: one
  bool transposed = false; ///< [N, K] by its two last dimensions reversed
};

/// Codes of MatMulNBits: [N, blocks, bytes].
struct BlockedConstant {
  const Tensor *codes = nullptr, *scales = nullptr;
  const Tensor *zeros = nullptr; ///< packed codes or reals; null: the middle
  int64_t rows = 0, columns = 0, block = 0;
  unsigned bits = 4;
};

/// A matrix as rows of outputs: what every kind of constant becomes.
struct CodeMatrix {
  int64_t rows = 0, columns = 0;
  int64_t group = Level::kRow;
  unsigned bits = 8;
  bool isSigned = false;
  std::function<void(int64_t row, uint8_t *codes)> codes;
  const Tensor *scales = nullptr;
  /// Place of a group's scale (and of a real zero point).
  std::function<int64_t(int64_t row, int64_t group)> scaleAt;
  const Tensor *realZeros = nullptr;
  std::function<int64_t(int64_t row, int64_t group)> zero; ///< null: none

  int64_t groups() const {
    return group == Level::kRow ? 1 : (columns + group - 1) / group;
  }
};

/// What a layer has to know of a tensor. (Places in the list of tensors change
/// as it grows.)
struct Weight {
  std::string name;
  int64_t rows, columns;
  Scheme scheme;
};

/// The tensors that the functions name, made as nodes ask for them.
class OnnxSource : public KeyValueSource {
public:
  OnnxSource(llvm::StringRef path, std::unique_ptr<Model> model,
             std::unique_ptr<MappedFile> file)
      : KeyValueSource(path), model_(std::move(model)), file(std::move(file)) {}

  const Model &model() const { return *model_; }
  llvm::StringRef remedy() const override { return "export the model again"; }

  /// A matrix [N, K] of layers `x -> x W^T`; W is `constant` transposed unless
  /// it is transposed already. The names are those of its tensors.
  llvm::Expected<Weight> matrix(const Constant &constant);
  llvm::Expected<Weight> matrix(const BlockedConstant &constant);
  /// A vector of f32.
  Weight vector(llvm::StringRef base, std::vector<float> values);

private:
  llvm::Expected<Weight> floatMatrix(const Constant &constant,
                                     llvm::StringRef name);
  std::string nameFor(llvm::StringRef base, const std::string &meaning);
  Weight add(SourceTensor tensor);
  Weight add(const CodeMatrix &matrix, llvm::StringRef name,
             const char *format);
  const BitFormat *formatOf(const Scheme &scheme, const char *name);
  llvm::Error checkScales(const Tensor &scales) const;

  std::unique_ptr<Model> model_;
  std::unique_ptr<MappedFile> file;
  llvm::StringMap<std::string> meanings; ///< of the names given
  std::list<BitFormat> formats;          ///< that no table has
};

} // namespace lowbit::onnx

#endif // LOWBIT_LIB_IMPORT_ONNX_ONNXSOURCE_H
