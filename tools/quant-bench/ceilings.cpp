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

using namespace lowbit::tools;

volatile uint64_t lowbit::tools::probeSink = 0;

double lowbit::tools::seconds() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

Ceiling
lowbit::tools::runTogether(int32_t threads, double amount,
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

size_t lowbit::tools::bytesBeyondCaches() {
  static constexpr size_t least = size_t(256) << 20;
  long cache = ::sysconf(_SC_LEVEL3_CACHE_SIZE);
  size_t wanted = cache > 0 ? 4 * static_cast<size_t>(cache) : 0;
  return std::max(least, std::min(wanted, memoryInfo("MemAvailable") / 4));
}

Error MemoryProbe::allocate() {
  bytes_ = bytesBeyondCaches();
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
