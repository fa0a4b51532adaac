//===- gate.h - Wait for a word to change -----------------------*- C++ -*-===//

#ifndef QUANTRT_THREAD_GATE_H
#define QUANTRT_THREAD_GATE_H

#include <atomic>
#include <cstdint>

namespace qrt {

/// A number that one thread advances and others wait for: first spinning, then
/// giving up their time slice, at last asleep in the kernel.
///
/// Two lines of cache (64 bytes each, adjacent lines are fetched in pairs), so
/// that waiters do not slow down whoever writes something else.
class alignas(128) Gate {
public:
  uint32_t value() const { return value_.load(std::memory_order_acquire); }

  /// Publishes `next`, together with all that was written before.
  void set(uint32_t next);

  /// Returns once the value is no longer `old`. `spins`: how often to look
  /// before the thread gives way to others.
  void waitWhile(uint32_t old, uint32_t spins);

private:
  std::atomic<uint32_t> value_{0};
  std::atomic<uint32_t> sleepers_{0};
};

/// How many spins of Gate::waitWhile take `microseconds`; a pause instruction
/// is 10 cycles on some CPUs and 140 on others.
uint32_t spinsFor(double microseconds);

} // namespace qrt

#endif // QUANTRT_THREAD_GATE_H
