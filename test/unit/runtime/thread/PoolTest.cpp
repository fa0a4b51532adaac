//===- PoolTest.cpp - Tests of thread/pool.h ------------------------------===//

#include "thread/pool.h"
#include "thread/cpu_mask.h"
#include "thread/topology.h"

#include <cfenv>
#include <chrono>
#include <gtest/gtest.h>

using namespace qrt;

namespace {

std::unique_ptr<Pool> make(int32_t workers) {
  std::unique_ptr<Pool> pool;
  const Status status = Pool::create(workers, pool);
  EXPECT_TRUE(status.ok()) << status.message();
  return pool;
}

qrt_frame frameFor(Pool &pool, void *const *arguments) {
  qrt_frame frame = {};
  frame.host = Pool::host();
  frame.team = &pool;
  frame.arguments = arguments;
  return frame;
}

/// Plain memory that each worker writes and its neighbour reads behind a
/// barrier: an error shows as a wrong sum, or as a race under TSan.
struct Ring {
  std::vector<int64_t> cells;
  std::vector<int64_t> sums;
  int rounds;
};

void passAround(const qrt_frame *frame, int32_t worker, int32_t workers) {
  Ring &ring = *static_cast<Ring *>(frame->arguments[0]);
  for (int round = 0; round < ring.rounds; ++round) {
    ring.cells[size_t(worker)] = round * 1000 + worker;
    frame->host->barrier(frame->team, worker);
    ring.sums[size_t(worker)] += ring.cells[size_t((worker + 1) % workers)];
    frame->host->barrier(frame->team, worker);
  }
}

void checkRing(int32_t workers, int calls, int rounds) {
  auto pool = make(workers);
  Ring ring{std::vector<int64_t>(size_t(workers)),
            std::vector<int64_t>(size_t(workers)), rounds};
  void *arguments[] = {&ring};
  const qrt_frame frame = frameFor(*pool, arguments);
  for (int call = 0; call < calls; ++call)
    pool->run(passAround, frame);
  for (int32_t worker = 0; worker < workers; ++worker) {
    const int64_t next = (worker + 1) % workers;
    EXPECT_EQ(ring.sums[size_t(worker)],
              calls * (1000ll * rounds * (rounds - 1) / 2 + rounds * next));
  }
}

TEST(PoolTest, OneWorker) { checkRing(1, 100, 10); }
TEST(PoolTest, TwoWorkers) { checkRing(2, 200, 50); }
TEST(PoolTest, MoreWorkersThanCores) { checkRing(4 * availableCpus(), 20, 20); }
TEST(PoolTest, OneWorkerMoreThanCores) {
  checkRing(availableCpus() + 1, 20, 50);
}

TEST(PoolTest, NumbersWorkers) {
  auto pool = make(5);
  std::vector<int32_t> calls(5, 0);
  void *arguments[] = {&calls};
  pool->run(
      [](const qrt_frame *frame, int32_t worker, int32_t workers) {
        auto &calls = *static_cast<std::vector<int32_t> *>(frame->arguments[0]);
        EXPECT_EQ(workers, 5);
        ++calls[size_t(worker)];
      },
      frameFor(*pool, arguments));
  EXPECT_EQ(calls, std::vector<int32_t>(5, 1));
}

TEST(PoolTest, WakesParkedWorkers) {
  auto pool = make(3);
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::atomic<int> calls{0};
    pool->onEachThread([&] { ++calls; });
    EXPECT_EQ(calls, 3);
  }
}

TEST(PoolTest, CallersTakeTurns) {
  auto pool = make(2);
  std::atomic<int> inside{0}, worst{0}, calls{0};
  auto call = [&] {
    for (int i = 0; i < 200; ++i)
      pool->onEachThread([&] {
        const int now = ++inside;
        if (now > worst)
          worst = now;
        ++calls;
        --inside;
      });
  };
  std::thread other(call);
  call();
  other.join();
  EXPECT_EQ(calls, 800);
  EXPECT_LE(worst, 2);
}

TEST(PoolTest, RoundsToNearestInEveryWorker) {
  auto pool = make(3);
  fesetround(FE_UPWARD);
  std::atomic<int> nearest{0};
  pool->onEachThread([&] {
    volatile float one = 1.0f, tiny = 1e-10f;
    nearest += one + tiny == 1.0f;
  });
  EXPECT_EQ(fegetround(), FE_UPWARD);
  fesetround(FE_TONEAREST);
  EXPECT_EQ(nearest, 3);
}

TEST(PoolTest, RefusesImpossibleNumbers) {
  std::unique_ptr<Pool> pool;
  for (int32_t workers : {-1, 0, 1 << 20})
    EXPECT_EQ(Pool::create(workers, pool).code(), QRT_INVALID_ARGUMENT);
}

std::vector<int32_t> ownCpus() {
  CpuMask mask;
  EXPECT_TRUE(mask.read());
  return mask.cpus();
}

TEST(PoolTest, BindsWorkersAndTheCallerDuringCalls) {
  const std::vector<int32_t> before = ownCpus();
  // Two workers on each CPU: they must not spin for each other.
  std::vector<int32_t> places;
  for (size_t i = 0; i < 2 * before.size(); ++i)
    places.push_back(before[i % before.size()]);
  std::unique_ptr<Pool> pool;
  const Status status = Pool::create(int32_t(places.size()), pool, places);
  ASSERT_TRUE(status.ok()) << status.message();
  std::vector<std::vector<int32_t>> seen(places.size());
  void *arguments[] = {&seen};
  for (int call = 0; call < 20; ++call) {
    pool->run(
        [](const qrt_frame *frame, int32_t worker, int32_t) {
          auto &seen = *static_cast<std::vector<std::vector<int32_t>> *>(
              frame->arguments[0]);
          seen[size_t(worker)] = ownCpus();
        },
        frameFor(*pool, arguments));
    for (size_t worker = 0; worker < places.size(); ++worker)
      EXPECT_EQ(seen[worker], std::vector<int32_t>{places[worker]});
    EXPECT_EQ(ownCpus(), before);
  }
}

TEST(PoolTest, SaysWhichCpuIsNotToBeHad) {
  const std::vector<int32_t> before = ownCpus();
  const int32_t none = CpuMask::limit - 1; // larger machines fail here
  std::unique_ptr<Pool> pool;
  EXPECT_EQ(Pool::create(1, pool, {none}).message(),
            "cannot bind thread 1 of 1 to CPU 8191: Invalid argument");
  EXPECT_EQ(Pool::create(2, pool, {before[0], none}).message(),
            "cannot bind thread 2 of 2 to CPU 8191: Invalid argument");
  EXPECT_EQ(pool, nullptr);
  EXPECT_EQ(ownCpus(), before);
}

} // namespace
