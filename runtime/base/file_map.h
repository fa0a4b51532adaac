//===- file_map.h - A file, opened once and mapped read-only ----*- C++ -*-===//

#ifndef QUANTRT_BASE_FILE_MAP_H
#define QUANTRT_BASE_FILE_MAP_H

#include "base/status.h"

#include <string>
#include <string_view>
#include <sys/stat.h>

namespace qrt {

/// The whole file as bytes. Everything that is read of a file comes through its
/// one descriptor, so that a rename under way cannot mix two files.
class FileMap {
public:
  FileMap() = default;
  FileMap(const FileMap &) = delete;
  FileMap &operator=(const FileMap &) = delete;
  ~FileMap();

  Status open(const std::string &path);

  std::string_view bytes() const { return {data_, size_}; }
  /// As given to open; for messages.
  const std::string &path() const { return path_; }
  int descriptor() const { return descriptor_; }
  /// Device, inode, size and times at the moment of opening.
  const struct stat &identity() const { return identity_; }

private:
  std::string path_;
  int descriptor_ = -1;
  struct stat identity_ = {};
  const char *data_ = nullptr;
  size_t size_ = 0;
};

} // namespace qrt

#endif // QUANTRT_BASE_FILE_MAP_H
