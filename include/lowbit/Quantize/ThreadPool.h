//===- ThreadPool.h - Threads that kernels share ----------------*- C++ -*-===//

#ifndef LOWBIT_QUANTIZE_THREADPOOL_H
#define LOWBIT_QUANTIZE_THREADPOOL_H

#include <cstdint>
#include <functional>
#include <memory>

namespace lowbit {

/// A fixed number of threads, the caller's among them. No result of a kernel
/// depends on how many there are.
class ThreadPool {
public:
  /// `threads` below 1 counts as 1; threads that the system refuses are done
  /// without.
  explicit ThreadPool(int threads = 1);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  int size() const;

  /// Calls body(i) for each i in [0, count), in this order of starts, and
  /// returns when all have returned. Bodies do not throw and do not call the
  /// pool; one caller at a time.
  void forEach(int64_t count, const std::function<void(int64_t)> &body);

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace lowbit

#endif // LOWBIT_QUANTIZE_THREADPOOL_H
