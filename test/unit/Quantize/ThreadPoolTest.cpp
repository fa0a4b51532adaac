//===- ThreadPoolTest.cpp - Threads that kernels share --------------------===//

#include "lowbit/Quantize/ThreadPool.h"

#include <atomic>
#include <gtest/gtest.h>
#include <vector>

using namespace lowbit;

TEST(ThreadPoolTest, each_index_once) {
  for (int threads : {-1, 1, 2, 5}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.size(), std::max(threads, 1));
    for (int64_t count : {0, 1, 3, 1000}) {
      std::vector<std::atomic<int>> seen(static_cast<size_t>(count));
      pool.forEach(count, [&](int64_t i) { ++seen[size_t(i)]; });
      for (std::atomic<int> &times : seen)
        EXPECT_EQ(times, 1);
    }
  }
}

TEST(ThreadPoolTest, many_jobs_in_a_row) {
  ThreadPool pool(4);
  std::atomic<int64_t> sum{0};
  for (int job = 0; job < 2000; ++job)
    pool.forEach(7, [&](int64_t i) { sum += i; });
  EXPECT_EQ(sum, 2000 * 21);
}
