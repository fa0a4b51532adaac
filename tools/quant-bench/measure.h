//===- measure.h - Samples of speed, beside the ceilings --------*- C++ -*-===//

#ifndef TOOLS_QUANTBENCH_MEASURE_H
#define TOOLS_QUANTBENCH_MEASURE_H

#include "tools/common/runtime.h"
#include "tools/quant-bench/bench_options.h"
#include "tools/quant-bench/ceilings.h"
#include "tools/quant-bench/peak.h"

#include <string>
#include <vector>

namespace lowbit::tools {

/// Arithmetic mean, and standard deviation of a sample (n - 1).
double mean(const std::vector<double> &values);
double deviation(const std::vector<double> &values);

/// What the marks of one region counted in the samples of a test.
struct RegionTime {
  double seconds = 0; ///< sum over the threads
  double count = 0;   ///< how often the first thread has left it
};

/// One row of the table.
struct BenchTest {
  enum Kind {
    Prompt,   ///< read `tokens` tokens
    Generate, ///< generate `tokens` tokens in each of `batch` sequences
    Linear    ///< compute `tokens` rows of the linear layer `layer`
  };
  Kind kind;
  int32_t tokens;
  int32_t threads;
  int32_t batch = 1;
  std::string layer = {}; ///< "2048x8192"
  int32_t depth = 0; ///< tokens in the context before the first that counts

  /// One value for each sample that counts.
  std::vector<double> rate = {}; ///< tokens, or layers, per second
  std::vector<double> bandwidth = {}; ///< bytes per second, probed before it
  std::vector<double> peak = {}; ///< operations per second, probed after it
  int32_t discarded = 0;
  bool disturbed = false; ///< samples count although other programs ran

  /// Of a profile: in the order of the header's regions, over all samples.
  std::vector<RegionTime> regions = {};
  double profiledUnits = 0, profiledSeconds = 0;

  /// "pp512", "tg64", "tg64@b8", "tg64 @ d8192", "linear 2048x8192 m8".
  std::string name() const;
};

/// The tests of a command line, threads outermost.
std::vector<BenchTest> listTests(const BenchOptions &options, int32_t cores);

/// What is measured.
class Workload {
public:
  virtual ~Workload() = default;
  /// Before the first run.
  virtual Error prepare(const std::vector<BenchTest> &tests) = 0;
  /// Runs a test once: `units` (tokens, layers) in `time` seconds; the model's
  /// regions are reset at the beginning of that time.
  virtual Error run(const BenchTest &test, double &units, double &time) = 0;
};

/// Fills the tests' samples, one of each in turn, so that a slow minute of the
/// machine falls on all of them.
Error measureTests(qrt_model *model, Workload &workload, const PeakLoop &peak,
                   const BenchOptions &options, std::vector<BenchTest> &tests);

} // namespace lowbit::tools

#endif // TOOLS_QUANTBENCH_MEASURE_H
