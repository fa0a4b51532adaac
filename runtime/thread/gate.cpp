//===- gate.cpp - Wait for a word to change -------------------------------===//

#include "thread/gate.h"

#include <algorithm>
#include <chrono>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace qrt {

namespace {

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb" ::: "memory"); // yield is a no-op on most cores
#endif
}

void futex(std::atomic<uint32_t> &word, int operation, uint32_t value) {
  syscall(SYS_futex, &word, operation | FUTEX_PRIVATE_FLAG, value, nullptr,
          nullptr, 0);
}

/// Enough for the other threads of an oversubscribed core to come to the same
/// point; then sleeping is cheaper.
constexpr int yieldLimit = 16;

} // namespace

// A sleeper announces itself before its last look, the writer looks for
// sleepers after its write: with both in one total order (seq_cst), at least
// one of them sees the other.
void Gate::set(uint32_t next) {
  value_.store(next, std::memory_order_seq_cst);
  if (sleepers_.load(std::memory_order_seq_cst) != 0)
    futex(value_, FUTEX_WAKE, INT32_MAX);
}

void Gate::waitWhile(uint32_t old, uint32_t spins) {
  for (uint32_t i = 0; i < spins; ++i) {
    if (value() != old)
      return;
    pause();
  }
  for (int i = 0; i < yieldLimit; ++i) {
    if (value() != old)
      return;
    sched_yield();
  }
  sleepers_.fetch_add(1, std::memory_order_seq_cst);
  while (value_.load(std::memory_order_seq_cst) == old)
    futex(value_, FUTEX_WAIT, old);
  sleepers_.fetch_sub(1, std::memory_order_relaxed);
}

uint32_t spinsFor(double microseconds) {
  static const double spinsPerMicrosecond = [] {
    using Clock = std::chrono::steady_clock;
    constexpr int sample = 200;
    // The shortest of a few: a thread may be interrupted while it measures.
    double shortest = 1e9;
    for (int i = 0; i < 5; ++i) {
      const auto start = Clock::now();
      for (int k = 0; k < sample; ++k)
        pause();
      shortest = std::min(shortest, std::chrono::duration<double, std::micro>(
                                        Clock::now() - start)
                                        .count());
    }
    return sample / std::max(shortest, 0.1);
  }();
  return uint32_t(microseconds * spinsPerMicrosecond);
}

} // namespace qrt
