//===- HiddenStates.cpp - What flows between layers, in files -------------===//

#include "HiddenStates.h"

#include "llvm/Support/FileSystem.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace lowbit {

HiddenStates::HiddenStates(std::string folder, int64_t sequences,
                           int64_t length, int64_t width)
    : folder_(std::move(folder)), sequences_(sequences), length_(length),
      width_(width) {}

HiddenStates::~HiddenStates() {
  for (int descriptor : {from_, to_})
    if (descriptor >= 0)
      close(descriptor);
}

std::string HiddenStates::pathOf(int64_t side) const {
  return folder_ + "/states." + std::to_string(side);
}

static llvm::Error systemError(const std::string &what) {
  return llvm::createStringError(std::error_code(errno, std::system_category()),
                                 what + ": " + std::strerror(errno));
}

llvm::Error HiddenStates::open(int64_t layer) {
  for (int descriptor : {from_, to_})
    if (descriptor >= 0)
      close(descriptor);
  std::string from = pathOf(layer % 2), to = pathOf(1 - layer % 2);
  from_ = ::open(from.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  to_ = ::open(to.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (from_ < 0 || to_ < 0)
    return systemError("cannot open " + (from_ < 0 ? from : to));
  return llvm::Error::success();
}

llvm::Error HiddenStates::read(int64_t sequence, float *rows) const {
  size_t bytes = size_t(floats()) * sizeof(float), done = 0;
  while (done < bytes) {
    ssize_t got = pread(from_, reinterpret_cast<char *>(rows) + done,
                        bytes - done, off_t(size_t(sequence) * bytes + done));
    if (got == 0)
      errno = EIO; // the file is shorter than it was
    if (got <= 0 && errno != EINTR)
      return systemError("cannot read the states in " + folder_);
    done += got > 0 ? size_t(got) : 0;
  }
  return llvm::Error::success();
}

llvm::Error HiddenStates::write(int64_t sequence, const float *rows) const {
  size_t bytes = size_t(floats()) * sizeof(float), done = 0;
  while (done < bytes) {
    ssize_t got = pwrite(to_, reinterpret_cast<const char *>(rows) + done,
                         bytes - done, off_t(size_t(sequence) * bytes + done));
    if (got < 0 && errno != EINTR)
      return systemError("cannot write the states in " + folder_);
    done += got > 0 ? size_t(got) : 0;
  }
  return llvm::Error::success();
}

void HiddenStates::remove() {
  for (int64_t side : {0, 1})
    llvm::sys::fs::remove(pathOf(side));
}

} // namespace lowbit
