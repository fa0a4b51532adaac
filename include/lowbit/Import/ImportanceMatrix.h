//===- ImportanceMatrix.h - llama.cpp's imatrix files -----------*- C++ -*-===//
//
// What a calibration has seen of the inputs of each matrix: the mean square of
// each input says how much an error of the weights that it meets will cost.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_IMPORT_IMPORTANCEMATRIX_H
#define LOWBIT_IMPORT_IMPORTANCEMATRIX_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace lowbit {

struct ImportanceEntry {
  std::string name;          ///< of the tensor: "blk.0.attn_q.weight"
  std::vector<float> sums;   ///< [matrices][columns]: sum of x^2 of each input
  std::vector<float> counts; ///< [matrices]: rows of inputs in the sums

  int64_t matrices() const { return int64_t(counts.size()); }
  int64_t columns() const {
    return counts.empty() ? 0 : int64_t(sums.size() / counts.size());
  }
  /// Mean of x^2 of each input of a matrix; all 1 if it has met no row (an
  /// expert that was never chosen).
  std::vector<float> meanSquares(int64_t matrix = 0) const;
};

struct ImportanceMatrix {
  std::vector<ImportanceEntry> entries; ///< ascending by name
  std::vector<std::string> datasets;    ///< files that calibrated
  uint32_t chunks = 0;                  ///< of text
  uint32_t chunkSize = 0; ///< tokens of a chunk; 0: the file does not say

  const ImportanceEntry *find(llvm::StringRef name) const;
};

/// The layout of a file: GGUF with general.type "imatrix" (since 2025), or the
/// older binary one ("imatrix.dat"), which has means only, one matrix for a
/// tensor, and counts of chunks in place of rows.
enum class ImportanceLayout { GGUF, Legacy };

/// Reads both layouts. Every length is checked against the file, every sum must
/// be finite and not negative; errors are one line.
llvm::Expected<ImportanceMatrix> openImportance(llvm::StringRef path);
/// The same for a file's bytes; `path` is for messages.
llvm::Expected<ImportanceMatrix> readImportance(llvm::StringRef bytes,
                                                llvm::StringRef path);

/// The bytes of a file, as llama-imatrix writes them.
std::string importanceBytes(const ImportanceMatrix &matrix,
                            ImportanceLayout layout);
/// Writes a file that is there whole or not at all.
llvm::Error writeImportance(const ImportanceMatrix &matrix,
                            ImportanceLayout layout, llvm::StringRef path);

} // namespace lowbit

#endif // LOWBIT_IMPORT_IMPORTANCEMATRIX_H
