//===- cpu_mask.h - CPUs that a thread may run on ---------------*- C++ -*-===//

#ifndef QUANTRT_THREAD_CPU_MASK_H
#define QUANTRT_THREAD_CPU_MASK_H

#include <cstdint>
#include <pthread.h>
#include <string>
#include <string_view>
#include <vector>

namespace qrt {

/// A set of CPUs in the kernel's numbers. Of a fixed size, so that reading and
/// setting a thread's CPUs needs no memory.
class CpuMask {
public:
  /// What Linux for x86-64 can be built for at most.
  static constexpr int32_t limit = 8192;

  CpuMask() = default;
  explicit CpuMask(int32_t cpu) { add(cpu); }
  void add(int32_t cpu) { words_[cpu / 64] |= uint64_t(1) << cpu % 64; }
  bool has(int32_t cpu) const { return words_[cpu / 64] >> cpu % 64 & 1; }
  std::vector<int32_t> cpus() const;

  /// Of the calling thread; false where the kernel does not say.
  bool read();
  /// Returns 0 or an error number.
  int bind(pthread_t thread) const;

private:
  uint64_t words_[limit / 64] = {};
};

/// Binds the calling thread to one CPU as long as this lives, with two system
/// calls and a third at the end; not at all where `cpu` is negative.
class BoundThread {
public:
  explicit BoundThread(int32_t cpu) {
    if (cpu >= 0 && before_.read())
      bound_ = (error_ = CpuMask(cpu).bind(pthread_self())) == 0;
  }
  BoundThread(const BoundThread &) = delete;
  BoundThread &operator=(const BoundThread &) = delete;
  ~BoundThread() {
    if (bound_)
      before_.bind(pthread_self());
  }
  int error() const { return error_; }

private:
  CpuMask before_;
  bool bound_ = false;
  int error_ = 0;
};

/// Reads CPUs as taskset and the kernel write them ("0-3,8"), in that order.
/// False if the text is something else, or names a CPU twice.
bool parseCpuList(std::string_view text, std::vector<int32_t> &cpus);
/// The same backwards.
std::string cpuListText(const std::vector<int32_t> &cpus);

} // namespace qrt

#endif // QUANTRT_THREAD_CPU_MASK_H
