//===- file_map.cpp - A file, opened once and mapped read-only ------------===//

#include "base/file_map.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace qrt {

FileMap::~FileMap() {
  if (data_)
    munmap(const_cast<char *>(data_), size_);
  if (descriptor_ >= 0)
    close(descriptor_);
}

Status FileMap::open(const std::string &path) {
  path_ = path;
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0)
    return ioError("cannot open " + path, errno);
  if (fstat(descriptor_, &identity_) != 0)
    return ioError("cannot inspect " + path, errno);
  if (!S_ISREG(identity_.st_mode))
    return invalid(path + " is not a regular file: give the path of a file");
  if (identity_.st_size == 0)
    return corrupt(path + " is empty");
  void *address = mmap(nullptr, size_t(identity_.st_size), PROT_READ,
                       MAP_SHARED, descriptor_, 0);
  if (address == MAP_FAILED)
    return ioError("cannot map " + path, errno);
  data_ = static_cast<const char *>(address);
  size_ = size_t(identity_.st_size);
  return {};
}

} // namespace qrt
