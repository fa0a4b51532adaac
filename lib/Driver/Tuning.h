//===- Tuning.h - Choices for kernels, read and measured --------*- C++ -*-===//

#ifndef LOWBIT_LIB_DRIVER_TUNING_H
#define LOWBIT_LIB_DRIVER_TUNING_H

#include "Console.h"

#include "lowbit/Analysis/TargetInfo.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

namespace lowbit {

/// Puts a tuning file into `rt.tuning`: JSON, `{"LEVEL": {"SCHEME; ACTIVATIONS;
/// COLUMNS": "tile=3x2 ..."}}`. What it says of other products is left alone.
llvm::Error readTuning(llvm::StringRef path, mlir::ModuleOp module);

/// Measures candidates for every matrix product of a module of the pack stage on
/// this machine, by quant-bench, and adds the winners to the file, which need not
/// exist. Only the level that this machine would run.
llvm::Error tune(llvm::StringRef path, mlir::ModuleOp module,
                 const TargetInfo &target, Console &console);

} // namespace lowbit

#endif // LOWBIT_LIB_DRIVER_TUNING_H
