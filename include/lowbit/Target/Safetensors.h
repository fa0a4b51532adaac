//===- Safetensors.h - Writes a safetensors file ----------------*- C++ -*-===//

#ifndef LOWBIT_TARGET_SAFETENSORS_H
#define LOWBIT_TARGET_SAFETENSORS_H

#include "lowbit/Target/Module.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <functional>
#include <string>
#include <vector>

namespace lowbit {

/// A tensor as the file will hold it: row-major, little-endian.
struct SafetensorsTensor {
  std::string name;
  llvm::StringRef type; ///< "F32", "U8", ...; lives forever
  std::vector<int64_t> shape;
  int64_t rowBytes = 0; ///< of a row, or of all of them where `rows` is 1
  int64_t rows = 1;
  /// All bytes, or null: rows are made by `writeRow`.
  const uint8_t *data = nullptr;
  std::function<void(int64_t row, uint8_t *bytes)> writeRow;

  uint64_t bytes() const { return uint64_t(rows) * uint64_t(rowBytes); }
};

/// Writes `path`, tensors in their order, a part of a tensor in memory at a
/// time. To a temporary file, synced and renamed; nothing is left behind on
/// failure.
llvm::Error writeSafetensors(llvm::ArrayRef<SafetensorsTensor> tensors,
                             llvm::StringRef path, Progress progress);

} // namespace lowbit

#endif // LOWBIT_TARGET_SAFETENSORS_H
