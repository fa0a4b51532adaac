//===- ExportFolder.h - A model to a folder of Hugging Face -----*- C++ -*-===//

#ifndef LOWBIT_LIB_DRIVER_EXPORTFOLDER_H
#define LOWBIT_LIB_DRIVER_EXPORTFOLDER_H

#include "Console.h"
#include "lowbit/Import/ModelSource.h"

#include "mlir/IR/BuiltinOps.h"

namespace lowbit {

/// Writes the folder `path`, which must not be there yet: the tensors of
/// `source`, itself a folder, in compressed-tensors' formats where `module` (at
/// the import stage) has them in low bits; config.json that says so; the files
/// of the tokenizer. Tables of embeddings keep the folder's floats: libraries
/// look up rows of floats alone. `perToken`: the config asks for activations
/// of 8 bits with a scale for each token. The folder is there whole or not at
/// all.
llvm::Error exportFolder(mlir::ModuleOp module, const ModelSource &source,
                         llvm::StringRef path, bool perToken, Console &console);

} // namespace lowbit

#endif // LOWBIT_LIB_DRIVER_EXPORTFOLDER_H
