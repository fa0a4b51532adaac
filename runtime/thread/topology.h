//===- topology.h - CPUs, cores and memory of the machine -------*- C++ -*-===//

#ifndef QUANTRT_THREAD_TOPOLOGY_H
#define QUANTRT_THREAD_TOPOLOGY_H

#include <cstdint>
#include <string>
#include <vector>

namespace qrt {

/// A logical CPU that this process may run on.
struct Cpu {
  int32_t number; ///< the kernel's
  int32_t core;   ///< equal for the siblings of a core, which share its units
  int32_t node;   ///< the memory that is near (NUMA)
};

struct Topology {
  /// Neighbours stand side by side: sorted by node, package, core.
  std::vector<Cpu> cpus;
  /// CPUs that a control group lets this process use up on average.
  int32_t quota = INT32_MAX;

  /// Of this process. Takes milliseconds.
  static Topology detect();

  /// Cores that are worth a worker each: siblings count once, and more workers
  /// than the quota are stopped for a part of each period.
  int32_t physicalCores() const;
};

/// Logical CPUs that this process may run on, at most its quota.
int32_t availableCpus();

// What Topology::detect() is made of.

/// `allowed` CPUs as hwloc knows them; with $HWLOC_SYNTHETIC or another machine
/// to hwloc, all of that one's. Empty where the runtime was built without hwloc
/// or hwloc knows less than the kernel.
std::vector<Cpu> cpusOfHwloc(const std::vector<int32_t> &allowed);
/// The same from a folder like /sys/devices/system; where files are missing,
/// each CPU is a core of node 0.
std::vector<Cpu> cpusOfSystem(const std::vector<int32_t> &allowed,
                              const std::string &folder);
/// The least cpu.max (control groups v2), rounded up to whole CPUs, from this
/// process's group up to the root; `root` is where /proc and /sys are.
int32_t cpuQuota(const std::string &root);

} // namespace qrt

#endif // QUANTRT_THREAD_TOPOLOGY_H
