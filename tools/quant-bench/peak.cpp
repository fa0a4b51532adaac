//===- peak.cpp - Arithmetic at most --------------------------------------===//

#include "tools/quant-bench/peak.h"

#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

using namespace lowbit::tools;

/// Steps of a measurement; a multiple of all numbers of chains below.
static constexpr int64_t manySteps = 168000000;

#if defined(__x86_64__)
// Independent accumulators hide a latency of 4 to 5 cycles at two instructions
// a cycle: 16 of them, or 12 where there are 16 registers. The asm statement
// keeps the compiler from computing the sum at once.
#define PEAK_LOOP(CHAINS, VECTOR, ZERO, CONSTRAINT, INSTRUCTION)               \
  constexpr int chains = CHAINS;                                               \
  VECTOR sums[chains], a = ZERO, b = ZERO;                                     \
  for (VECTOR &sum : sums)                                                     \
    sum = ZERO;                                                                \
  for (int64_t i = 0; i < steps; i += chains)                                  \
    _Pragma("unroll") for (int j = 0; j < chains; ++j) asm volatile(           \
        INSTRUCTION : "+" CONSTRAINT(sums[j]) : CONSTRAINT(a), CONSTRAINT(b)); \
  VECTOR total = ZERO;                                                         \
  for (VECTOR &sum : sums)                                                     \
    asm volatile("vpaddd %1, %0, %0"                                           \
                 : "+" CONSTRAINT(total)                                       \
                 : CONSTRAINT(sum));                                           \
  uint64_t words[sizeof(VECTOR) / 8];                                          \
  std::memcpy(words, &total, sizeof total);                                    \
  return words[0];

__attribute__((target("avx512f,avx512bw,avx512vnni"))) static uint64_t
int8Wide(int64_t steps) {
  PEAK_LOOP(16, __m512i, _mm512_setzero_si512(), "v", "vpdpbusd %2, %1, %0")
}

__attribute__((target("avx512f"))) static uint64_t f32Wide(int64_t steps) {
  PEAK_LOOP(16, __m512i, _mm512_setzero_si512(), "v", "vfmadd231ps %2, %1, %0")
}

__attribute__((target("avx512f,avx512bf16"))) static uint64_t
bf16Wide(int64_t steps) {
  PEAK_LOOP(16, __m512i, _mm512_setzero_si512(), "v", "vdpbf16ps %2, %1, %0")
}

__attribute__((target("avx2,avxvnni"))) static uint64_t
int8Vnni(int64_t steps) {
  PEAK_LOOP(12, __m256i, _mm256_setzero_si256(), "x",
            "%{vex%} vpdpbusd %2, %1, %0")
}

__attribute__((target("avx2,fma"))) static uint64_t f32Narrow(int64_t steps) {
  PEAK_LOOP(12, __m256i, _mm256_setzero_si256(), "x", "vfmadd231ps %2, %1, %0")
}

/// Without VNNI a dot product takes three instructions and a temporary.
__attribute__((target("avx2"))) static uint64_t int8Narrow(int64_t steps) {
  static constexpr int few = 8; // the temporaries need registers too
  __m256i sums[few], a = _mm256_set1_epi8(1), b = a,
                     ones = _mm256_set1_epi16(1);
  for (__m256i &sum : sums)
    sum = _mm256_setzero_si256();
  for (int64_t i = 0; i < steps; i += few)
#pragma unroll
    for (int j = 0; j < few; ++j) {
      asm volatile("" : "+x"(a));
      __m256i pairs = _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), ones);
      sums[j] = _mm256_add_epi32(sums[j], pairs);
    }
  for (int j = 1; j < few; ++j)
    sums[0] = _mm256_add_epi32(sums[0], sums[j]);
  return static_cast<uint64_t>(_mm256_extract_epi64(sums[0], 0));
}

/// A sign times a sign: XNOR, of which the ones are counted.
__attribute__((target("avx512f,avx512vpopcntdq"))) static uint64_t
xnorWide(int64_t steps) {
  static constexpr int few = 8;
  __m512i sums[few], a = _mm512_set1_epi64(5), b = _mm512_set1_epi64(3);
  for (__m512i &sum : sums)
    sum = _mm512_setzero_si512();
  for (int64_t i = 0; i < steps; i += few)
#pragma unroll
    for (int j = 0; j < few; ++j) {
      asm volatile("" : "+v"(a));
      __m512i equal = _mm512_ternarylogic_epi64(a, b, b, 0xC3); // ~(a ^ b)
      sums[j] = _mm512_add_epi64(sums[j], _mm512_popcnt_epi64(equal));
    }
  for (int j = 1; j < few; ++j)
    sums[0] = _mm512_add_epi64(sums[0], sums[j]);
  return static_cast<uint64_t>(_mm512_reduce_add_epi64(sums[0]));
}

/// Without vpopcntq each half of a byte is looked up. Full adders of bits make
/// four words of eight before.
__attribute__((target("avx512f,avx512bw,avx512vnni"))) static uint64_t
xnorWideBytes(int64_t steps) {
  static constexpr int few = 8;
  const __m512i bits = _mm512_broadcast_i32x4(_mm_setr_epi8(
      0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
  const __m512i low = _mm512_set1_epi8(15);
  auto count = [&](__m512i word) __attribute__((
      target("avx512f,avx512bw,avx512vnni"), always_inline)) {
    __m512i upper = _mm512_and_si512(_mm512_srli_epi16(word, 4), low);
    __m512i lower = _mm512_and_si512(word, low);
    return _mm512_add_epi8(_mm512_shuffle_epi8(bits, upper),
                           _mm512_shuffle_epi8(bits, lower));
  };
  // The sum of a, b and c stays in a; returns what it carries.
  auto add = [](__m512i &a, __m512i b, __m512i c) __attribute__((
      target("avx512f,avx512bw,avx512vnni"), always_inline)) {
    __m512i carry = _mm512_ternarylogic_epi64(a, b, c, 0xE8);
    a = _mm512_ternarylogic_epi64(a, b, c, 0x96);
    return carry;
  };
  __m512i sums[3] = {}, a = low, b = _mm512_set1_epi8(3);
  for (int64_t i = 0; i < steps; i += few) {
    __m512i x[few];
#pragma unroll
    for (int j = 0; j < few; ++j) {
      asm volatile("" : "+v"(a));
      x[j] = _mm512_xor_si512(a, b);
    }
    __m512i twos = add(x[0], x[1], x[2]);
    __m512i more = add(x[0], x[3], x[4]), last = add(x[0], x[5], x[6]);
    __m512i fours = add(twos, more, last);
    __m512i ones = _mm512_add_epi8(count(x[0]), count(x[7]));
    sums[0] = _mm512_dpbusd_epi32(sums[0], ones, _mm512_set1_epi8(1));
    sums[1] = _mm512_dpbusd_epi32(sums[1], count(twos), _mm512_set1_epi8(2));
    sums[2] = _mm512_dpbusd_epi32(sums[2], count(fours), _mm512_set1_epi8(4));
  }
  sums[0] = _mm512_add_epi32(sums[0], _mm512_add_epi32(sums[1], sums[2]));
  return static_cast<uint64_t>(_mm512_reduce_add_epi32(sums[0]));
}

/// Of 256 bits, without adders: they would take five instructions.
__attribute__((target("avx2"))) static uint64_t xnorNarrow(int64_t steps) {
  static constexpr int few = 4;
  const __m256i bits = _mm256_setr_epi8(
      0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, //
      0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  const __m256i low = _mm256_set1_epi8(15), zero = _mm256_setzero_si256();
  __m256i sums[few] = {zero, zero, zero, zero}, a = low,
          b = _mm256_set1_epi8(3);
  for (int64_t i = 0; i < steps; i += few)
#pragma unroll
    for (int j = 0; j < few; ++j) {
      asm volatile("" : "+x"(a));
      // The inversion of XNOR goes into the other operand once.
      __m256i equal = _mm256_xor_si256(a, b);
      __m256i upper = _mm256_and_si256(_mm256_srli_epi16(equal, 4), low);
      __m256i lower = _mm256_and_si256(equal, low);
      __m256i ones = _mm256_add_epi8(_mm256_shuffle_epi8(bits, upper),
                                     _mm256_shuffle_epi8(bits, lower));
      sums[j] = _mm256_add_epi64(sums[j], _mm256_sad_epu8(ones, zero));
    }
  for (int j = 1; j < few; ++j)
    sums[0] = _mm256_add_epi64(sums[0], sums[j]);
  return static_cast<uint64_t>(_mm256_extract_epi64(sums[0], 0));
}

#define PEAK_RUNS(NAME, ...)                                                   \
  static bool NAME() {                                                         \
    __builtin_cpu_init();                                                      \
    return __VA_ARGS__;                                                        \
  }
PEAK_RUNS(hasWide, __builtin_cpu_supports("avx512f"))
PEAK_RUNS(hasVnni, __builtin_cpu_supports("avx512vnni") &&
                       __builtin_cpu_supports("avx512bw"))
PEAK_RUNS(hasBf16, __builtin_cpu_supports("avx512bf16"))
PEAK_RUNS(hasPopcount, __builtin_cpu_supports("avx512vpopcntdq"))
PEAK_RUNS(hasNarrowVnni, __builtin_cpu_supports("avxvnni"))
PEAK_RUNS(hasNarrow, __builtin_cpu_supports("avx2"))
PEAK_RUNS(hasFma, __builtin_cpu_supports("avx2") &&
                      __builtin_cpu_supports("fma"))
#endif

static bool always() { return true; }

/// What any compiler makes of a dot product of 16 bytes.
static uint64_t int8Plain(int64_t steps) {
  int8_t a[16], b[16];
  std::memset(a, 1, sizeof a);
  std::memset(b, 1, sizeof b);
  uint32_t sum = 0;
  for (int64_t i = 0; i < steps; ++i) {
    asm volatile("" : : "r"(a), "r"(b) : "memory");
    for (int j = 0; j < 16; ++j)
      sum += static_cast<uint32_t>(a[j] * b[j]);
  }
  return sum;
}

static constexpr PeakLoop peakLoops[] = {
#if defined(__x86_64__)
    {"int8", "avx512vnni", "vpdpbusd, 512 bits", 64, manySteps, hasVnni,
     int8Wide},
    {"f32", "avx512vnni", "vfmadd231ps, 512 bits", 16, manySteps, hasWide,
     f32Wide},
    {"bf16", "avx512vnni", "vdpbf16ps, 512 bits", 32, manySteps, hasBf16,
     bf16Wide},
    {"xnor", "avx512vnni", "vpxorq, vpternlogq, vpshufb, vpdpbusd, 512 bits",
     512, manySteps / 4, hasVnni, xnorWideBytes},
    {"int8", "avx512bf16", "vpdpbusd, 512 bits", 64, manySteps, hasVnni,
     int8Wide},
    {"f32", "avx512bf16", "vfmadd231ps, 512 bits", 16, manySteps, hasWide,
     f32Wide},
    {"bf16", "avx512bf16", "vdpbf16ps, 512 bits", 32, manySteps, hasBf16,
     bf16Wide},
    {"xnor", "avx512bf16", "vpternlogq, vpopcntq, vpaddq, 512 bits", 512,
     manySteps / 2, hasPopcount, xnorWide},
    {"int8", "avxvnni", "vpdpbusd, 256 bits", 32, manySteps, hasNarrowVnni,
     int8Vnni},
    {"f32", "avxvnni", "vfmadd231ps, 256 bits", 8, manySteps, hasFma,
     f32Narrow},
    {"xnor", "avxvnni", "vpxor, vpshufb, vpsadbw, 256 bits", 256,
     manySteps / 8, hasNarrow, xnorNarrow},
    {"int8", "avx2", "vpmaddubsw, vpmaddwd, vpaddd, 256 bits", 32,
     manySteps / 2, hasNarrow, int8Narrow},
    {"f32", "avx2", "vfmadd231ps, 256 bits", 8, manySteps, hasFma, f32Narrow},
    {"xnor", "avx2", "vpxor, vpshufb, vpsadbw, 256 bits", 256, manySteps / 8,
     hasNarrow, xnorNarrow},
#endif
    {"int8", "", "16 bytes, plain C", 16, manySteps / 4, always, int8Plain},
};

const PeakLoop *lowbit::tools::findPeak(const std::string &kind,
                                        const std::string &level) {
  bool known = false;
  for (const PeakLoop &loop : peakLoops)
    known |= level == loop.level;
  for (const PeakLoop &loop : peakLoops)
    if (kind == loop.kind && (known ? level : "") == loop.level && loop.runs())
      return &loop;
  return nullptr;
}

Ceiling PeakLoop::measure(int32_t threads) const {
  return runTogether(threads, 2.0 * double(macs * steps) * threads,
                     [&](int32_t) { probeSink = run(steps); });
}
