//===- AtomicFile.cpp - A file that is there whole or not at all ----------===//

#include "AtomicFile.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lowbit {

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

AtomicFile::AtomicFile(llvm::StringRef path)
    : path_(path.str()),
      temporary_(path_ + ".tmp." + std::to_string(getpid())) {}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0)
    ::close(descriptor_);
  if (!temporary_.empty())
    ::unlink(temporary_.c_str());
}

llvm::Error AtomicFile::open() {
  struct stat existing;
  // The rename at the end would replace a device or a pipe by a file.
  if (::stat(path_.c_str(), &existing) == 0 && !S_ISREG(existing.st_mode)) {
    temporary_.clear();
    return failure("cannot write " + path_ +
                   ": it is no regular file; choose another name");
  }
  descriptor_ = ::open(temporary_.c_str(), O_CREAT | O_TRUNC | O_RDWR, 0644);
  if (descriptor_ < 0) {
    std::string name = std::move(temporary_);
    return systemError("cannot create " + name);
  }
  return llvm::Error::success();
}

llvm::Error AtomicFile::write(const void *bytes, uint64_t size,
                              uint64_t offset) {
  const char *from = static_cast<const char *>(bytes);
  while (size > 0) {
    ssize_t written = ::pwrite(descriptor_, from, size, offset);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return systemError("cannot write " + path_);
    from += written;
    offset += written;
    size -= written;
  }
  return llvm::Error::success();
}

llvm::Error AtomicFile::commit() {
  if (::fsync(descriptor_) != 0)
    return systemError("cannot write " + path_);
  int closed = ::close(descriptor_);
  descriptor_ = -1;
  if (closed != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0)
    return systemError("cannot write " + path_);
  temporary_.clear();
  return llvm::Error::success();
}

llvm::Error AtomicFile::systemError(const std::string &what) {
  return failure(what + ": " + std::strerror(errno));
}

} // namespace lowbit
