//===- TargetInfo.cpp - The table of CPU levels ---------------------------===//

#include "lowbit/Analysis/TargetInfo.h"

#include "quantrt/abi.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"

namespace lowbit {

static constexpr const char *kX86 = "x86_64-unknown-linux-gnu";
static constexpr const char *kArm = "aarch64-unknown-linux-gnu";

static constexpr uint32_t kAVX2 =
    QRT_CPU_AVX2 | QRT_CPU_FMA | QRT_CPU_F16C | QRT_CPU_BMI2;
static constexpr uint32_t kAVXVNNI = kAVX2 | QRT_CPU_AVXVNNI;
static constexpr uint32_t kAVX512 = kAVX2 | QRT_CPU_AVX512F | QRT_CPU_AVX512BW |
                                    QRT_CPU_AVX512VL | QRT_CPU_AVX512DQ |
                                    QRT_CPU_AVX512VNNI;
static constexpr uint32_t kAVX512BF16 =
    kAVX512 | QRT_CPU_AVX512BF16 | QRT_CPU_AVX512BITALG |
    QRT_CPU_AVX512VPOPCNTDQ | QRT_CPU_AVX512VBMI;
static constexpr uint32_t kAMX = kAVX512 | QRT_CPU_AVX512BF16 |
                                 QRT_CPU_AMX_TILE | QRT_CPU_AMX_INT8 |
                                 QRT_CPU_AMX_BF16;
static constexpr uint32_t kARMV86 =
    QRT_CPU_NEON_DOTPROD | QRT_CPU_NEON_I8MM | QRT_CPU_NEON_BF16;

// Without what LLVM's icelake-server has beside the level's features.
#define LOWBIT_AVX512                                                          \
  "+avx2,+fma,+f16c,+bmi,+bmi2,+popcnt,+lzcnt,+avx512f,+avx512bw,+avx512vl,"   \
  "+avx512dq,+avx512vnni,-avx512ifma,-avx512vbmi2,-gfni,-vaes,-vpclmulqdq,"    \
  "-prefer-256-bit,"
#define LOWBIT_NO_BITS "-avx512vbmi,-avx512bitalg,-avx512vpopcntdq"

// tileSums: avx512 has 32 registers of 16 lanes; 4 rows x 3 panels take 24 for
// the two accumulators of each. avx2 has 16 registers of 8 lanes; 2 rows take
// 8.
// onceRows, streamRows: 4 bits of groups of 32 from memory (Zen 5, 1 thread,
// 2026-11-24): avx512vnni 8 rows 69 % of the peak; 12 rows by 12 64, by 6 69; 16
// rows by 12 65, by 6 69. avx2 8 rows by 2 104, by 4 112 % (it sums 4 bits in 16);
// avxvnni 8 rows by 2 68, by 4 53 %.
// avxvnni has as many: with 6 (3 panels, a row at a time) SmolLM2-135M read a
// prompt at 779 tokens/s in place of 1244 (Zen 5, 1 thread, 2026-11-24).
// LLVM models no CPU of this level but those that have more features.
// avx512bf16: scheduled for icelake-server, znver4 or sapphirerapids, 512 rows
// of a layer of 2048 x 8192 in bf16 reach 95.3, 94.7 and 95.1 % of the peak, in
// Q4_0 with int8 72 and 67 with the first two (Zen 5, 2026-11-24).
// amx: 32 rows x 2 panels are four tiles of sums, two of rows, two of weights,
// all eight. No machine has run it.
// neon and armv8.6 have 32 registers of 4 lanes; a tile of 4 rows takes 16 of
// them for its sums. No machine has measured them.
static const TargetInfo targets[] = {
    {"avx2", QRT_LEVEL_AVX2, kAVX2, kX86, "haswell",
     "+avx2,+fma,+f16c,+bmi,+bmi2,+popcnt,+lzcnt", DotProduct::AVX2, 128, false,
     true, 4, 4, 4, 128 << 10, 128 << 10, 2, 6},
    {"avxvnni", QRT_LEVEL_AVXVNNI, kAVXVNNI, kX86, "haswell",
     "+avx2,+fma,+f16c,+bmi,+bmi2,+popcnt,+lzcnt,+avxvnni",
     DotProduct::AVXVNNI, 255, false, false, 4, 2, 2, 128 << 10, 128 << 10, 2,
     6},
    {"avx512vnni", QRT_LEVEL_AVX512VNNI, kAVX512, kX86, "icelake-server",
     LOWBIT_AVX512 LOWBIT_NO_BITS, DotProduct::AVX512VNNI, 255, true, false, 24,
     8, 6, 256 << 10, 400 << 10, 6, 24},
    {"avx512bf16", QRT_LEVEL_AVX512BF16, kAVX512BF16, kX86, "icelake-server",
     LOWBIT_AVX512 "+avx512bf16,+avx512bitalg,+avx512vpopcntdq,+avx512vbmi",
     DotProduct::AVX512VNNI, 255, true, false, 24, 8, 6, 256 << 10, 400 << 10,
     6, 24, /*dotsPairs=*/true, /*countsWords=*/true},
    {"amx", QRT_LEVEL_AMX, kAMX, kX86, "icelake-server",
     LOWBIT_AVX512 LOWBIT_NO_BITS ",+avx512bf16,+amx-tile,+amx-int8,+amx-bf16",
     DotProduct::AVX512VNNI, 255, true, false, 24, 8, 6, 256 << 10, 400 << 10,
     6, 24, false, false, TileDot::AMX, 32, 2},
    {"neon", QRT_LEVEL_NEON, QRT_CPU_NEON_DOTPROD, kArm, "generic",
     "+neon,+dotprod", DotProduct::NEON, 127, false, false, 4, 2, 2, 128 << 10,
     128 << 10, 2, 6},
    {"armv8.6", QRT_LEVEL_ARMV86, kARMV86, kArm, "generic",
     "+neon,+dotprod,+i8mm,+bf16", DotProduct::I8MM, 255, false, false, 4, 2, 2,
     128 << 10, 128 << 10, 2, 6, false, false, TileDot::I8MM, 4, 1},
};

llvm::ArrayRef<TargetInfo> knownTargets() { return targets; }

const TargetInfo *findTarget(llvm::StringRef level) {
  for (const TargetInfo &target : targets)
    if (level == target.level)
      return &target;
  return nullptr;
}

bool hostRuns(const TargetInfo &target) {
  static const auto host = llvm::sys::getHostCPUFeatures();
  llvm::SmallVector<llvm::StringRef> features;
  llvm::StringRef(target.features).split(features, ',');
  return llvm::all_of(features, [&](llvm::StringRef feature) {
    if (!feature.consume_front("+"))
      return true;
    auto found = host.find(feature);
    return found != host.end() && found->second;
  });
}

const TargetInfo *hostTarget() {
  const TargetInfo *best = nullptr;
  for (const TargetInfo &target : targets) {
    bool isPossible = target.tileDot != TileDot::AMX && hostRuns(target);
    if (isPossible && (!best || target.abiLevel > best->abiLevel))
      best = &target;
  }
  return best;
}

} // namespace lowbit
