//===- profile.h - Time of each region of a module --------------*- C++ -*-===//
//
// Counts what the marks of a module compiled with --profile tell: each worker
// in memory of its own, in ticks of the CPU's counter.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTRT_THREAD_PROFILE_H
#define QUANTRT_THREAD_PROFILE_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace qrt {

class Profile {
public:
  struct Time {
    uint64_t nanoseconds; ///< sum over the workers
    uint64_t marks;       ///< of worker 0
  };

  Profile(int32_t workers, size_t regions);

  /// Forgets everything; every worker's time runs from now on. No worker may be
  /// marking.
  void reset();
  /// The time of `worker` since its last mark went to `region`.
  void mark(int32_t worker, int32_t region);
  /// Since the last reset. No worker may be marking.
  Time time(size_t region) const;

private:
  struct Count {
    uint64_t ticks = 0, marks = 0;
  };
  /// Two lines apart, so that no worker disturbs its neighbour.
  struct alignas(128) Worker {
    uint64_t last = 0;
    std::vector<Count> counts;
  };

  std::vector<std::unique_ptr<Worker>> workers_;
  uint64_t startTicks_, startNanoseconds_; ///< of this object
};

} // namespace qrt

#endif // QUANTRT_THREAD_PROFILE_H
