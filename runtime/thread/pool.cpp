//===- pool.cpp - A team of threads that run compiled code ----------------===//

#include "thread/pool.h"
#include "thread/topology.h"

#include <pthread.h>
#include <signal.h>
#include <system_error>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace qrt {

namespace {

/// A barrier comes every 10 to 50 us; who waits longer waits for a thread that
/// has lost its core.
constexpr double barrierSpinMicroseconds = 100;

/// Between two tokens lies the sampling: about 50 us for 49152 logits, 200 us
/// for 262144. Waking a parked worker costs that much again.
constexpr double idleSpinMicroseconds = 200;

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

} // namespace

Pool::Pool(int32_t workers) : workers_(workers) {
  // With more workers than CPUs, spinning would keep others from arriving.
  if (workers > 1 && workers <= availableCpus()) {
    barrierSpins_ = spinsFor(barrierSpinMicroseconds);
    idleSpins_ = spinsFor(idleSpinMicroseconds);
  }
}

Status Pool::create(int32_t workers, std::unique_ptr<Pool> &pool) {
  if (workers < 1 || workers > workersLimit)
    return invalid("the number of threads must be between 1 and " +
                   std::to_string(workersLimit) + ", but is " +
                   std::to_string(workers));
  std::unique_ptr<Pool> made(new Pool(workers));
  // Signals are for the host program's own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  Status status;
  try {
    for (int32_t worker = 1; worker < workers; ++worker)
      made->threads_.emplace_back(&Pool::work, made.get(), worker);
  } catch (const std::system_error &error) {
    status = ioError("cannot start thread " +
                         std::to_string(made->threads_.size() + 2) + " of " +
                         std::to_string(workers),
                     error.code().value());
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  QRT_TRY(std::move(status));
  pool = std::move(made);
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
  if (workers_ == 1)
    return entry(&frame, 0, 1);
  const std::lock_guard<std::mutex> lock(turn_);
  entry_ = entry;
  frame_ = &frame;
  call_.set(call_.value() + 1);
  entry(&frame, 0, workers_);
  barrier();
}

void Pool::work(int32_t worker) {
  pthread_setname_np(pthread_self(), "quantrt");
  const DefaultFloatingPoint scope;
  for (uint32_t seen = 0;; ++seen) {
    call_.waitWhile(seen, idleSpins_);
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

void Pool::barrier() {
  const uint32_t round = round_.value();
  arrive();
  round_.waitWhile(round, barrierSpins_);
}

void Pool::barrier(void *team, int32_t) {
  Pool &pool = *static_cast<Pool *>(team);
  if (pool.workers_ > 1)
    pool.barrier();
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
                                    &Pool::barrier};
  return &services;
}

} // namespace qrt
