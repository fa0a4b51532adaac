//===- ArenaTest.cpp - Tests of base/arena.h ------------------------------===//

#include "base/arena.h"
#include "MappedPages.h"

#include <gtest/gtest.h>

using namespace qrt;

namespace {

constexpr uint64_t huge = 2u << 20;

TEST(ArenaTest, IsZeroAndHasItsSize) {
  for (Pages pages : {Pages::Usual, Pages::Huge})
    for (uint64_t bytes : {uint64_t(1), huge - 1, huge, 3 * huge + 5}) {
      Arena arena;
      ASSERT_TRUE(arena.allocate(bytes, "a test", pages).ok());
      EXPECT_EQ(arena.bytes(), bytes);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(arena.data()) % 4096, 0u);
      for (uint64_t at = 0; at < bytes; at += 4001)
        ASSERT_EQ(arena.data()[at]++, 0);
      arena.data()[bytes - 1] = 1;
    }
}

TEST(ArenaTest, AsksForHugePagesWhereTheyFit) {
  if (!systemHasHugePages())
    GTEST_SKIP() << "this kernel has no huge pages";
  Arena usual, small, large;
  ASSERT_TRUE(usual.allocate(2 * huge, "a test").ok());
  ASSERT_TRUE(small.allocate(huge - 1, "a test", Pages::Huge).ok());
  ASSERT_TRUE(large.allocate(2 * huge + 5, "a test", Pages::Huge).ok());
  EXPECT_FALSE(advisedHuge(usual.data()));
  EXPECT_FALSE(advisedHuge(small.data()));
  EXPECT_TRUE(advisedHuge(large.data()));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(large.data()) % huge, 0u);
}

TEST(ArenaTest, GivesAllOfItBack) {
  for (Pages pages : {Pages::Usual, Pages::Huge}) {
    Arena arena;
    ASSERT_TRUE(arena.allocate(4 * huge + 5, "a test", pages).ok());
    uint8_t *const data = arena.data();
    arena.data()[4 * huge] = 1;
    arena.release();
    EXPECT_EQ(residentPages(data, 4 * huge), SIZE_MAX); // not mapped
    EXPECT_EQ(arena.bytes(), 0u);
  }
}

} // namespace
