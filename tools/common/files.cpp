//===- files.cpp - Whole files --------------------------------------------===//

#include "tools/common/files.h"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace lowbit::tools;

void FileDescriptor::reset(int fd) {
  if (fd_ >= 0)
    ::close(fd_);
  fd_ = fd;
}

static Error openForReading(const std::string &path, FileDescriptor &file) {
  file.reset(path == "-" ? ::dup(STDIN_FILENO)
                         : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid())
    return systemError("cannot open '" + path + "'", errno);
  struct stat status;
  if (::fstat(file.get(), &status) == 0 && S_ISDIR(status.st_mode))
    return systemError("cannot read '" + path + "'", EISDIR);
  return Error::success();
}

bool lowbit::tools::isFolder(const std::string &path) {
  struct stat status;
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

Error lowbit::tools::readFile(const std::string &path, std::string &content) {
  return readBeginning(path, SIZE_MAX, content);
}

Error lowbit::tools::readBeginning(const std::string &path, size_t limit,
                                   std::string &content) {
  FileDescriptor file;
  TOOLS_TRY(openForReading(path, file));
  content.clear();
  static constexpr size_t step = 1 << 20;
  while (content.size() < limit) {
    size_t before = content.size();
    content.resize(before + std::min(step, limit - before));
    ssize_t got = ::read(file.get(), &content[before], content.size() - before);
    content.resize(before + (got > 0 ? static_cast<size_t>(got) : 0));
    if (got < 0 && errno != EINTR)
      return systemError("cannot read '" + path + "'", errno);
    if (got == 0)
      break;
  }
  return Error::success();
}

bool lowbit::tools::writeAll(int fd, const void *data, size_t bytes) {
  const char *next = static_cast<const char *>(data);
  while (bytes > 0) {
    ssize_t written = ::write(fd, next, bytes);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return false;
    next += written;
    bytes -= static_cast<size_t>(written);
  }
  return true;
}

bool lowbit::tools::writeAllAt(int fd, const void *data, size_t bytes,
                               uint64_t offset) {
  const char *next = static_cast<const char *>(data);
  while (bytes > 0) {
    ssize_t written = ::pwrite(fd, next, bytes, static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return false;
    next += written;
    offset += static_cast<uint64_t>(written);
    bytes -= static_cast<size_t>(written);
  }
  return true;
}

Error lowbit::tools::writeStdout(std::string_view text) {
  if (writeAll(STDOUT_FILENO, text.data(), text.size()))
    return Error::success();
  return systemError("cannot write to stdout", errno);
}

OutputFile::~OutputFile() {
  if (!temporary_.empty())
    ::unlink(temporary_.c_str());
}

Error OutputFile::failure(int errorNumber) const {
  return systemError("cannot write '" + path_ + "'", errorNumber);
}

Error OutputFile::open(const std::string &path) {
  path_ = target_ = path;
  struct stat status;
  if (::stat(path.c_str(), &status) == 0) {
    direct_ = !S_ISREG(status.st_mode);
    char resolved[PATH_MAX];
    if (!direct_ && ::realpath(path.c_str(), resolved))
      target_ = resolved;
  }
  if (!direct_)
    return openTemporary();
  file_.reset(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file_.valid() ? Error::success() : failure(errno);
}

Error OutputFile::openTemporary() {
  size_t slash = target_.rfind('/');
  std::string folder =
      slash == std::string::npos ? "." : target_.substr(0, slash + 1);
#ifdef O_TMPFILE
  // Giving it a name needs /proc; without it the file has a name from the
  // start.
  if (::access("/proc/self/fd", X_OK) == 0)
    file_.reset(::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666));
#endif
  if (file_.valid())
    return Error::success();
  std::string name = target_ + ".tmp" + std::to_string(::getpid());
  file_.reset(
      ::open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!file_.valid())
    return failure(errno);
  temporary_ = name;
  return Error::success();
}

Error OutputFile::write(const void *data, size_t bytes) {
  return writeAll(file_.get(), data, bytes) ? Error::success() : failure(errno);
}

Error OutputFile::writeAt(const void *data, size_t bytes, uint64_t offset) {
  return writeAllAt(file_.get(), data, bytes, offset) ? Error::success()
                                                      : failure(errno);
}

/// A link cannot replace a file, a rename can: so an unnamed file first gets a
/// temporary name.
Error OutputFile::giveName() {
  std::string name = target_ + ".tmp" + std::to_string(::getpid());
  std::string self = "/proc/self/fd/" + std::to_string(file_.get());
  ::unlink(name.c_str());
  if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, name.c_str(),
               AT_SYMLINK_FOLLOW) != 0)
    return failure(errno);
  temporary_ = name;
  return Error::success();
}

Error OutputFile::commit() {
  if (direct_) {
    // A pipe cannot be synchronized; a device says that its disk is full on
    // write.
    file_.reset(-1);
    return Error::success();
  }
  if (::fsync(file_.get()) != 0)
    return failure(errno);
  if (temporary_.empty())
    TOOLS_TRY(giveName());
  if (::rename(temporary_.c_str(), target_.c_str()) != 0)
    return failure(errno);
  temporary_.clear();
  file_.reset(-1);
  return Error::success();
}
