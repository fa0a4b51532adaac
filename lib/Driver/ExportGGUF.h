//===- ExportGGUF.h - A model back to a file of weights ---------*- C++ -*-===//

#ifndef LOWBIT_LIB_DRIVER_EXPORTGGUF_H
#define LOWBIT_LIB_DRIVER_EXPORTGGUF_H

#include "Console.h"
#include "lowbit/Import/ModelSource.h"

#include "mlir/IR/BuiltinOps.h"

namespace lowbit {

/// Writes all tensors of `source` to a GGUF file, in its order and with its
/// pairs. A tensor that `module` (at the import stage) has in the source's
/// scheme keeps its bytes; the others are rounded to nearest on the way.
/// Vectors of bf16 become f32.
llvm::Error exportGGUF(mlir::ModuleOp module, const ModelSource &source,
                       llvm::StringRef path, Console &console);

} // namespace lowbit

#endif // LOWBIT_LIB_DRIVER_EXPORTGGUF_H
