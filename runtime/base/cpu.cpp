//===- cpu.cpp - What this CPU can do -------------------------------------===//

#include "base/cpu.h"
#include "quantrt/abi.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace qrt {

namespace {

struct FeatureName {
  uint32_t feature;
  const char *name;
};

constexpr FeatureName featureTable[] = {
    {QRT_CPU_AVX2, "avx2"},
    {QRT_CPU_FMA, "fma"},
    {QRT_CPU_F16C, "f16c"},
    {QRT_CPU_BMI2, "bmi2"},
    {QRT_CPU_AVXVNNI, "avxvnni"},
    {QRT_CPU_AVX512F, "avx512f"},
    {QRT_CPU_AVX512BW, "avx512bw"},
    {QRT_CPU_AVX512VL, "avx512vl"},
    {QRT_CPU_AVX512DQ, "avx512dq"},
    {QRT_CPU_AVX512VNNI, "avx512vnni"},
    {QRT_CPU_AVX512BF16, "avx512bf16"},
    {QRT_CPU_AVX512BITALG, "avx512bitalg"},
    {QRT_CPU_AVX512VPOPCNTDQ, "avx512vpopcntdq"},
    {QRT_CPU_AVX512VBMI, "avx512vbmi"},
    {QRT_CPU_AMX_TILE, "amx-tile"},
    {QRT_CPU_AMX_INT8, "amx-int8"},
    {QRT_CPU_AMX_BF16, "amx-bf16"},
    {QRT_CPU_NEON_DOTPROD, "dotprod"},
    {QRT_CPU_NEON_I8MM, "i8mm"},
    {QRT_CPU_NEON_BF16, "bf16"},
};

#if defined(__x86_64__)

uint64_t extendedControlRegister() {
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low | uint64_t(high) << 32;
}

uint32_t detect() {
  // Bits of XCR0: the registers that the system saves on a context switch.
  constexpr uint64_t ymmState = 0x6, zmmState = 0xe6, tileState = 0x60000;
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d))
    return 0;
  const bool hasXgetbv = c & (1u << 27);
  const uint64_t saved = hasXgetbv ? extendedControlRegister() : 0;
  if ((saved & ymmState) != ymmState)
    return 0;
  uint32_t features = 0;
  auto add = [&](uint32_t word, int bit, uint32_t feature) {
    if (word & (1u << bit))
      features |= feature;
  };
  add(c, 12, QRT_CPU_FMA);
  add(c, 29, QRT_CPU_F16C);
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
    return features;
  const uint32_t subleaves = a;
  add(b, 5, QRT_CPU_AVX2);
  add(b, 8, QRT_CPU_BMI2);
  const bool hasZmm = (saved & zmmState) == zmmState;
  if (hasZmm) {
    add(b, 16, QRT_CPU_AVX512F);
    add(b, 17, QRT_CPU_AVX512DQ);
    add(b, 30, QRT_CPU_AVX512BW);
    add(b, 31, QRT_CPU_AVX512VL);
    add(c, 1, QRT_CPU_AVX512VBMI);
    add(c, 11, QRT_CPU_AVX512VNNI);
    add(c, 12, QRT_CPU_AVX512BITALG);
    add(c, 14, QRT_CPU_AVX512VPOPCNTDQ);
  }
  if ((saved & tileState) == tileState) {
    add(d, 22, QRT_CPU_AMX_BF16);
    add(d, 24, QRT_CPU_AMX_TILE);
    add(d, 25, QRT_CPU_AMX_INT8);
  }
  if (subleaves >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d)) {
    add(a, 4, QRT_CPU_AVXVNNI);
    if (hasZmm)
      add(a, 5, QRT_CPU_AVX512BF16);
  }
  return features;
}

#elif defined(__aarch64__)

uint32_t detect() {
  uint32_t features = 0;
  if (getauxval(AT_HWCAP) & HWCAP_ASIMDDP)
    features |= QRT_CPU_NEON_DOTPROD;
  const unsigned long more = getauxval(AT_HWCAP2);
  if (more & HWCAP2_I8MM)
    features |= QRT_CPU_NEON_I8MM;
  if (more & HWCAP2_BF16)
    features |= QRT_CPU_NEON_BF16;
  return features;
}

#else

uint32_t detect() { return 0; }

#endif

} // namespace

uint32_t cpuFeatures() {
  static const uint32_t features = detect();
  return features;
}

uint32_t withoutRefused(uint32_t cpu, uint32_t wanted, bool (*permits)()) {
  if (!(cpu & wanted & featuresOnRequest) || permits())
    return cpu;
  return cpu & ~featuresOnRequest;
}

#if defined(__x86_64__) && defined(SYS_arch_prctl)

bool permitsTiles() {
  // Linux, Documentation/arch/x86/xstate.rst; headers may be older than 5.16.
  constexpr int requestPermission = 0x1023, tileData = 18;
  static const bool isPermitted =
      syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
  return isPermitted;
}

#else

bool permitsTiles() { return false; }

#endif

std::string featureNames(uint32_t features) {
  std::string names;
  auto append = [&](const std::string &name) {
    names += (names.empty() ? "" : ", ") + name;
  };
  for (const FeatureName &entry : featureTable) {
    if (features & entry.feature)
      append(entry.name);
    features &= ~entry.feature;
  }
  if (features)
    append("features unknown to this runtime");
  return names;
}

} // namespace qrt
