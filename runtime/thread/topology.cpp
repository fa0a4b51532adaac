//===- topology.cpp - How many threads are worth having -------------------===//

#include "thread/topology.h"

#include <algorithm>
#include <cstdio>
#include <sched.h>
#include <set>
#include <string>
#include <vector>

namespace qrt {

namespace {

std::vector<int> allowedCpus() {
  std::vector<int> cpus;
  // Grows until the kernel's mask fits: sched_getaffinity refuses less.
  for (int limit = 1024; limit <= 1 << 16; limit *= 2) {
    cpu_set_t *mask = CPU_ALLOC(limit);
    if (!mask)
      break;
    const size_t bytes = CPU_ALLOC_SIZE(limit);
    const bool known = sched_getaffinity(0, bytes, mask) == 0;
    for (int cpu = 0; known && cpu < limit; ++cpu)
      if (CPU_ISSET_S(cpu, bytes, mask))
        cpus.push_back(cpu);
    CPU_FREE(mask);
    if (known)
      break;
  }
  return cpus;
}

/// Leaves `value` alone where there is no such file or number.
void readNumber(const std::string &path, int &value) {
  std::FILE *file = std::fopen(path.c_str(), "re");
  if (!file)
    return;
  if (int number; std::fscanf(file, "%d", &number) == 1)
    value = number;
  std::fclose(file);
}

/// CPUs that a container may use up on average (cgroup v2), rounded up.
/// More workers than that are stopped for the rest of a period.
int quota() {
  std::FILE *file = std::fopen("/sys/fs/cgroup/cpu.max", "re");
  if (!file)
    return 1 << 16;
  long long limit, period;
  const bool limited = std::fscanf(file, "%lld %lld", &limit, &period) == 2 &&
                       limit > 0 && period > 0;
  std::fclose(file);
  return limited
             ? int(std::min<long long>((limit + period - 1) / period, 1 << 16))
             : 1 << 16;
}

int32_t within(size_t count) {
  return int32_t(std::max(1, std::min(int(count), quota())));
}

} // namespace

int32_t availableCpus() { return within(allowedCpus().size()); }

int32_t physicalCores() {
  std::set<int> cores;
  for (int cpu : allowedCpus()) {
    // A list such as "3,67": its first number names the core.
    int core = cpu;
    readNumber("/sys/devices/system/cpu/cpu" + std::to_string(cpu) +
                   "/topology/thread_siblings_list",
               core);
    cores.insert(core);
  }
  return within(cores.size());
}

} // namespace qrt
