//===- CacheTest.cpp - Tests of kv/cache.h --------------------------------===//

#include "kv/cache.h"

#include "../base/MappedPages.h"

#include <gtest/gtest.h>

using namespace qrt;

namespace {

qrt_text_record pages(uint32_t size, uint64_t bytes) {
  qrt_text_record text = {};
  text.page_size = size;
  text.page_bytes = bytes;
  return text;
}

TEST(CacheTest, HasWholePages) {
  Cache cache;
  ASSERT_TRUE(cache.create(pages(16, 4096), 33).ok());
  EXPECT_EQ(cache.capacity(), 33);
  EXPECT_EQ(cache.bytesFor(0), 0u);
  EXPECT_EQ(cache.bytesFor(16), 4096u);
  EXPECT_EQ(cache.bytesFor(33), 3 * 4096u);
  for (int32_t page = 0; page < 3; ++page)
    EXPECT_EQ(cache.pageTable()[page], page);
  for (int i = 0; i < 3 * 4096; ++i)
    ASSERT_EQ(cache.pages()[i], 0);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(cache.pages()) % 64, 0u);
}

/// So that a page lies in the memory that is near the worker which writes it.
TEST(CacheTest, PagesAreFirstTouchedByWhoWritesThem) {
  const size_t page = size_t(sysconf(_SC_PAGESIZE));
  Cache cache;
  ASSERT_TRUE(cache.create(pages(16, page), 16 * 64).ok());
  EXPECT_EQ(residentPages(cache.pages(), 64 * page), 0u);
  cache.pages()[17 * page] = 1;
  EXPECT_EQ(residentPages(cache.pages(), 64 * page), 1u);
}

TEST(CacheTest, MayHaveHugePages) {
  if (!systemHasHugePages())
    GTEST_SKIP() << "this kernel has no huge pages";
  for (Pages kind : {Pages::Usual, Pages::Huge}) {
    Cache cache;
    ASSERT_TRUE(cache.create(pages(16, 3u << 20), 100, kind).ok());
    EXPECT_EQ(advisedHuge(cache.pages()), kind == Pages::Huge);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(cache.pages()) % (3u << 20), 0u);
    cache.pages()[7 * (3u << 20) - 1] = 1;
  }
}

TEST(CacheTest, OneCallReachesTheOthersPages) {
  for (uint64_t bytes : {64u, 4096u, 12288u, 3u << 20}) {
    Cache caches[3];
    for (Cache &cache : caches)
      ASSERT_TRUE(cache.create(pages(16, bytes), 100).ok());
    const Cache *base = &caches[0];
    for (const Cache &cache : caches)
      base = cache.pages() < base->pages() ? &cache : base;
    for (Cache &cache : caches) {
      const int32_t *table = cache.pageTableFrom(*base);
      ASSERT_NE(table, nullptr);
      for (int32_t i = 0; i < 7; ++i)
        EXPECT_EQ(base->pages() + uint64_t(table[i]) * bytes,
                  cache.pages() + uint64_t(i) * bytes);
      EXPECT_EQ(cache.pageTable()[6], 6);
    }
  }
}

TEST(CacheTest, SaysThatMemoryIsShort) {
  Cache cache;
  for (uint64_t bytes : {1ull << 40, 1ull << 50}) {
    const Status status = cache.create(pages(1, bytes), 1 << 30);
    EXPECT_EQ(status.code(), QRT_OUT_OF_MEMORY);
    EXPECT_NE(status.message().find("the KV cache"), std::string::npos);
  }
}

} // namespace
