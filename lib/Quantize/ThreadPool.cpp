//===- ThreadPool.cpp - Threads that kernels share ------------------------===//

#include "lowbit/Quantize/ThreadPool.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace lowbit {

struct ThreadPool::State {
  std::vector<std::thread> threads;
  std::mutex mutex;
  std::condition_variable started, finished;
  uint64_t job = 0; ///< number of the current forEach
  size_t busy = 0;  ///< threads that have not finished it
  bool ends = false;
  const std::function<void(int64_t)> *body = nullptr;
  int64_t count = 0;
  std::atomic<int64_t> next{0};

  void work() {
    for (int64_t i; (i = next.fetch_add(1)) < count;)
      (*body)(i);
  }

  void run() {
    uint64_t seen = 0;
    std::unique_lock<std::mutex> lock(mutex);
    while (true) {
      started.wait(lock, [&] { return ends || job != seen; });
      if (ends)
        return;
      seen = job;
      lock.unlock();
      work();
      lock.lock();
      if (--busy == 0)
        finished.notify_one();
    }
  }
};

ThreadPool::ThreadPool(int threads) : state(std::make_unique<State>()) {
  for (int i = 1; i < threads; ++i)
    try {
      state->threads.emplace_back([this] { state->run(); });
    } catch (const std::system_error &) {
      break;
    }
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard<std::mutex> lock(state->mutex);
    state->ends = true;
  }
  state->started.notify_all();
  for (std::thread &thread : state->threads)
    thread.join();
}

int ThreadPool::size() const { return int(state->threads.size()) + 1; }

void ThreadPool::forEach(int64_t count,
                         const std::function<void(int64_t)> &body) {
  if (state->threads.empty() || count <= 1) {
    for (int64_t i = 0; i < count; ++i)
      body(i);
    return;
  }
  {
    std::lock_guard<std::mutex> lock(state->mutex);
    state->body = &body;
    state->count = count;
    state->next = 0;
    state->busy = state->threads.size();
    ++state->job;
  }
  state->started.notify_all();
  state->work();
  std::unique_lock<std::mutex> lock(state->mutex);
  state->finished.wait(lock, [&] { return state->busy == 0; });
}

} // namespace lowbit
