//===- profile.h - Where the time of a test went ----------------*- C++ -*-===//

#ifndef TOOLS_QUANTBENCH_PROFILE_H
#define TOOLS_QUANTBENCH_PROFILE_H

#include "tools/quant-bench/report.h"

namespace lowbit::tools {

/// One region, of a token or a call of a layer. Copies of a layer are one.
struct RegionRow {
  std::string name;
  double count = 0;   ///< how often a thread leaves it
  double seconds = 0; ///< mean over the threads
  double weightBytes = 0, kvBytes = 0; ///< that must come from memory
  double rowBytes = 0;                 ///< activations, read and written
  double operations = 0;
  double bytes() const { return weightBytes + kvBytes; }
};

/// The regions that a test has been in, the longest first.
std::vector<RegionRow> regionRows(const Subject &subject,
                                  const BenchTest &test);

/// Array of one object for each.
Json profileJson(const Subject &subject, const BenchTest &test);
/// A heading and a table.
std::string profileMarkdown(const Subject &subject, const BenchTest &test);

} // namespace lowbit::tools

#endif // TOOLS_QUANTBENCH_PROFILE_H
