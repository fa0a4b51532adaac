//===- peak.h - Arithmetic at most ------------------------------*- C++ -*-===//

#ifndef TOOLS_QUANTBENCH_PEAK_H
#define TOOLS_QUANTBENCH_PEAK_H

#include "tools/quant-bench/ceilings.h"

#include <string>

namespace lowbit::tools {

/// A loop on registers of the fastest multiply-accumulate there is of a kind,
/// for a level of compiled code.
struct PeakLoop {
  const char *kind;        ///< "int8", "f32", "bf16", "xnor"
  const char *level;       ///< of the runtime: "avx2"; "": any other
  const char *instruction; ///< for the report: "vpdpbusd, 512 bits"
  int64_t macs;            ///< of one step
  int64_t steps;           ///< of one measurement: about 20 ms
  bool (*runs)();          ///< on this CPU
  uint64_t (*run)(int64_t steps);

  /// Operations, two for a multiply-accumulate, per second.
  Ceiling measure(int32_t threads) const;
};

/// The loop for code of `level`, or nullptr where this CPU has none of `kind`.
/// Code of one level may not use what a better one has, so neither does its
/// ceiling.
const PeakLoop *findPeak(const std::string &kind, const std::string &level);

} // namespace lowbit::tools

#endif // TOOLS_QUANTBENCH_PEAK_H
