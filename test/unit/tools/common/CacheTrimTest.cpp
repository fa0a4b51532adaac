//===- CacheTrimTest.cpp - Which modules leave the cache ------------------===//

#include "tools/common/cache_trim.h"

#include "gtest/gtest.h"

#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace lowbit::tools;

namespace {

class CacheTrimTest : public testing::Test {
protected:
  void SetUp() override {
    char name[] = "/tmp/lowbit-trim-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    folder = name;
  }
  void TearDown() override {
    for (const char *name : {"a.so", "b.so", "c.so", "d.gguf"})
      ::unlink(path(name).c_str());
    ::rmdir(folder.c_str());
  }

  std::string path(const std::string &name) { return folder + "/" + name; }
  bool has(const std::string &name) {
    return ::access(path(name).c_str(), F_OK) == 0;
  }
  /// 1 MiB, last read at `used` and written before.
  void make(const std::string &name, time_t used) {
    std::ofstream(path(name)) << std::string(1 << 20, 'x');
    timespec times[2] = {{used, 0}, {used - 100, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path(name).c_str(), times, 0), 0);
  }

  std::string folder;
};

TEST_F(CacheTrimTest, TheLongestUnusedGoFirst) {
  make("a.so", 3000);
  make("b.so", 1000);
  make("c.so", 2000);
  make("d.gguf", 10); // no module
  trimCache(folder, path("a.so"), 2u << 20);
  EXPECT_TRUE(has("a.so"));
  EXPECT_FALSE(has("b.so"));
  EXPECT_TRUE(has("c.so"));
  EXPECT_TRUE(has("d.gguf"));
}

TEST_F(CacheTrimTest, WhatWasJustMadeStays) {
  make("a.so", 1000);
  make("b.so", 2000);
  trimCache(folder, path("a.so"), 10);
  EXPECT_TRUE(has("a.so"));
  EXPECT_FALSE(has("b.so"));
}

TEST_F(CacheTrimTest, NothingGoesBelowTheLimit) {
  make("a.so", 1000);
  make("b.so", 2000);
  trimCache(folder, path("b.so"), 4u << 20);
  EXPECT_TRUE(has("a.so"));
  trimCache(folder + "/none", "", 0); // no such folder
}

TEST_F(CacheTrimTest, Limit) {
  ::unsetenv("LOWBIT_CACHE_GB");
  EXPECT_EQ(cacheLimit(), 20000000000u);
  ::setenv("LOWBIT_CACHE_GB", "3", 1);
  EXPECT_EQ(cacheLimit(), 3000000000u);
  ::setenv("LOWBIT_CACHE_GB", "0", 1);
  EXPECT_EQ(cacheLimit(), UINT64_MAX);
  ::setenv("LOWBIT_CACHE_GB", "many", 1);
  EXPECT_EQ(cacheLimit(), 20000000000u);
  ::unsetenv("LOWBIT_CACHE_GB");
}

} // namespace
