//===- MappedFile.h - A file's bytes, read-only -----------------*- C++ -*-===//

#ifndef LOWBIT_LIB_IMPORT_MAPPEDFILE_H
#define LOWBIT_LIB_IMPORT_MAPPEDFILE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"

namespace lowbit {

/// Pages come in when somebody reads them.
class MappedFile {
public:
  /// `expected` is what the message asks for where the path is no regular file:
  /// "a .gguf file".
  llvm::Error open(llvm::StringRef path, llvm::StringRef expected);
  llvm::StringRef bytes() const {
    return region ? llvm::StringRef(region.const_data(), region.size())
                  : llvm::StringRef();
  }

private:
  llvm::sys::fs::mapped_file_region region;
};

/// "PATH: MESSAGE".
llvm::Error fileError(llvm::StringRef path, const llvm::Twine &message);

} // namespace lowbit

#endif // LOWBIT_LIB_IMPORT_MAPPEDFILE_H
