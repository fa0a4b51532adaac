//===- CpuTest.cpp - Tests of base/cpu.h ----------------------------------===//

#include "base/cpu.h"
#include "quantrt/abi.h"

#include <gtest/gtest.h>

using namespace qrt;

namespace {

TEST(CpuTest, NamesFeatures) {
  EXPECT_EQ(featureNames(0), "");
  EXPECT_EQ(featureNames(QRT_CPU_FMA | QRT_CPU_AVX512VNNI), "fma, avx512vnni");
  EXPECT_EQ(featureNames(QRT_CPU_AVX2 | 1u << 31),
            "avx2, features unknown to this runtime");
}

TEST(CpuTest, AsksOnlyForWhatIsWantedAndThere) {
  static int asked;
  asked = 0;
  constexpr uint32_t tiles = QRT_CPU_AMX_TILE | QRT_CPU_AMX_INT8;
  constexpr uint32_t cpu = QRT_CPU_AVX2 | tiles;
  const auto refuses = [] { return ++asked == 0; };
  const auto permits = [] { return ++asked != 0; };
  EXPECT_EQ(withoutRefused(cpu, QRT_CPU_AVX2, refuses), cpu);
  EXPECT_EQ(withoutRefused(QRT_CPU_AVX2, tiles, refuses),
            uint32_t(QRT_CPU_AVX2));
  EXPECT_EQ(asked, 0);
  EXPECT_EQ(withoutRefused(cpu, tiles, permits), cpu);
  EXPECT_EQ(withoutRefused(cpu, tiles, refuses), uint32_t(QRT_CPU_AVX2));
  EXPECT_EQ(asked, 2);
}

#if defined(__x86_64__)
TEST(CpuTest, AgreesWithTheCompilersRuntime) {
  const uint32_t features = cpuFeatures();
  __builtin_cpu_init();
  EXPECT_EQ((features & QRT_CPU_AVX2) != 0,
            __builtin_cpu_supports("avx2") != 0);
  EXPECT_EQ((features & QRT_CPU_FMA) != 0, __builtin_cpu_supports("fma") != 0);
  EXPECT_EQ((features & QRT_CPU_BMI2) != 0,
            __builtin_cpu_supports("bmi2") != 0);
  EXPECT_EQ((features & QRT_CPU_AVX512BW) != 0,
            __builtin_cpu_supports("avx512bw") != 0);
  EXPECT_EQ((features & QRT_CPU_AVX512VNNI) != 0,
            __builtin_cpu_supports("avx512vnni") != 0);
  EXPECT_EQ((features & QRT_CPU_AVX512BF16) != 0,
            __builtin_cpu_supports("avx512bf16") != 0);
  EXPECT_EQ((features & QRT_CPU_AVX512BITALG) != 0,
            __builtin_cpu_supports("avx512bitalg") != 0);
  EXPECT_EQ((features & QRT_CPU_AVX512VPOPCNTDQ) != 0,
            __builtin_cpu_supports("avx512vpopcntdq") != 0);
  EXPECT_EQ((features & QRT_CPU_AVX512VBMI) != 0,
            __builtin_cpu_supports("avx512vbmi") != 0);
}
#endif

} // namespace
