//===- TensorMap.h - A checkpoint's tensors under GGUF's names --*- C++ -*-===//

#ifndef LOWBIT_LIB_IMPORT_HUGGINGFACE_TENSORMAP_H
#define LOWBIT_LIB_IMPORT_HUGGINGFACE_TENSORMAP_H

#include "Checkpoint.h"
#include "Config.h"
#include "PackedRows.h"

namespace lowbit::huggingface {

/// Finds each tensor that a model of this config has, and refuses one that is
/// missing, one that has no place, and one that is neither float nor quantized
/// as the config says. Nothing is copied: part of a tensor is a range of its
/// rows. `formats` must outlive the tensors. `theirNames` gets GGUF's name ->
/// the checkpoint's. Shapes are left to whoever builds the network.
llvm::Expected<std::vector<SourceTensor>>
mapTensors(const Checkpoint &checkpoint, const Config &config,
           llvm::StringRef folder, FormatList &formats,
           llvm::StringMap<std::string> &theirNames);

/// Whether the rows of a tensor (GGUF's name) are in GGUF's order, not in the
/// folder's; heads of another number of rows are whoever builds the network's
/// to refuse.
bool rotatesRows(const Config &config, llvm::StringRef name, int64_t rows);
/// Whether it is a norm of which the folder holds the values minus 1.
bool isGainLessOne(const Config &config, llvm::StringRef name,
                   size_t dimensions);

} // namespace lowbit::huggingface

#endif // LOWBIT_LIB_IMPORT_HUGGINGFACE_TENSORMAP_H
