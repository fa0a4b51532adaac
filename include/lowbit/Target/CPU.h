//===- CPU.h - Loops to machine code ----------------------------*- C++ -*-===//

#ifndef LOWBIT_TARGET_CPU_H
#define LOWBIT_TARGET_CPU_H

#include "lowbit/Analysis/TargetInfo.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

namespace lowbit {

/// What --emit asks of one level.
enum class EmitKind { Object, Assembly, LLVMIR };

/// Compiles a module of the llvm dialect for a level. Public functions get the
/// hidden symbol entrySymbol(level, name). Returns the bytes of an object file
/// (or the text of assembly or LLVM IR).
llvm::Expected<std::string> compileLevel(mlir::ModuleOp module,
                                         const TargetInfo &target,
                                         EmitKind kind = EmitKind::Object);
std::string entrySymbol(llvm::StringRef level, llvm::StringRef function);

/// The object that holds qrt_code_table: entries[level][function]. At least one
/// level, all of one architecture.
llvm::Expected<std::string>
compileCodeTable(llvm::ArrayRef<const TargetInfo *> levels,
                 llvm::ArrayRef<std::string> functions);

/// Links objects to a shared object at `path` with lld, in this process.
llvm::Error linkSharedObject(llvm::ArrayRef<std::string> objects,
                             llvm::StringRef path);

} // namespace lowbit

#endif // LOWBIT_TARGET_CPU_H
