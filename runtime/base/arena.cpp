//===- arena.cpp - Memory allocated once ----------------------------------===//

#include "base/arena.h"

#include <sys/mman.h>

namespace qrt {

void Arena::release() {
  if (data_)
    munmap(data_, bytes_);
  data_ = nullptr;
  bytes_ = 0;
}

Status Arena::allocate(uint64_t bytes, const char *purpose) {
  release();
  if (bytes == 0)
    return {};
  // MAP_NORESERVE: a context of 128 Ki positions is reserved here, but a short
  // conversation touches little of it.
  void *address = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED)
    return Status(QRT_OUT_OF_MEMORY, "no memory for " + std::string(purpose) +
                                         ": " + std::to_string(bytes >> 20) +
                                         " MiB were asked for");
  data_ = static_cast<uint8_t *>(address);
  bytes_ = bytes;
  return {};
}

} // namespace qrt
