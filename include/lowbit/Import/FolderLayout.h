//===- FolderLayout.h - What a model source is in its folder ----*- C++ -*-===//

#ifndef LOWBIT_IMPORT_FOLDERLAYOUT_H
#define LOWBIT_IMPORT_FOLDERLAYOUT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace lowbit {

/// The tensors of a Hugging Face folder as they are stored, and where those of
/// the model source (GGUF's names and order of rows) are among them: what an
/// exporter needs to write a folder again. Points into the source.
struct FolderLayout {
  struct Stored {
    llvm::StringRef name, type; ///< type in safetensors' words
    llvm::ArrayRef<int64_t> shape;
    const uint8_t *data = nullptr;
    uint64_t bytes = 0;
  };
  struct Place {
    std::string name;     ///< of the tensor in the folder
    bool whole = true;    ///< false: some rows of a fused tensor
    int64_t headDim = 0;  ///< rows of heads of so many are in another order
    bool lessOne = false; ///< the folder holds the values minus 1

    /// The source's row that is row `row` of the folder's tensor.
    int64_t rowOf(int64_t row) const {
      if (!headDim)
        return row;
      int64_t half = headDim / 2, inside = row % headDim;
      return row - inside + inside % half * 2 + inside / half;
    }
  };
  std::vector<Stored> stored;
  llvm::StringMap<Place> places; ///< by the source's name
};

} // namespace lowbit

#endif // LOWBIT_IMPORT_FOLDERLAYOUT_H
