//===- ModelSource.h - Named tensors and hyper-parameters -------*- C++ -*-===//
//
// What an importer knows about a model file, whatever its format: key-value
// pairs and named tensors that stay in the mapped file until somebody reads
// their rows.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_IMPORT_MODELSOURCE_H
#define LOWBIT_IMPORT_MODELSOURCE_H

#include "lowbit/Support/BitFormat.h"
#include "lowbit/Support/Quantizer.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <functional>
#include <memory>
#include <optional>

namespace lowbit {

/// How a layer's input is rounded before it meets the weight, where that is part
/// of the model: lowbit.fake_quant by `quantizer` in `scheme`.
struct InputRounding {
  Quantizer quantizer;
  Scheme scheme;
};

/// A tensor in a mapped file, row-major: the last dimension is contiguous.
struct SourceTensor {
  std::string name;
  std::vector<int64_t> shape; ///< outermost first (GGUF's dims reversed)
  const BitFormat *format = nullptr;
  const uint8_t *data = nullptr; ///< of any alignment; null if generated
  uint64_t bytes = 0;
  /// Of a matrix that was trained or quantized with rounded inputs; lives
  /// forever. Null: nobody says so.
  const InputRounding *inputs = nullptr;
  /// Makes a row of a tensor that is in no file; several threads call it.
  std::function<void(int64_t row, RowFields &fields)> generate;
  /// Element j of every row is column permutation[j], as docs/Numerics.md, N1,
  /// says; empty: column j.
  std::vector<int32_t> permutation;

  int64_t columns() const { return shape.empty() ? 1 : shape.back(); }
  int64_t rows() const; ///< product of all dimensions but the last
  const uint8_t *row(int64_t index) const {
    return data + index * format->rowBytes(columns());
  }
  /// Takes row `index` apart, whether mapped or generated; in stored order.
  void readRow(int64_t index, RowFields &fields) const;
  /// The numbers of row `index`, [columns()], in the order of the columns.
  void readReals(int64_t index, float *values) const;
};

struct FolderLayout;

class ModelSource {
public:
  virtual ~ModelSource();

  virtual llvm::ArrayRef<SourceTensor> tensors() const = 0;
  const SourceTensor *find(llvm::StringRef name) const;

  /// Key-value pairs, as GGUF names them. A value of another type is as good as
  /// none; `integers` and `reals` are for arrays, not for single values.
  virtual std::optional<llvm::StringRef> string(llvm::StringRef key) const = 0;
  virtual std::optional<int64_t> integer(llvm::StringRef key) const = 0;
  virtual std::optional<double> real(llvm::StringRef key) const = 0; ///< or int
  virtual std::optional<bool> boolean(llvm::StringRef key) const = 0;
  virtual std::vector<int64_t> integers(llvm::StringRef key) const = 0;
  virtual std::vector<double> reals(llvm::StringRef key) const = 0;
  virtual bool has(llvm::StringRef key) const = 0;
  /// Number of elements of an array, nullopt if it is none.
  virtual std::optional<uint64_t> arrayLength(llvm::StringRef key) const = 0;
  /// All pairs in GGUF v3's encoding behind a u64 count: goes into the module.
  virtual std::string metadataBytes() const = 0;

  virtual llvm::StringRef path() const = 0;

  /// What the file itself calls a tensor or key, for messages.
  virtual std::string nameInFile(llvm::StringRef name) const {
    return name.str();
  }
  /// Where its tensors are in a Hugging Face folder; null: it is none.
  virtual const FolderLayout *folder() const { return nullptr; }
  /// Whether a tensor has other values than the file: a recipe's.
  virtual bool isReplaced(llvm::StringRef name) const { return false; }
  /// What to do where a tensor or key is missing.
  virtual llvm::StringRef remedy() const { return "convert the model again"; }
};

/// `metadata` (as of ModelSource::metadataBytes) with the pair `key` as a u32:
/// in its old place, or at the end.
llvm::Expected<std::string> setPair(llvm::StringRef metadata,
                                    llvm::StringRef key, uint32_t value);

/// Opens a GGUF v3 file, or the first of a split one ("-00001-of-00003").
/// Every count, offset and dimension is checked against the file.
llvm::Expected<std::unique_ptr<ModelSource>> openGGUF(llvm::StringRef path);
/// The same for the bytes of an unsplit file, which must outlive the source;
/// `path` is for messages.
llvm::Expected<std::unique_ptr<ModelSource>> readGGUF(llvm::StringRef bytes,
                                                      llvm::StringRef path);

/// Opens a folder as Hugging Face's transformers saves models: config.json,
/// model.safetensors or its shards, and a tokenizer if it has one. Pairs and
/// tensors have GGUF's names; the bits of weights are those of the files.
llvm::Expected<std::unique_ptr<ModelSource>>
openHuggingFace(llvm::StringRef folder);

/// A folder or a GGUF file.
llvm::Expected<std::unique_ptr<ModelSource>> openModel(llvm::StringRef path);

} // namespace lowbit

#endif // LOWBIT_IMPORT_MODELSOURCE_H
