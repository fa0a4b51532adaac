//===- ceilings.cpp - What the machine can do at most ---------------------===//

#include "tools/quant-bench/ceilings.h"

#include "tools/common/files.h"
#include "tools/quant-bench/run_delay.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

using namespace lowbit::tools;

volatile uint64_t lowbit::tools::probeSink = 0;

static double seconds() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

/// Runs `work` on all threads at once, from the first start to the last end;
/// `amount` is what they do together.
static Ceiling runTogether(int32_t threads, double amount,
                           const std::function<void(int32_t)> &work) {
  struct Part {
    double begin, end, delay;
  };
  std::vector<Part> parts(static_cast<size_t>(threads));
  std::atomic<int32_t> ready{0};
  auto body = [&](int32_t index) {
    Part &part = parts[static_cast<size_t>(index)];
    double delay = threadRunDelay();
    ready.fetch_add(1);
    while (ready.load() < threads)
      std::this_thread::yield();
    part.begin = seconds();
    work(index);
    part.end = seconds();
    part.delay = threadRunDelay() - delay;
  };
  std::vector<std::thread> team;
  for (int32_t i = 1; i < threads; ++i)
    team.emplace_back(body, i);
  body(0);
  for (std::thread &thread : team)
    thread.join();
  Part whole = parts[0];
  for (const Part &part : parts) {
    whole.begin = std::min(whole.begin, part.begin);
    whole.end = std::max(whole.end, part.end);
    whole.delay = std::max(whole.delay, part.delay);
  }
  double time = whole.end - whole.begin;
  return {amount / time, whole.delay / time};
}

/// A field of /proc/meminfo in bytes, or 0.
static size_t memoryInfo(const char *field) {
  std::string text;
  if (Error error = readFile("/proc/meminfo", text))
    return 0;
  size_t at = text.find(field);
  unsigned long long kib = 0;
  if (at == std::string::npos ||
      std::sscanf(text.c_str() + at + std::strlen(field), ": %llu", &kib) != 1)
    return 0;
  return static_cast<size_t>(kib) << 10;
}

MemoryProbe::~MemoryProbe() {
  if (data_)
    ::munmap(data_, bytes_);
}

Error MemoryProbe::allocate() {
  static constexpr size_t least = size_t(256) << 20;
  long cache = ::sysconf(_SC_LEVEL3_CACHE_SIZE);
  size_t wanted = cache > 0 ? 4 * static_cast<size_t>(cache) : 0;
  bytes_ = std::max(least, std::min(wanted, memoryInfo("MemAvailable") / 4));
  void *memory = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return systemError("cannot allocate the memory to probe", errno);
  data_ = static_cast<char *>(memory);
  // Large pages, as the weights of a module may have: address translation is
  // not what is probed.
  ::madvise(memory, bytes_, MADV_HUGEPAGE);
  std::memset(memory, 1, bytes_);
  return Error::success();
}

/// Streams that a thread reads side by side. On a Sapphire Rapids core one
/// stream reads 14 to 16 GB/s, eight 16 to 17 (2026-11-23).
static constexpr size_t streams = 8;

// Vectorized by the compiler for each level.
#if defined(__x86_64__) && defined(__clang__)
__attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif
static uint64_t sumWords(const uint64_t *data, size_t words) {
  uint64_t sums[streams] = {};
  size_t each = words / streams;
  for (size_t i = 0; i < each; ++i)
#pragma unroll
    for (size_t stream = 0; stream < streams; ++stream)
      sums[stream] += data[stream * each + i];
  uint64_t sum = 0;
  for (uint64_t part : sums)
    sum += part;
  return sum;
}

Ceiling MemoryProbe::measure(int32_t threads) const {
  static constexpr size_t piece = 64 << 10; // a multiple of the streams
  size_t pieces = bytes_ / piece;
  double amount = double(pieces * piece);
  return runTogether(threads, amount, [&](int32_t index) {
    size_t begin =
        pieces * static_cast<size_t>(index) / static_cast<size_t>(threads);
    size_t end =
        pieces * static_cast<size_t>(index + 1) / static_cast<size_t>(threads);
    probeSink =
        sumWords(reinterpret_cast<const uint64_t *>(data_ + begin * piece),
                 (end - begin) * piece / sizeof(uint64_t));
  });
}

/// Iterations of a loop of 16 independent dot products: 27 ms of 512-bit
/// vpdpbusd at 3 GHz.
static constexpr int64_t dotIterations = 10000000;
static constexpr int dotChains = 16;

#if defined(__x86_64__)
// 16 accumulators hide the latency of 4 to 5 cycles at two instructions a
// cycle. The asm statement keeps the compiler from computing the sum at once.
#define DOT_LOOP(VECTOR, ZERO, CONSTRAINT, INSTRUCTION)                        \
  VECTOR sums[dotChains], a = ZERO, b = ZERO;                                  \
  for (VECTOR &sum : sums)                                                     \
    sum = ZERO;                                                                \
  for (int64_t i = 0; i < iterations; ++i)                                     \
    _Pragma("unroll") for (int j = 0; j < dotChains; ++j) asm volatile(        \
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
dot512(int64_t iterations) {
  DOT_LOOP(__m512i, _mm512_setzero_si512(), "v", "vpdpbusd %2, %1, %0")
}

__attribute__((target("avx2,avxvnni"))) static uint64_t
dotVnni256(int64_t iterations) {
  DOT_LOOP(__m256i, _mm256_setzero_si256(), "x", "%{vex%} vpdpbusd %2, %1, %0")
}

/// Without VNNI a dot product takes three instructions and a temporary.
__attribute__((target("avx2"))) static uint64_t dot256(int64_t iterations) {
  static constexpr int chains = 8;
  __m256i sums[chains], a = _mm256_set1_epi8(1), b = a,
                        ones = _mm256_set1_epi16(1);
  for (__m256i &sum : sums)
    sum = _mm256_setzero_si256();
  for (int64_t i = 0; i < iterations; ++i) {
    for (int repeat = 0; repeat < dotChains / chains; ++repeat) {
#pragma unroll
      for (int j = 0; j < chains; ++j) {
        asm volatile("" : "+x"(a));
        __m256i pairs = _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), ones);
        sums[j] = _mm256_add_epi32(sums[j], pairs);
      }
    }
  }
  for (int j = 1; j < chains; ++j)
    sums[0] = _mm256_add_epi32(sums[0], sums[j]);
  return static_cast<uint64_t>(_mm256_extract_epi64(sums[0], 0));
}
#endif

/// What any compiler makes of a dot product of 16 bytes.
static uint64_t dotGeneric(int64_t iterations) {
  int8_t a[16], b[16];
  std::memset(a, 1, sizeof a);
  std::memset(b, 1, sizeof b);
  uint32_t sum = 0;
  for (int64_t i = 0; i < iterations * dotChains; ++i) {
    asm volatile("" : : "r"(a), "r"(b) : "memory");
    for (int j = 0; j < 16; ++j)
      sum += static_cast<uint32_t>(a[j] * b[j]);
  }
  return sum;
}

namespace {
struct DotLoop {
  const char *name;
  int64_t macs; ///< of one dot product
  uint64_t (*run)(int64_t iterations);
};
} // namespace

static const DotLoop &dotLoop() {
#if defined(__x86_64__)
  static const DotLoop wide{"vpdpbusd, 512 bits", 64, dot512};
  static const DotLoop vnni{"vpdpbusd, 256 bits", 32, dotVnni256};
  static const DotLoop pairs{"vpmaddubsw, 256 bits", 32, dot256};
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512vnni") &&
      __builtin_cpu_supports("avx512bw"))
    return wide;
  if (__builtin_cpu_supports("avxvnni") && __builtin_cpu_supports("avx2"))
    return vnni;
  if (__builtin_cpu_supports("avx2"))
    return pairs;
#endif
  static const DotLoop generic{"16 bytes, plain C", 16, dotGeneric};
  return generic;
}

const char *lowbit::tools::dotProductName() { return dotLoop().name; }

Ceiling lowbit::tools::measureDotProducts(int32_t threads) {
  const DotLoop &loop = dotLoop();
  double amount = 2.0 * double(loop.macs * dotIterations * dotChains) * threads;
  return runTogether(threads, amount,
                     [&](int32_t) { probeSink = loop.run(dotIterations); });
}
