//===- affinity.h - Which worker runs on which CPU --------------*- C++ -*-===//

#ifndef QUANTRT_THREAD_AFFINITY_H
#define QUANTRT_THREAD_AFFINITY_H

#include "base/status.h"
#include "thread/topology.h"

namespace qrt {

/// What the user asked for.
struct Affinity {
  enum Kind {
    None,    ///< the system moves workers as it likes
    Compact, ///< neighbouring cores first; siblings when cores run out
    Spread,  ///< as far apart as possible; OMP_PROC_BIND=spread of cores
    List     ///< worker i on the i-th CPU of the list
  };
  Kind kind = None;
  std::vector<int32_t> list;

  /// "none", "compact", "spread" or CPUs as taskset takes them: "0-3,8".
  static Status parse(const std::string &text, Affinity &affinity);

  /// One for each CPU of a list, else one for each core.
  int32_t defaultWorkers(const Topology &topology) const;

  /// The CPU of each worker; from the first again when CPUs run out. Empty if
  /// none is bound. An error names a CPU of the list that is not to be had.
  Status place(const Topology &topology, int32_t workers,
               std::vector<int32_t> &cpus) const;
};

} // namespace qrt

#endif // QUANTRT_THREAD_AFFINITY_H
