//===- ceilings.h - What the machine can do at most -------------*- C++ -*-===//

#ifndef TOOLS_QUANTBENCH_CEILINGS_H
#define TOOLS_QUANTBENCH_CEILINGS_H

#include "tools/common/error.h"

#include <cstddef>
#include <cstdint>
#include <functional>

namespace lowbit::tools {

/// What a probe found.
struct Ceiling {
  double rate;  ///< bytes or operations per second
  double delay; ///< largest share of the time that a thread waited for a core
};

/// A buffer that no cache holds, read as fast as the threads can.
class MemoryProbe {
public:
  MemoryProbe() = default;
  MemoryProbe(const MemoryProbe &) = delete;
  MemoryProbe &operator=(const MemoryProbe &) = delete;
  ~MemoryProbe();

  /// bytesBeyondCaches().
  Error allocate();
  size_t bytes() const { return bytes_; }
  /// Bytes per second of one pass over the buffer.
  Ceiling measure(int32_t threads) const;

private:
  char *data_ = nullptr;
  size_t bytes_ = 0;
};

/// Four times the last-level cache, at least 256 MiB, at most a quarter of the
/// memory that is available.
size_t bytesBeyondCaches();

/// Now.
double seconds();

/// Runs `work` on all threads at once, from the first start to the last end;
/// `amount` is what they do together.
Ceiling runTogether(int32_t threads, double amount,
                    const std::function<void(int32_t)> &work);

/// A value that every loop's result goes to, so that no loop is left out.
extern volatile uint64_t probeSink;

} // namespace lowbit::tools

#endif // TOOLS_QUANTBENCH_CEILINGS_H
