//===- affinity.cpp - Which worker runs on which CPU ----------------------===//

#include "thread/affinity.h"
#include "thread/cpu_mask.h"

#include <algorithm>
#include <map>

namespace qrt {

namespace {

/// The first CPU of every core, then every second sibling, and so on; cores
/// stay in the topology's order. `cores`: how many there are.
std::vector<int32_t> siblingsLast(const Topology &topology, size_t &cores) {
  std::map<int32_t, int32_t> taken; // of each core
  std::multimap<int32_t, int32_t> byRank; // equal keys stay in order
  for (const Cpu &cpu : topology.cpus)
    byRank.emplace(taken[cpu.core]++, cpu.number);
  cores = taken.size();
  std::vector<int32_t> cpus;
  for (const auto &[rank, cpu] : byRank)
    cpus.push_back(cpu);
  return cpus;
}

Status checkAllowed(const std::vector<int32_t> &list,
                    const Topology &topology) {
  std::vector<int32_t> allowed;
  for (const Cpu &cpu : topology.cpus)
    allowed.push_back(cpu.number);
  std::sort(allowed.begin(), allowed.end());
  for (int32_t cpu : list)
    if (!std::binary_search(allowed.begin(), allowed.end(), cpu))
      return invalid("affinity \"" + cpuListText(list) + "\": CPU " +
                     std::to_string(cpu) +
                     " is not one that this process may run on: choose among " +
                     cpuListText(allowed));
  return {};
}

} // namespace

Status Affinity::parse(const std::string &text, Affinity &affinity) {
  affinity = {};
  if (text == "compact")
    affinity.kind = Compact;
  else if (text == "spread")
    affinity.kind = Spread;
  else if (parseCpuList(text, affinity.list))
    affinity.kind = List;
  else if (text != "none")
    return invalid("affinity \"" + text +
                   "\": expected none, compact, spread or different CPUs such "
                   "as 0-3,8");
  return {};
}

int32_t Affinity::defaultWorkers(const Topology &topology) const {
  return kind == List ? int32_t(list.size()) : topology.physicalCores();
}

Status Affinity::place(const Topology &topology, int32_t workers,
                       std::vector<int32_t> &cpus) const {
  cpus.clear();
  if (kind == None)
    return {};
  size_t cores = 0;
  std::vector<int32_t> order = list;
  if (kind == List)
    QRT_TRY(checkAllowed(list, topology));
  else
    order = siblingsLast(topology, cores);
  const bool apart = kind == Spread && size_t(workers) < cores;
  for (size_t worker = 0; worker < size_t(workers); ++worker)
    cpus.push_back(apart ? order[worker * cores / size_t(workers)]
                         : order[worker % order.size()]);
  return {};
}

} // namespace qrt
