//===- topology.h - How many threads are worth having -----------*- C++ -*-===//

#ifndef QUANTRT_THREAD_TOPOLOGY_H
#define QUANTRT_THREAD_TOPOLOGY_H

#include <cstdint>

namespace qrt {

/// Logical CPUs that this process may run on (affinity, container quota).
int32_t availableCpus();

/// Among them the physical cores: the siblings of a core share its arithmetic
/// units and count once.
int32_t physicalCores();

} // namespace qrt

#endif // QUANTRT_THREAD_TOPOLOGY_H
