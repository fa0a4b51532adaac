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

} // namespace lowbit::huggingface

#endif // LOWBIT_LIB_IMPORT_HUGGINGFACE_TENSORMAP_H
