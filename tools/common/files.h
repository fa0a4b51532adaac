//===- files.h - Whole files ------------------------------------*- C++ -*-===//

#ifndef TOOLS_COMMON_FILES_H
#define TOOLS_COMMON_FILES_H

#include "tools/common/error.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace lowbit::tools {

/// Closes on destruction.
class FileDescriptor {
public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor &&other) : fd_(other.release()) {}
  FileDescriptor &operator=(FileDescriptor &&other) {
    reset(other.release());
    return *this;
  }
  ~FileDescriptor() { reset(-1); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  void reset(int fd);
  int release() {
    int fd = fd_;
    fd_ = -1;
    return fd;
  }

private:
  int fd_ = -1;
};

bool isFolder(const std::string &path);

/// Reads all of a file; "-" is stdin.
Error readFile(const std::string &path, std::string &content);

/// Reads at most `limit` bytes from the beginning.
Error readBeginning(const std::string &path, size_t limit,
                    std::string &content);

/// Writes everything, whatever it takes; false: see errno.
bool writeAll(int fd, const void *data, size_t bytes);
bool writeAllAt(int fd, const void *data, size_t bytes, uint64_t offset);

/// Writes to stdout and tells a full disk.
Error writeStdout(std::string_view text);

/// A file that appears under its name only when it is complete. Until then it
/// has no name where the file system allows that (O_TMPFILE), so that not even
/// a kill leaves something behind. What exists and is no regular file (a pipe,
/// /dev/full) is written directly.
class OutputFile {
public:
  ~OutputFile();

  Error open(const std::string &path);
  Error write(const void *data, size_t bytes);
  Error writeAt(const void *data, size_t bytes, uint64_t offset);
  /// To disk, then to its name.
  Error commit();

  const std::string &path() const { return path_; }

private:
  Error failure(int errorNumber) const;
  Error openTemporary();
  Error giveName();

  std::string path_;      ///< as the user wrote it
  std::string target_;    ///< behind symbolic links
  std::string temporary_; ///< empty: unnamed or direct
  FileDescriptor file_;
  bool direct_ = false;
};

} // namespace lowbit::tools

#endif // TOOLS_COMMON_FILES_H
