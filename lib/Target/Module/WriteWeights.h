//===- WriteWeights.h - The bytes of a module's weights ---------*- C++ -*-===//

#ifndef LOWBIT_LIB_TARGET_MODULE_WRITEWEIGHTS_H
#define LOWBIT_LIB_TARGET_MODULE_WRITEWEIGHTS_H

#include "lib/Target/AtomicFile.h"
#include "HeaderBuilder.h"

namespace lowbit {

/// Packs the weights into `file` at `offset`, one tensor in memory at a time,
/// and gives their hashes to `header`.
llvm::Error writeWeights(const ModuleImage &image, HeaderBuilder &header,
                         AtomicFile &file, uint64_t offset, Progress progress);

} // namespace lowbit

#endif // LOWBIT_LIB_TARGET_MODULE_WRITEWEIGHTS_H
