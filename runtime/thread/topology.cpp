//===- topology.cpp - CPUs, cores and memory of the machine ---------------===//

#include "thread/topology.h"
#include "thread/cpu_mask.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <set>
#include <tuple>

namespace qrt {

namespace {

std::vector<int32_t> allowedCpus() {
  CpuMask mask;
  if (!mask.read())
    return {0};
  return mask.cpus();
}

/// "" where there is no such file.
std::string firstLine(const std::string &path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// The first number of a file; `missing` where there is none. Of a list such as
/// "3,67" that is the one which names all of them.
int32_t numberIn(const std::string &path, int32_t missing) {
  int32_t number;
  return std::sscanf(firstLine(path).c_str(), "%d", &number) == 1 ? number
                                                                  : missing;
}

/// The node of each CPU that has one.
std::map<int32_t, int32_t> nodesOfCpus(const std::string &folder) {
  std::map<int32_t, int32_t> nodes;
  std::vector<int32_t> online, cpus;
  parseCpuList(firstLine(folder + "/node/online"), online);
  for (int32_t node : online) {
    // A node of memory alone has an empty list.
    if (parseCpuList(firstLine(folder + "/node/node" + std::to_string(node) +
                               "/cpulist"),
                     cpus))
      for (int32_t cpu : cpus)
        nodes[cpu] = node;
  }
  return nodes;
}

/// Of one control group; INT32_MAX: no limit.
int32_t quotaOf(const std::string &path) {
  long long limit, period;
  if (std::sscanf(firstLine(path).c_str(), "%lld %lld", &limit, &period) != 2 ||
      limit <= 0 || period <= 0)
    return INT32_MAX;
  return int32_t(std::min<long long>((limit - 1) / period + 1, INT32_MAX));
}

/// The line "0::/user.slice/..." of /proc/self/cgroup without its beginning.
std::string controlGroup(const std::string &path) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (line.compare(0, 3, "0::") == 0)
      return line.substr(3);
  return "/";
}

} // namespace

// In a container the own group is often what the root shows, and the path that
// /proc names is not there: a missing file limits nothing.
int32_t cpuQuota(const std::string &root) {
  std::string group = controlGroup(root + "/proc/self/cgroup");
  int32_t least = INT32_MAX;
  while (true) {
    while (!group.empty() && group.back() == '/')
      group.pop_back();
    least = std::min(least,
                     quotaOf(root + "/sys/fs/cgroup" + group + "/cpu.max"));
    if (group.empty())
      return least;
    group.erase(group.find_last_of('/') + 1);
  }
}

std::vector<Cpu> cpusOfSystem(const std::vector<int32_t> &allowed,
                              const std::string &folder) {
  std::map<int32_t, int32_t> nodes = nodesOfCpus(folder);
  std::vector<std::tuple<int32_t, int32_t, int32_t, int32_t>> sorted;
  for (int32_t cpu : allowed) {
    const std::string topology =
        folder + "/cpu/cpu" + std::to_string(cpu) + "/topology/";
    sorted.emplace_back(nodes.count(cpu) ? nodes[cpu] : 0,
                        numberIn(topology + "physical_package_id", 0),
                        numberIn(topology + "thread_siblings_list", cpu), cpu);
  }
  std::sort(sorted.begin(), sorted.end());
  std::vector<Cpu> cpus;
  for (const auto &[node, package, core, cpu] : sorted)
    cpus.push_back({cpu, core, node});
  return cpus;
}

Topology Topology::detect() {
  Topology topology;
  const std::vector<int32_t> allowed = allowedCpus();
  topology.cpus = cpusOfHwloc(allowed);
  if (topology.cpus.empty())
    topology.cpus = cpusOfSystem(allowed, "/sys/devices/system");
  topology.quota = cpuQuota("");
  return topology;
}

int32_t Topology::physicalCores() const {
  std::set<int32_t> cores;
  for (const Cpu &cpu : cpus)
    cores.insert(cpu.core);
  return std::clamp(int32_t(cores.size()), 1, quota);
}

int32_t availableCpus() {
  return std::min(int32_t(allowedCpus().size()), cpuQuota(""));
}

} // namespace qrt
