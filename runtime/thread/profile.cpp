//===- profile.cpp - Time of each region of a module ----------------------===//

#include "thread/profile.h"

#include <algorithm>
#include <chrono>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace qrt {

namespace {

__extension__ typedef unsigned __int128 Wide;

uint64_t nanoseconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return uint64_t(
      std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

/// Monotonic, at a fixed rate, and read without a system call: a token has 500
/// to 1000 marks.
uint64_t ticks() {
#if defined(__x86_64__)
  return __rdtsc();
#elif defined(__aarch64__)
  uint64_t value;
  __asm__ volatile("mrs %0, cntvct_el0" : "=r"(value));
  return value;
#else
  return nanoseconds();
#endif
}

} // namespace

Profile::Profile(int32_t workers, size_t regions) {
  for (int32_t worker = 0; worker < workers; ++worker) {
    workers_.push_back(std::make_unique<Worker>());
    workers_.back()->counts.resize(regions);
  }
  startNanoseconds_ = nanoseconds();
  startTicks_ = ticks();
  reset();
}

void Profile::reset() {
  for (const std::unique_ptr<Worker> &worker : workers_)
    std::fill(worker->counts.begin(), worker->counts.end(), Count());
  const uint64_t now = ticks();
  for (const std::unique_ptr<Worker> &worker : workers_)
    worker->last = now;
}

void Profile::mark(int32_t worker, int32_t region) {
  Worker &mine = *workers_[size_t(worker)];
  if (size_t(region) >= mine.counts.size())
    return;
  const uint64_t now = ticks();
  Count &count = mine.counts[size_t(region)];
  // Counters of two CPUs may be some ticks apart.
  count.ticks += std::max(now, mine.last) - mine.last;
  ++count.marks;
  mine.last = now;
}

Profile::Time Profile::time(size_t region) const {
  uint64_t sum = 0;
  for (const std::unique_ptr<Worker> &worker : workers_)
    sum += worker->counts[region].ticks;
  // A tick's length, from as long a time as there is.
  const uint64_t elapsed = nanoseconds() - startNanoseconds_;
  const uint64_t passed = std::max(ticks(), startTicks_ + 1) - startTicks_;
  return {uint64_t(Wide(sum) * elapsed / passed),
          workers_[0]->counts[region].marks};
}

} // namespace qrt
