//===- MappedFile.cpp - A file's bytes, read-only -------------------------===//

#include "MappedFile.h"

#include "llvm/ADT/Twine.h"

using llvm::Error;
using llvm::StringRef;

namespace lowbit {

Error fileError(StringRef path, const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 path + ": " + message);
}

Error MappedFile::open(StringRef path, StringRef expected) {
  namespace fs = llvm::sys::fs;
  llvm::Expected<fs::file_t> file = fs::openNativeFileForRead(path);
  if (!file)
    return fileError(path, llvm::toString(file.takeError()));
  fs::file_status status;
  std::error_code problem = fs::status(*file, status);
  // Devices and pipes have no size to check against, and directories no bytes.
  bool regular = !problem && fs::is_regular_file(status);
  if (regular && status.getSize() > 0)
    region = fs::mapped_file_region(*file, fs::mapped_file_region::readonly,
                                    status.getSize(), 0, problem);
  fs::closeFile(*file);
  if (problem)
    return fileError(path, "cannot map the file: " + problem.message());
  if (!regular)
    return fileError(path, "not a regular file, expected " + expected);
  return Error::success();
}

} // namespace lowbit
