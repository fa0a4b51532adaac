//===- topology_hwloc.cpp - The machine as hwloc knows it -----------------===//

#include "thread/topology.h"

#ifdef QUANTRT_HWLOC
#include <hwloc.h>
#include <set>

namespace qrt {

// Packages, groups and caches give CPUs their order, so nothing is filtered.
static hwloc_topology_t load() {
  hwloc_topology_t topology;
  if (hwloc_topology_init(&topology) != 0)
    return nullptr;
#if HWLOC_API_VERSION >= 0x00020500
  // It would move this thread from CPU to CPU to ask each of them.
  hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_DONT_CHANGE_BINDING);
#endif
  if (hwloc_topology_load(topology) == 0)
    return topology;
  hwloc_topology_destroy(topology);
  return nullptr;
}

std::vector<Cpu> cpusOfHwloc(const std::vector<int32_t> &allowed) {
  const hwloc_topology_t topology = load();
  if (!topology)
    return {};
  const bool real = hwloc_topology_is_thissystem(topology);
  const std::set<int32_t> wanted(allowed.begin(), allowed.end());
  std::vector<Cpu> cpus;
  // In hwloc's logical order neighbours are side by side.
  for (hwloc_obj_t unit = nullptr;
       (unit = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_PU, unit));) {
    if (real && wanted.count(int32_t(unit->os_index)) == 0)
      continue;
    const hwloc_obj_t core =
        hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_CORE, unit);
    const int node = hwloc_bitmap_first(unit->nodeset);
    // Some virtual machines have no cores.
    cpus.push_back({int32_t(unit->os_index),
                    int32_t(core ? core->logical_index : unit->logical_index),
                    node < 0 ? 0 : node});
  }
  hwloc_topology_destroy(topology);
  if (real && cpus.size() != wanted.size())
    return {};
  return cpus;
}

} // namespace qrt

#else

std::vector<qrt::Cpu> qrt::cpusOfHwloc(const std::vector<int32_t> &) {
  return {};
}

#endif // QUANTRT_HWLOC
