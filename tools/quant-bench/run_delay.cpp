//===- run_delay.cpp - Time spent waiting for a core ----------------------===//

#include "tools/quant-bench/run_delay.h"

#include "tools/common/files.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <dirent.h>
#include <string>

using namespace lowbit::tools;

/// Nanoseconds, or -1 where there is no such file or the kernel does not count.
static int64_t readDelay(const std::string &path) {
  std::string text;
  unsigned long long running = 0, waiting = 0;
  if (Error error = readFile(path, text))
    return -1;
  if (std::sscanf(text.c_str(), "%llu %llu", &running, &waiting) != 2)
    return -1;
  return static_cast<int64_t>(waiting);
}

double lowbit::tools::threadRunDelay() {
  int64_t delay = readDelay("/proc/thread-self/schedstat");
  return delay > 0 ? double(delay) * 1e-9 : 0;
}

RunDelay::RunDelay() : before_(read()), known_(!before_.empty()) {}

std::map<int64_t, uint64_t> RunDelay::read() {
  std::map<int64_t, uint64_t> delays;
  DIR *tasks = ::opendir("/proc/self/task");
  if (!tasks)
    return delays;
  while (const dirent *entry = ::readdir(tasks)) {
    if (entry->d_name[0] == '.')
      continue;
    // A thread may have ended since it was listed.
    int64_t delay = readDelay("/proc/self/task/" + std::string(entry->d_name) +
                              "/schedstat");
    if (delay >= 0)
      delays[std::atoll(entry->d_name)] = static_cast<uint64_t>(delay);
  }
  ::closedir(tasks);
  return delays;
}

double RunDelay::share(double seconds) const {
  double most = 0;
  for (const auto &[thread, waiting] : read()) {
    auto found = before_.find(thread);
    uint64_t start = found == before_.end() ? 0 : found->second;
    most = std::max(most, double(waiting - start) * 1e-9);
  }
  return seconds > 0 ? most / seconds : 0;
}
