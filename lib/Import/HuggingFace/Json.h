//===- Json.h - JSON files of a checkpoint ----------------------*- C++ -*-===//

#ifndef LOWBIT_LIB_IMPORT_HUGGINGFACE_JSON_H
#define LOWBIT_LIB_IMPORT_HUGGINGFACE_JSON_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/JSON.h"

namespace lowbit::huggingface {

/// The object that `text` holds. llvm::json recurses, so text that nests deeper
/// than any of these files does is refused before. Errors are one line that
/// begins with `path`.
llvm::Expected<llvm::json::Object> parseJson(llvm::StringRef text,
                                             llvm::StringRef path);

/// The object in a file; nullopt if there is no such file.
llvm::Expected<std::optional<llvm::json::Object>>
readJsonIfThere(llvm::StringRef path);

/// The list in a file; nullopt if there is no such file.
llvm::Expected<std::optional<llvm::json::Array>>
readJsonListIfThere(llvm::StringRef path);

/// null is as good as absent.
const llvm::json::Value *present(const llvm::json::Object &object,
                                 llvm::StringRef key);

/// Calls `visit` for the objects of a list.
void forEachObject(const llvm::json::Object &object, llvm::StringRef key,
                   llvm::function_ref<void(const llvm::json::Object &)> visit);

} // namespace lowbit::huggingface

#endif // LOWBIT_LIB_IMPORT_HUGGINGFACE_JSON_H
