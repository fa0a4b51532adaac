//===- ProfileTest.cpp - Tests of thread/profile.h ------------------------===//

#include "thread/pool.h"
#include "thread/profile.h"

#include <chrono>
#include <gtest/gtest.h>

using namespace qrt;

namespace {

uint64_t now() {
  return uint64_t(std::chrono::duration_cast<std::chrono::nanoseconds>(
                      std::chrono::steady_clock::now().time_since_epoch())
                      .count());
}

void spin(uint64_t nanoseconds) {
  for (const uint64_t begin = now(); now() - begin < nanoseconds;)
    ;
}

TEST(ProfileTest, TimeGoesToTheRegionThatEnds) {
  Profile profile(1, 3);
  const uint64_t begin = now();
  profile.reset();
  profile.mark(0, 0);
  spin(5000000);
  profile.mark(0, 2);
  const Profile::Time first = profile.time(0), second = profile.time(2);
  EXPECT_EQ(first.marks, 1u);
  EXPECT_EQ(second.marks, 1u);
  // Ticks are scaled by a clock that is read beside them: a percent will do.
  EXPECT_GE(second.nanoseconds, 4950000u);
  EXPECT_LE(first.nanoseconds + second.nanoseconds,
            (now() - begin) * 101 / 100);
  EXPECT_EQ(profile.time(1).nanoseconds, 0u);
  EXPECT_EQ(profile.time(1).marks, 0u);
}

TEST(ProfileTest, WorkersAddUp) {
  Profile profile(2, 1);
  spin(2000000);
  profile.mark(0, 0);
  profile.mark(1, 0);
  profile.mark(1, 0);
  // Of worker 0 alone; time is of both.
  EXPECT_EQ(profile.time(0).marks, 1u);
  EXPECT_GE(profile.time(0).nanoseconds, 3900000u);
}

TEST(ProfileTest, ResetForgets) {
  Profile profile(1, 1);
  spin(1000000);
  profile.mark(0, 0);
  profile.reset();
  EXPECT_EQ(profile.time(0).nanoseconds, 0u);
  EXPECT_EQ(profile.time(0).marks, 0u);
}

TEST(ProfileTest, UnknownRegionsAreIgnored) {
  Profile profile(1, 1);
  profile.mark(0, 1);
  profile.mark(0, -1);
  EXPECT_EQ(profile.time(0).marks, 0u);
}

void markTwice(const qrt_frame *frame, int32_t worker, int32_t) {
  frame->host->mark(frame->team, worker, 0);
  frame->host->barrier(frame->team, worker);
  frame->host->mark(frame->team, worker, 1);
}

TEST(ProfileTest, PoolCountsWhatCodeMarks) {
  std::unique_ptr<Pool> pool;
  ASSERT_TRUE(Pool::create(3, pool).ok());
  qrt_frame frame = {};
  frame.host = Pool::host();
  frame.team = pool.get();
  pool->run(markTwice, frame); // nothing is counted yet
  EXPECT_EQ(pool->profile(), nullptr);
  pool->countRegions(2);
  const uint64_t begin = now();
  pool->profile()->reset();
  for (int call = 0; call < 10; ++call)
    pool->run(markTwice, frame);
  const Profile::Time first = pool->profile()->time(0),
                      second = pool->profile()->time(1);
  EXPECT_EQ(first.marks, 10u);
  EXPECT_EQ(second.marks, 10u);
  // All that a worker does is between two marks, and no worker is in two
  // regions at once.
  EXPECT_LE(first.nanoseconds + second.nanoseconds,
            3 * (now() - begin) * 101 / 100);
  EXPECT_GT(first.nanoseconds + second.nanoseconds, 0u);
}

} // namespace
