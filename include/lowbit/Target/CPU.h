//===- CPU.h - Loops to machine code ----------------------------*- C++ -*-===//

#ifndef LOWBIT_TARGET_CPU_H
#define LOWBIT_TARGET_CPU_H

#include "lowbit/Analysis/TargetInfo.h"
#include "lowbit/Target/Module.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

namespace lowbit {

/// What --emit asks of one level.
enum class EmitKind { Object, Assembly, LLVMIR };

/// Compiles a module of the llvm dialect for a level. Public functions get the
/// hidden symbol PREFIX.LEVEL.NAME; two modules of one program differ in the
/// prefix. Returns the bytes of an object file (or the text of assembly or LLVM
/// IR).
llvm::Expected<std::string> compileLevel(mlir::ModuleOp module,
                                         const TargetInfo &target,
                                         EmitKind kind = EmitKind::Object,
                                         llvm::StringRef prefix = "qrt");

/// The object that holds qrt_code_table: entries[level][function]. At least one
/// level, all of one architecture.
llvm::Expected<std::string>
compileCodeTable(llvm::ArrayRef<const TargetInfo *> levels,
                 llvm::ArrayRef<std::string> functions);

/// The object that holds the qrt_static_module `symbol`, its code table and
/// empty sections for header and weights. Its levels have the prefix `symbol`.
llvm::Expected<std::string>
compileStaticModule(llvm::StringRef symbol, StaticSizes sizes,
                    llvm::ArrayRef<const TargetInfo *> levels,
                    llvm::ArrayRef<std::string> functions);

/// Links objects to a shared object at `path` with lld, in this process.
llvm::Error linkSharedObject(llvm::ArrayRef<std::string> objects,
                             llvm::StringRef path);
/// The same to one relocatable object.
llvm::Error linkObject(llvm::ArrayRef<std::string> objects,
                       llvm::StringRef path);

} // namespace lowbit

#endif // LOWBIT_TARGET_CPU_H
