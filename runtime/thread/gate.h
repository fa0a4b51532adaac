//===- gate.h - Wait for a word to change -----------------------*- C++ -*-===//

#ifndef QUANTRT_THREAD_GATE_H
#define QUANTRT_THREAD_GATE_H

#include <atomic>
#include <cstdint>

namespace qrt {

/// A number that one thread advances and others wait for.
///
/// It has two lines of cache (64 bytes each, fetched in pairs) for itself, so
/// that waiters do not slow down whoever writes something else.
class alignas(128) Gate {
public:
  uint32_t value() const { return value_.load(std::memory_order_acquire); }

  /// Publishes `next`, together with all that was written before.
  void set(uint32_t next);

  // Three ways to wait until the value is no longer `old`, from the fastest to
  // the most polite. The first two may give up and return false.
  bool spinWhile(uint32_t old, uint32_t spins) const;
  bool yieldWhile(uint32_t old, uint32_t yields) const;
  void sleepWhile(uint32_t old);

private:
  std::atomic<uint32_t> value_{0};
  std::atomic<uint32_t> sleepers_{0};
};

/// How many spins of Gate::spinWhile take `microseconds`; a pause instruction
/// is 10 cycles on some CPUs and 140 on others.
uint32_t spinsFor(double microseconds);

} // namespace qrt

#endif // QUANTRT_THREAD_GATE_H
