//===- SafetensorsFile.h - One safetensors file, taken apart ----*- C++ -*-===//
//
// The file's layout (huggingface/safetensors, README "Format"):
//
//   u64 length of the header, little-endian
//   header: a JSON object, padded with spaces:
//     {"NAME": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]},
//      ..., "__metadata__": {"format": "pt"}}
//   data section: the tensors' bytes, row-major and little-endian, in any
//     order, without gap or overlap; offsets count from here
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_IMPORT_HUGGINGFACE_SAFETENSORSFILE_H
#define LOWBIT_LIB_IMPORT_HUGGINGFACE_SAFETENSORSFILE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace lowbit::safetensors {

/// What a tensor's bytes are, under the format's own names.
struct ElementType {
  const char *name;
  int bits;
};

struct Tensor {
  std::string name;
  const ElementType *type = nullptr;
  std::vector<int64_t> shape;    ///< outermost first; empty for a scalar
  const uint8_t *data = nullptr; ///< of any alignment
  uint64_t bytes = 0;
};

struct File {
  std::vector<Tensor> tensors; ///< by name
  /// "__metadata__", where TorchAO says what its tensors mean.
  std::vector<std::pair<std::string, std::string>> metadata;
};

/// Checks every length, shape and offset against the bytes; what it returns can
/// be read without further checks. Errors are one line: path, what, where, what
/// to do.
llvm::Expected<File> parseFile(llvm::StringRef bytes, llvm::StringRef path);

/// A name from a file for a message: in quotes, one line, at most 120 bytes.
std::string quoted(llvm::StringRef name);

} // namespace lowbit::safetensors

#endif // LOWBIT_LIB_IMPORT_HUGGINGFACE_SAFETENSORSFILE_H
