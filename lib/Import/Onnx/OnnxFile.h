//===- OnnxFile.h - An ONNX model, taken apart ------------------*- C++ -*-===//
//
// onnx.proto's ModelProto: a graph of nodes over named values, and constant
// tensors. What a graph means is the importer's business; here every dimension
// is checked against the bytes that it stands for.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_IMPORT_ONNX_ONNXFILE_H
#define LOWBIT_LIB_IMPORT_ONNX_ONNXFILE_H

#include "lib/Import/MappedFile.h"

#include "llvm/ADT/StringMap.h"

#include <list>
#include <memory>
#include <optional>

namespace lowbit::onnx {

/// TensorProto.DataType.
enum class ElementType : int32_t {
  Float = 1,
  UInt8 = 2,
  Int8 = 3,
  UInt16 = 4,
  Int16 = 5,
  Int32 = 6,
  Int64 = 7,
  Bool = 9,
  Float16 = 10,
  Double = 11,
  UInt32 = 12,
  UInt64 = 13,
  BFloat16 = 16,
  UInt4 = 21,
  Int4 = 22,
  UInt2 = 25,
  Int2 = 26
};

struct ElementInfo {
  ElementType type;
  const char *name; ///< onnx's own word
  unsigned bits;    ///< of an element; less than 8 are packed, low bits first
  bool isFloat, isSigned;
};
/// nullptr for a type that is not read.
const ElementInfo *elementInfo(int64_t dataType);

/// A constant: an initializer, or the value of a Constant node.
struct Tensor {
  std::string name;
  const ElementInfo *type = nullptr;
  std::vector<int64_t> shape; ///< outermost first; row-major
  llvm::StringRef bytes;      ///< in the file, beside it, or `own`
  std::string own;            ///< bytes of a tensor that is a list of numbers

  int64_t elements() const;
  /// An element of an integer type, sign extended.
  int64_t integer(int64_t index) const;
  /// An element of any type, rounded to f32.
  float real(int64_t index) const;
  std::vector<float> reals() const;
};

struct Attribute {
  std::optional<int64_t> integer;
  std::optional<float> real;
  std::optional<std::string> text;
  std::vector<int64_t> integers;
  std::vector<float> reals;
  Tensor *tensor = nullptr;
};

struct Node {
  std::string name, type, domain;           ///< domain: "" is ONNX's own
  std::vector<std::string> inputs, outputs; ///< "": an optional one left out
  llvm::StringMap<Attribute> attributes;
};

/// A graph's input or output.
struct Border {
  std::string name;
  std::optional<int64_t> elementType;
  bool hasShape = false;
  std::vector<int64_t> shape; ///< -1: symbolic or unknown
};

struct Model {
  std::vector<Node> nodes; ///< producers before users
  std::vector<Border> inputs, outputs;
  llvm::StringMap<const Tensor *> initializers;
  std::list<Tensor> tensors;               ///< all constants
  std::list<MappedFile> files;             ///< external data
  llvm::StringMap<llvm::StringRef> mapped; ///< name of a file: its bytes
};

/// Takes `bytes` apart, which must outlive the model; `path` is for messages
/// and says in which folder files with external data are. Errors are one line.
llvm::Expected<std::unique_ptr<Model>> parseModel(llvm::StringRef bytes,
                                                  llvm::StringRef path);

/// A name from a file for a message: printable and not long.
std::string quoted(llvm::StringRef name);

} // namespace lowbit::onnx

#endif // LOWBIT_LIB_IMPORT_ONNX_ONNXFILE_H
