//===- Importance.h - Importance matrices of a model ------------*- C++ -*-===//
//
// llama.cpp's imatrix files: mean squares of what each matrix is multiplied
// with, taken from one in place of a text, or written behind a calibration.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CALIBRATION_IMPORTANCE_H
#define LOWBIT_LIB_CALIBRATION_IMPORTANCE_H

#include "TensorStore.h"

#include "lowbit/Calibration/Calibrate.h"
#include "lowbit/Import/ImportanceMatrix.h"
#include "lowbit/Quantize/Calibration.h"

namespace lowbit {

/// A matrix and the columns of its input.
struct MatrixInput {
  std::string name;
  int64_t columns = 0;
};

/// Weights of columns, by the names of matrices.
class ColumnWeights {
public:
  /// Those of the recipe's file, none if it names none. An error where a matrix
  /// of a layer that `plan` searches has no entry, or one of other columns.
  static llvm::Expected<std::shared_ptr<ColumnWeights>>
  open(const Recipe &recipe, llvm::ArrayRef<TensorPlan> plan);

  /// [columns], or null: all alike.
  const float *of(llvm::StringRef name) const;

private:
  llvm::StringMap<std::vector<float>> weights_;
};

/// What a calibration has seen, kept in its work folder.
class ImportanceRecord {
public:
  explicit ImportanceRecord(const TensorStore &store) : store_(store) {}

  llvm::Error add(llvm::StringRef matrix, const ColumnStats &stats) const;
  /// An imatrix file of what was added for `inputs`, of `sequences` pieces of
  /// the text.
  llvm::Error write(llvm::ArrayRef<MatrixInput> inputs,
                    const CalibrationText &text, int64_t sequences,
                    llvm::StringRef path) const;

private:
  const TensorStore &store_;
};

} // namespace lowbit

#endif // LOWBIT_LIB_CALIBRATION_IMPORTANCE_H
