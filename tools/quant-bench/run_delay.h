//===- run_delay.h - Time spent waiting for a core --------------*- C++ -*-===//

#ifndef TOOLS_QUANTBENCH_RUN_DELAY_H
#define TOOLS_QUANTBENCH_RUN_DELAY_H

#include <cstdint>
#include <map>

namespace lowbit::tools {

/// Seconds that the calling thread has waited for a core since its start.
double threadRunDelay();

/// How long each thread of this process was ready to run while another program
/// had the core: the second field of /proc/self/task/*/schedstat.
class RunDelay {
public:
  /// Begins to measure.
  RunDelay();
  /// The largest share of `seconds` that any thread has waited since.
  double share(double seconds) const;
  /// The kernel counts it.
  bool known() const { return known_; }

private:
  static std::map<int64_t, uint64_t> read();

  std::map<int64_t, uint64_t> before_; ///< thread id to nanoseconds
  bool known_ = false;
};

} // namespace lowbit::tools

#endif // TOOLS_QUANTBENCH_RUN_DELAY_H
