//===- LevelTest.cpp - Tests of module/level.h ----------------------------===//

#include "module/level.h"
#include "FakeModule.h"

#include <gtest/gtest.h>

using namespace qrt;

namespace {

constexpr uint32_t avx2 = QRT_CPU_AVX2 | QRT_CPU_FMA;
constexpr uint32_t vnni = avx2 | QRT_CPU_AVX512F | QRT_CPU_AVX512VNNI;

class LevelTest : public ::testing::Test {
protected:
  LevelTest() {
    FakeModule fake;
    fake.levels = {
        {QRT_LEVEL_AVX512VNNI, vnni, fake.add("avx512vnni"), 0},
        {QRT_LEVEL_AVX2, avx2, fake.add("avx2"), 0},
    };
    file_ = fake.bytes();
    EXPECT_TRUE(ModuleView::parse(file_, "m.so", view_).ok());
  }

  Status choose(std::string_view wanted, uint32_t cpu) {
    return chooseLevel(view_, "m.so", wanted, cpu, level_);
  }

  std::string file_;
  ModuleView view_;
  size_t level_ = 99;
};

TEST_F(LevelTest, TakesTheBestThatTheCpuHas) {
  ASSERT_TRUE(choose("", vnni).ok());
  EXPECT_EQ(level_, 0u);
  ASSERT_TRUE(choose("", avx2).ok());
  EXPECT_EQ(level_, 1u);
}

TEST_F(LevelTest, TakesTheOneAskedFor) {
  ASSERT_TRUE(choose("avx2", vnni).ok());
  EXPECT_EQ(level_, 1u);
}

TEST_F(LevelTest, SaysWhatTheCpuLacks) {
  const Status status = choose("avx512vnni", avx2);
  EXPECT_EQ(status.code(), QRT_UNSUPPORTED);
  EXPECT_EQ(status.message(),
            "m.so: level avx512vnni needs avx512f, avx512vnni, which this CPU "
            "lacks; this module has avx2: set QRT_CPU=avx2 or recompile with "
            "--target-cpu=host");
}

TEST_F(LevelTest, SaysWhatTheModuleHas) {
  const Status status = choose("neon", vnni);
  EXPECT_EQ(status.code(), QRT_UNSUPPORTED);
  EXPECT_EQ(status.message(),
            "m.so: no level neon; this module has avx512vnni, avx2: choose one "
            "with QRT_CPU, or recompile with --target-cpu=neon");
}

TEST_F(LevelTest, SaysThatNoLevelFits) {
  for (const char *wanted : {"", "avx2"}) {
    const Status status = choose(wanted, QRT_CPU_AVX2);
    EXPECT_EQ(status.code(), QRT_UNSUPPORTED);
    EXPECT_NE(status.message().find("recompile with --target-cpu=host"),
              std::string::npos);
  }
}

} // namespace
