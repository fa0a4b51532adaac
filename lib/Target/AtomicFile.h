//===- AtomicFile.h - A file that is there whole or not at all --*- C++ -*-===//

#ifndef LOWBIT_LIB_TARGET_ATOMICFILE_H
#define LOWBIT_LIB_TARGET_ATOMICFILE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace lowbit {

/// Written beside its name and renamed at the end. Errors name the file.
class AtomicFile {
public:
  explicit AtomicFile(llvm::StringRef path);
  ~AtomicFile();

  llvm::Error open();
  llvm::Error write(const void *bytes, uint64_t size, uint64_t offset);
  llvm::Error commit();

private:
  llvm::Error systemError(const std::string &what);

  std::string path_, temporary_;
  int descriptor_ = -1;
};

} // namespace lowbit

#endif // LOWBIT_LIB_TARGET_ATOMICFILE_H
