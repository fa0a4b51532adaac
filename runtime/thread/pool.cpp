//===- pool.cpp - A team of threads that run compiled code ----------------===//

#include "thread/pool.h"
#include "thread/cpu_mask.h"
#include "thread/topology.h"

#include <algorithm>
#include <pthread.h>
#include <sched.h>
#include <set>
#include <signal.h>
#include <system_error>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace qrt {

namespace {

/// A barrier comes every 10 to 50 us and the work between two is shared out
/// evenly: who waits this long waits for a thread that has lost its core.
constexpr double barrierSpinMicroseconds = 100;

/// How often a spinning worker asks whether it keeps another from working.
constexpr double sliceMicroseconds = 10;

/// Between two tokens lie the sampling (10 to 40 us) and whatever the caller
/// does with the text. Waking a parked worker took 50 to 400 us (virtual
/// machine with 2 cores, 2026-11): spinning for less would often cost more than
/// it saves.
constexpr double idleSpinMicroseconds = 400;

/// Enough for the other threads on this CPU to come to the same point; then
/// sleeping is cheaper.
constexpr uint32_t yieldLimit = 16;

constexpr int32_t workersLimit = 1024;

/// Default rounding and full denormals in every worker, whatever the host
/// program has set in its own thread: results must not depend on who computes.
class DefaultFloatingPoint {
public:
#if defined(__x86_64__)
  DefaultFloatingPoint() : saved_(_mm_getcsr()) {
    if (saved_ != standard)
      _mm_setcsr(standard);
  }
  ~DefaultFloatingPoint() {
    if (saved_ != standard)
      _mm_setcsr(saved_);
  }

private:
  static constexpr unsigned standard = 0x1f80; // all exceptions masked
  unsigned saved_;
#elif defined(__aarch64__)
  DefaultFloatingPoint() {
    __asm__ volatile("mrs %0, fpcr" : "=r"(saved_));
    if (saved_ != 0)
      __asm__ volatile("msr fpcr, %0" ::"r"(uint64_t(0)));
  }
  ~DefaultFloatingPoint() {
    if (saved_ != 0)
      __asm__ volatile("msr fpcr, %0" ::"r"(saved_));
  }

private:
  uint64_t saved_;
#endif
};

/// The CPUs that there are for workers.
int32_t places(const std::vector<int32_t> &cpus) {
  const std::set<int32_t> different(cpus.begin(), cpus.end());
  return cpus.empty() ? availableCpus()
                      : std::min(availableCpus(), int32_t(different.size()));
}

} // namespace

Pool::Pool(int32_t workers, const std::vector<int32_t> &cpus)
    : workers_(workers), callersCpu_(cpus.empty() ? -1 : cpus[0]),
      cpus_(new std::atomic<int>[size_t(workers)]) {
  for (int32_t worker = 0; worker < workers; ++worker)
    cpus_[worker] = -1 - worker; // nowhere, and not together
  // With more workers than CPUs, spinning would keep others from arriving.
  if (workers > 1 && workers <= places(cpus)) {
    sliceSpins_ = spinsFor(sliceMicroseconds);
    barrierSpins_ = spinsFor(barrierSpinMicroseconds);
    idleSpins_ = spinsFor(idleSpinMicroseconds);
  }
}

Status Pool::create(int32_t workers, std::unique_ptr<Pool> &pool,
                    const std::vector<int32_t> &cpus) {
  if (workers < 1 || workers > workersLimit)
    return invalid("the number of threads must be between 1 and " +
                   std::to_string(workersLimit) + ", but is " +
                   std::to_string(workers));
  std::unique_ptr<Pool> made(new Pool(workers, cpus));
  // Signals are for the host program's own threads.
  sigset_t all, before;
  sigfillset(&all);
  // Faults are the thread's own: a program's handler of crashes gets them.
  for (int fault : {SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGTRAP})
    sigdelset(&all, fault);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  Status status = made->start(cpus);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  QRT_TRY(std::move(status));
  pool = std::move(made);
  return {};
}

Status Pool::start(const std::vector<int32_t> &cpus) {
  const auto bound = [&](int32_t worker, int error) {
    return error == 0 ? Status()
                      : ioError("cannot bind thread " +
                                    std::to_string(worker + 1) + " of " +
                                    std::to_string(workers_) + " to CPU " +
                                    std::to_string(cpus[size_t(worker)]),
                                error);
  };
  QRT_TRY(bound(0, BoundThread(callersCpu_).error()));
  try {
    for (int32_t worker = 1; worker < workers_; ++worker) {
      threads_.emplace_back(&Pool::work, this, worker);
      if (!cpus.empty())
        QRT_TRY(bound(worker, CpuMask(cpus[size_t(worker)])
                                  .bind(threads_.back().native_handle())));
    }
  } catch (const std::system_error &error) {
    return ioError("cannot start thread " +
                       std::to_string(threads_.size() + 2) + " of " +
                       std::to_string(workers_),
                   error.code().value());
  }
  return {};
}

Pool::~Pool() {
  entry_ = nullptr;
  call_.set(call_.value() + 1);
  for (std::thread &thread : threads_)
    thread.join();
}

void Pool::run(qrt_entry entry, const qrt_frame &frame) {
  const DefaultFloatingPoint scope;
  const BoundThread place(callersCpu_);
  if (workers_ == 1)
    return entry(&frame, 0, 1);
  const std::lock_guard<std::mutex> lock(turn_);
  entry_ = entry;
  frame_ = &frame;
  call_.set(call_.value() + 1);
  entry(&frame, 0, workers_);
  barrier(0);
}

void Pool::work(int32_t worker) {
  pthread_setname_np(pthread_self(), "quantrt");
  const DefaultFloatingPoint scope;
  for (uint32_t seen = 0;; ++seen) {
    await(call_, seen, worker, idleSpins_);
    if (!entry_)
      return;
    entry_(frame_, worker, workers_);
    // Not the whole barrier: only the caller waits for the others here. The
    // next call cannot begin before it has.
    arrive();
  }
}

void Pool::arrive() {
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 < workers_)
    return;
  arrived_.store(0, std::memory_order_relaxed);
  round_.set(round_.value() + 1);
}

void Pool::barrier(int32_t worker) {
  const uint32_t round = round_.value();
  arrive();
  await(round_, round, worker, barrierSpins_);
}

// The kernel may run two workers on one CPU while another program has the rest.
// Spinning then burns the time that the awaited worker needs: an empty call
// took 330 us instead of 0.6 (2 cores, 2026-11).
void Pool::await(Gate &gate, uint32_t old, int32_t worker, uint32_t patience) {
  const int cpu = sched_getcpu();
  if (cpus_[worker].load(std::memory_order_relaxed) != cpu)
    cpus_[worker].store(cpu, std::memory_order_relaxed);
  for (uint32_t spent = 0; spent < patience; spent += sliceSpins_) {
    if (sharesCpu(worker, cpu))
      patience = 0;
    else if (gate.spinWhile(old, sliceSpins_))
      return;
  }
  if (patience == 0 && gate.yieldWhile(old, yieldLimit))
    return;
  gate.sleepWhile(old);
}

bool Pool::sharesCpu(int32_t worker, int cpu) const {
  for (int32_t other = 0; other < workers_; ++other)
    if (other != worker && cpus_[other].load(std::memory_order_relaxed) == cpu)
      return true;
  return false;
}

void Pool::barrier(void *team, int32_t worker) {
  Pool &pool = *static_cast<Pool *>(team);
  if (pool.workers_ > 1)
    pool.barrier(worker);
}

void Pool::countRegions(size_t regions) {
  profile_ = std::make_unique<Profile>(workers_, regions);
}

void Pool::mark(void *team, int32_t worker, int32_t region) {
  if (Profile *profile = static_cast<Pool *>(team)->profile())
    profile->mark(worker, region);
}

void Pool::onEachThread(const std::function<void()> &job) {
  void *argument = const_cast<std::function<void()> *>(&job);
  qrt_frame frame = {};
  frame.arguments = &argument;
  frame.host = host();
  frame.team = this;
  run(
      [](const qrt_frame *frame, int32_t, int32_t) {
        (*static_cast<const std::function<void()> *>(frame->arguments[0]))();
      },
      frame);
}

const qrt_host *Pool::host() {
  static const qrt_host services = {QRT_ABI_VERSION, sizeof(qrt_host),
                                    &Pool::barrier, &Pool::mark};
  return &services;
}

} // namespace qrt
