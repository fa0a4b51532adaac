//===- cpu_mask.cpp - CPUs that a thread may run on -----------------------===//

#include "thread/cpu_mask.h"

#include <charconv>
#include <sched.h>

namespace qrt {

std::vector<int32_t> CpuMask::cpus() const {
  std::vector<int32_t> all;
  for (int32_t cpu = 0; cpu < limit; ++cpu)
    if (has(cpu))
      all.push_back(cpu);
  return all;
}

bool CpuMask::read() {
  return sched_getaffinity(0, sizeof words_,
                           reinterpret_cast<cpu_set_t *>(words_)) == 0;
}

int CpuMask::bind(pthread_t thread) const {
  return pthread_setaffinity_np(thread, sizeof words_,
                                reinterpret_cast<const cpu_set_t *>(words_));
}

/// Takes the CPU that `text` begins with.
static bool takeCpu(std::string_view &text, int32_t &cpu) {
  const char *const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, cpu);
  if (code != std::errc() || cpu < 0 || cpu >= CpuMask::limit)
    return false;
  text.remove_prefix(size_t(stop - text.data()));
  return true;
}

bool parseCpuList(std::string_view text, std::vector<int32_t> &cpus) {
  cpus.clear();
  CpuMask seen;
  for (bool more = true; more;) {
    int32_t first, last;
    if (!takeCpu(text, first))
      return false;
    last = first;
    if (!text.empty() && text[0] == '-') {
      text.remove_prefix(1);
      if (!takeCpu(text, last) || last < first)
        return false;
    }
    for (int32_t cpu = first; cpu <= last; ++cpu) {
      if (seen.has(cpu))
        return false;
      seen.add(cpu);
      cpus.push_back(cpu);
    }
    more = !text.empty() && text[0] == ',';
    if (more)
      text.remove_prefix(1);
  }
  return text.empty();
}

std::string cpuListText(const std::vector<int32_t> &cpus) {
  std::string text;
  for (size_t i = 0, end; i < cpus.size(); i = end) {
    for (end = i + 1; end < cpus.size() && cpus[end] == cpus[end - 1] + 1;)
      ++end;
    text += (i ? "," : "") + std::to_string(cpus[i]);
    if (end > i + 1)
      text += "-" + std::to_string(cpus[end - 1]);
  }
  return text;
}

} // namespace qrt
