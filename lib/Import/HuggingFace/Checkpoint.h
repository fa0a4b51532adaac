//===- Checkpoint.h - The weights of a folder -------------------*- C++ -*-===//

#ifndef LOWBIT_LIB_IMPORT_HUGGINGFACE_CHECKPOINT_H
#define LOWBIT_LIB_IMPORT_HUGGINGFACE_CHECKPOINT_H

#include "SafetensorsFile.h"
#include "lib/Import/MappedFile.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"

namespace lowbit::huggingface {

/// The tensors of model.safetensors, or of the shards that
/// model.safetensors.index.json names, under the checkpoint's own names.
class Checkpoint {
public:
  /// Pickles (.bin, .pt, .pth) are programs and are never loaded: where there
  /// is nothing else, the error says how to convert them.
  static llvm::Expected<Checkpoint> open(llvm::StringRef folder);

  llvm::ArrayRef<safetensors::Tensor> tensors() const { return all; }
  const safetensors::Tensor *find(llvm::StringRef name) const;
  /// The text under `name` in the metadata of any file, or null.
  const std::string *metadata(llvm::StringRef name) const;

private:
  llvm::Error openFile(const std::string &path);
  llvm::Error openShards(llvm::StringRef folder, const std::string &index);

  std::vector<MappedFile> maps;
  std::vector<safetensors::Tensor> all;
  llvm::StringMap<size_t> numbers; ///< in `all`
  llvm::StringMap<std::string> texts;
};

/// FOLDER/NAME.
std::string fileIn(llvm::StringRef folder, llvm::StringRef name);

} // namespace lowbit::huggingface

#endif // LOWBIT_LIB_IMPORT_HUGGINGFACE_CHECKPOINT_H
