//===- GGUF.h - Writes a GGUF file ------------------------------*- C++ -*-===//

#ifndef LOWBIT_TARGET_GGUF_H
#define LOWBIT_TARGET_GGUF_H

#include "lowbit/Support/BitFormat.h"
#include "lowbit/Target/Module.h"

#include "llvm/Support/Error.h"

#include <functional>
#include <string>
#include <vector>

namespace lowbit {

/// A tensor as the file will hold it.
struct GGUFTensor {
  std::string name;
  std::vector<int64_t> shape; ///< outermost first; 1 to 4 dimensions
  const BitFormat *format = nullptr;
  /// The whole tensor in `format`, or null: rows are made by `writeRow`.
  const uint8_t *data = nullptr;
  /// Writes format->rowBytes(columns()) bytes of a row; several threads call
  /// it.
  std::function<void(int64_t row, uint8_t *bytes)> writeRow;

  int64_t columns() const { return shape.back(); }
  int64_t rows() const; ///< product of all dimensions but the last
  uint64_t bytes() const;
};

struct GGUFImage {
  std::string metadata;    ///< u64 count and pairs, as in GGUF
  uint64_t alignment = 32; ///< what general.alignment says, or the default
  std::vector<GGUFTensor> tensors;
};

/// Writes `path` in version 3, tensors in their order, a part of a tensor in
/// memory at a time. To a temporary file, synced and renamed; nothing is left
/// behind on failure. A tensor whose rows are no whole blocks of its format is
/// an error that names it.
llvm::Error writeGGUF(const GGUFImage &image, llvm::StringRef path,
                      Progress progress);

} // namespace lowbit

#endif // LOWBIT_TARGET_GGUF_H
