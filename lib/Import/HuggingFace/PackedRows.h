//===- PackedRows.h - Quantized matrices of a checkpoint --------*- C++ -*-===//
//
// A matrix whose codes, scales and zero points are tensors of their own, as
// something that gives a row's codes and fields: what the readers of
// compressed-tensors, GPTQ and AWQ have in common.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_IMPORT_HUGGINGFACE_PACKEDROWS_H
#define LOWBIT_LIB_IMPORT_HUGGINGFACE_PACKEDROWS_H

#include "Checkpoint.h"

#include "lowbit/Import/ModelSource.h"

#include "llvm/ADT/StringSet.h"

#include <list>

namespace lowbit::huggingface {

/// Codes of 1 to 8 bits in little-endian words of 32 bits, the first in the low
/// bits.
struct PackedCodes {
  const uint8_t *words = nullptr;
  int64_t stride = 4;   ///< bytes from a word to the next
  unsigned bits = 8;    ///< of a code
  unsigned perWord = 0; ///< codes; 0: no gaps, a code may cross into the next

  /// Words that `count` codes take.
  static int64_t wordsFor(int64_t count, unsigned bits, unsigned perWord);
  uint32_t at(int64_t index) const;
};

struct PackedRows {
  int64_t rows = 0, columns = 0;
  /// Columns that share a scale; kRow: all of a row, kTensor: all of all rows.
  int64_t group = Level::kRow;
  unsigned bits = 8;
  /// What codes stand for, 2^bits numbers; null: integers.
  const std::vector<float> *codebook = nullptr;
  /// Gives [columns] codes of a row, in the file's order; of integers zero is
  /// 2^(bits - 1) where there are no zero points.
  std::function<void(int64_t row, uint8_t *codes)> codes;
  /// Gives a row's zero points, one for each group; null if there are none.
  std::function<void(int64_t row, uint32_t *zeros)> zeros;
  const safetensors::Tensor *scales = nullptr;
  int64_t scaleRows = 1;                            ///< that share one
  int64_t scaleRowStride = 0, scaleGroupStride = 0; ///< in elements
  std::optional<float> outerScale; ///< factor of the whole tensor, f32
  /// Groups count columns in this order (SourceTensor::permutation); empty: in
  /// the file's.
  std::vector<int32_t> order;

  int64_t groups() const;
  /// Element of `scales` for a group of a row.
  int64_t scaleIndex(int64_t row, int64_t group) const;
};

/// Tensors of one checkpoint, with every shape and type checked.
class TensorReader {
public:
  TensorReader(const Checkpoint &checkpoint, llvm::StringRef folder,
               llvm::StringSet<> &used)
      : checkpoint(checkpoint), folder(folder), used(used) {}

  const safetensors::Tensor *findAny(const llvm::Twine &name) const {
    return checkpoint.find(name.str());
  }
  /// What a file's metadata say under `name`, or null.
  const std::string *metadata(const llvm::Twine &name) const {
    return checkpoint.metadata(name.str());
  }
  /// The tensor, which must be there and of a type; counts as used.
  llvm::Expected<const safetensors::Tensor *>
  take(const llvm::Twine &name, llvm::ArrayRef<llvm::StringRef> types);
  /// The same, of a known shape.
  llvm::Expected<const safetensors::Tensor *>
  take(const llvm::Twine &name, llvm::ArrayRef<llvm::StringRef> types,
       llvm::ArrayRef<int64_t> shape);
  /// Of types that scales have, all finite; dimensions of 1 at the end may
  /// lack.
  llvm::Expected<const safetensors::Tensor *>
  takeScales(const llvm::Twine &name, llvm::ArrayRef<int64_t> shape,
             llvm::ArrayRef<llvm::StringRef> types = {"F32", "F16", "BF16"});
  /// Counts as used, if it is there: nothing here depends on it.
  void ignore(const llvm::Twine &name);

  llvm::Error fail(const llvm::Twine &name, const llvm::Twine &message) const;

private:
  llvm::Error failShape(const safetensors::Tensor &tensor,
                        llvm::ArrayRef<int64_t> shape) const;

  const Checkpoint &checkpoint;
  llvm::StringRef folder;
  llvm::StringSet<> &used;
};

/// Formats that no table has; a tensor points to one.
using FormatList = std::list<BitFormat>;

/// The format of a scheme, added where the list does not have it yet.
const BitFormat *formatOf(const Scheme &scheme, const char *name,
                          FormatList &formats);

/// Integers of a byte each must be ones of `bits` bits.
llvm::Error checkRange(TensorReader &reader, const safetensors::Tensor &tensor,
                       unsigned bits);

/// F32, F16 or BF16, as the tensor's elements are; and one of them.
FieldType scaleType(const safetensors::Tensor &scales);
uint32_t scaleBits(const safetensors::Tensor &scales, int64_t index);

/// Makes `tensor`, but for its name, of a matrix. `format` is a word for
/// reports and lives forever.
void describeRows(const PackedRows &rows, const char *format,
                  FormatList &formats, SourceTensor &tensor);

} // namespace lowbit::huggingface

#endif // LOWBIT_LIB_IMPORT_HUGGINGFACE_PACKEDROWS_H
