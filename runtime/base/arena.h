//===- arena.h - Memory allocated once --------------------------*- C++ -*-===//

#ifndef QUANTRT_BASE_ARENA_H
#define QUANTRT_BASE_ARENA_H

#include "base/status.h"

#include <cstddef>
#include <cstdint>

namespace qrt {

/// Pages of the system's usual size, or of 2 MiB where it gives them.
enum class Pages { Usual, Huge };

/// Zeroed, page-aligned memory of a fixed size. What is never touched costs
/// address space only.
class Arena {
public:
  Arena() = default;
  Arena(const Arena &) = delete;
  Arena &operator=(const Arena &) = delete;
  ~Arena() { release(); }

  /// `purpose` for the message: "the KV cache". Replaces what was allocated.
  Status allocate(uint64_t bytes, const char *purpose,
                  Pages pages = Pages::Usual);
  void release();

  uint8_t *data() const { return data_; }
  uint64_t bytes() const { return bytes_; }

private:
  Status reserve(uint64_t bytes, const char *purpose);

  uint8_t *data_ = nullptr;
  uint64_t bytes_ = 0;
};

} // namespace qrt

#endif // QUANTRT_BASE_ARENA_H
