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

} // namespace

// A sleeper announces itself before its last look, the writer looks for
// sleepers after its write: with both in one total order (seq_cst), at least
// one of them sees the other.
void Gate::set(uint32_t next) {
  value_.store(next, std::memory_order_seq_cst);
  if (sleepers_.load(std::memory_order_seq_cst) != 0)
    futex(value_, FUTEX_WAKE, INT32_MAX);
}

bool Gate::spinWhile(uint32_t old, uint32_t spins) const {
  for (uint32_t i = 0; i < spins; ++i) {
    if (value() != old)
      return true;
    pause();
  }
  return value() != old;
}

bool Gate::yieldWhile(uint32_t old, uint32_t yields) const {
  for (uint32_t i = 0; i < yields && value() == old; ++i)
    sched_yield();
  return value() != old;
}

void Gate::sleepWhile(uint32_t old) {
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
