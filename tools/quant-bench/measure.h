//===- measure.h - Samples of a model's speed -------------------*- C++ -*-===//

#ifndef TOOLS_QUANTBENCH_MEASURE_H
#define TOOLS_QUANTBENCH_MEASURE_H

#include "tools/common/runtime.h"
#include "tools/quant-bench/bench_options.h"
#include "tools/quant-bench/ceilings.h"

#include <string>
#include <vector>

namespace lowbit::tools {

/// Arithmetic mean, and standard deviation of a sample (n - 1).
double mean(const std::vector<double> &values);
double deviation(const std::vector<double> &values);

/// One row of the table.
struct BenchTest {
  bool generates; ///< tg, else pp
  int32_t tokens;
  int32_t threads;

  /// One value for each sample that counts.
  std::vector<double> tokensPerSecond;
  std::vector<double> bandwidth; ///< bytes per second, probed before it
  std::vector<double> peak;      ///< operations per second, probed after it
  int32_t discarded = 0;
  bool disturbed = false; ///< samples count although other programs ran

  std::string name() const;
};

/// The tests of a command line, threads outermost.
std::vector<BenchTest> listTests(const BenchOptions &options, int32_t cores);

/// Fills the tests' samples, one of each in turn, so that a slow minute of the
/// machine falls on all of them.
Error measureTests(qrt_model *model, const BenchOptions &options,
                   std::vector<BenchTest> &tests);

} // namespace lowbit::tools

#endif // TOOLS_QUANTBENCH_MEASURE_H
