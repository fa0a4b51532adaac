//===- arena.cpp - Memory allocated once ----------------------------------===//

#include "base/arena.h"

#include <sys/mman.h>
#include <unistd.h>

namespace qrt {

void Arena::release() {
  if (data_)
    munmap(data_, bytes_);
  data_ = nullptr;
  bytes_ = 0;
}

Status Arena::reserve(uint64_t bytes, const char *purpose) {
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

Status Arena::allocate(uint64_t bytes, const char *purpose, Pages pages) {
  constexpr uint64_t page = 2u << 20;
  if (bytes < page || pages == Pages::Usual)
    return reserve(bytes, purpose);
  QRT_TRY(reserve(bytes + page, purpose));
  // Cut off what is in front of the first huge page and behind the last byte.
  const uint64_t front = -reinterpret_cast<uintptr_t>(data_) % page;
  const uint64_t usual = uint64_t(sysconf(_SC_PAGESIZE));
  const uint64_t rounded = (bytes + usual - 1) / usual * usual;
  if (front > 0)
    munmap(data_, front);
  data_ += front;
  if (bytes_ - front > rounded)
    munmap(data_ + rounded, bytes_ - front - rounded);
  bytes_ = bytes;
  madvise(data_, bytes_, MADV_HUGEPAGE);
  return {};
}

} // namespace qrt
