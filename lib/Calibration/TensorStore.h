//===- TensorStore.h - Quantized tensors in a work folder -------*- C++ -*-===//
//
// What calibration has finished, one file for a tensor, so that memory holds no
// more than a layer and a run that was stopped goes on where it was.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CALIBRATION_TENSORSTORE_H
#define LOWBIT_LIB_CALIBRATION_TENSORSTORE_H

#include "lowbit/Support/Scheme.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>

namespace lowbit {

/// Rows of one tensor in a mapped file, each of the same size.
class StoredTensor {
public:
  StoredTensor(Scheme scheme, int64_t columns,
               std::unique_ptr<llvm::MemoryBuffer> file)
      : scheme_(std::move(scheme)), columns_(columns), file_(std::move(file)) {}

  /// `fields` is sized here.
  void readRow(int64_t row, RowFields &fields) const;

private:
  Scheme scheme_;
  int64_t columns_;
  std::unique_ptr<llvm::MemoryBuffer> file_;
};

class TensorStore {
public:
  explicit TensorStore(std::string folder) : folder_(std::move(folder)) {}

  /// Whole, or as it was before.
  llvm::Error write(llvm::StringRef name, const Scheme &scheme, int64_t columns,
                    llvm::ArrayRef<RowFields> rows) const;
  /// Fails where the file is missing or of another size.
  llvm::Expected<std::shared_ptr<StoredTensor>> open(llvm::StringRef name,
                                                     const Scheme &scheme,
                                                     int64_t rows,
                                                     int64_t columns) const;

private:
  std::string pathOf(llvm::StringRef name) const;

  std::string folder_;
};

} // namespace lowbit

#endif // LOWBIT_LIB_CALIBRATION_TENSORSTORE_H
