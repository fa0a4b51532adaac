//===- pool.h - A team of threads that run compiled code --------*- C++ -*-===//

#ifndef QUANTRT_THREAD_POOL_H
#define QUANTRT_THREAD_POOL_H

#include "base/status.h"
#include "quantrt/abi.h"
#include "thread/gate.h"
#include "thread/profile.h"

#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace qrt {

/// Spins for a while between calls, then parks. A team of one has no thread and
/// executes no atomic instruction.
class Pool {
public:
  /// `cpus`: the CPU that each worker is bound to; empty: none is. The caller
  /// is bound during a call, which then takes three system calls.
  static Status create(int32_t workers, std::unique_ptr<Pool> &pool,
                       const std::vector<int32_t> &cpus = {});
  ~Pool();

  int32_t workers() const { return workers_; }

  /// Calls entry(frame, worker, workers) on every worker at once, the caller
  /// being worker 0, and returns when all have returned. The frame's host and
  /// team must be host() and this pool. Calls from several threads take turns.
  void run(qrt_entry entry, const qrt_frame &frame);

  /// Calls `job` once on every worker.
  void onEachThread(const std::function<void()> &job);

  /// Counts the time of so many regions from now on. No call may be running.
  void countRegions(size_t regions);
  /// Null where nothing is counted.
  Profile *profile() const { return profile_.get(); }

  /// The services that compiled code may use; their `team` is a Pool.
  static const qrt_host *host();

private:
  Pool(int32_t workers, const std::vector<int32_t> &cpus);
  Status start(const std::vector<int32_t> &cpus);
  void work(int32_t worker);
  void arrive();
  void barrier(int32_t worker);
  void await(Gate &gate, uint32_t old, int32_t worker, uint32_t patience);
  bool sharesCpu(int32_t worker, int cpu) const;
  static void barrier(void *team, int32_t worker);
  static void mark(void *team, int32_t worker, int32_t region);

  const int32_t workers_;
  const int32_t callersCpu_; ///< -1: anywhere
  uint32_t sliceSpins_ = 1, barrierSpins_ = 0, idleSpins_ = 0;
  /// The CPU that each worker was last seen on. Written when one moves, so the
  /// line stays in everyone's cache.
  std::unique_ptr<std::atomic<int>[]> cpus_;
  std::unique_ptr<Profile> profile_;
  std::mutex turn_;
  std::vector<std::thread> threads_;

  // Of the call that runs now; written before `call_` advances.
  qrt_entry entry_ = nullptr; ///< null: leave
  const qrt_frame *frame_ = nullptr;

  Gate call_;  ///< number of calls started
  Gate round_; ///< number of barriers passed
  alignas(128) std::atomic<int32_t> arrived_{0};
};

} // namespace qrt

#endif // QUANTRT_THREAD_POOL_H
