//===- measure.cpp - Samples of speed, beside the ceilings ----------------===//

#include "tools/quant-bench/measure.h"

#include "tools/quant-bench/run_delay.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace lowbit::tools;

/// A sample counts if no thread waited longer than this for a core.
static constexpr double delayLimit = 0.05;

double lowbit::tools::mean(const std::vector<double> &values) {
  double sum = 0;
  for (double value : values)
    sum += value;
  return values.empty() ? 0 : sum / double(values.size());
}

double lowbit::tools::deviation(const std::vector<double> &values) {
  if (values.size() < 2)
    return 0;
  double center = mean(values), squares = 0;
  for (double value : values)
    squares += (value - center) * (value - center);
  return std::sqrt(squares / double(values.size() - 1));
}

std::string BenchTest::name() const {
  std::string number = std::to_string(tokens);
  if (kind == Linear)
    return "linear " + layer + " m" + number;
  std::string name = kind == Prompt ? "pp" + number : "tg" + number;
  if (batch > 1)
    name += "@b" + std::to_string(batch);
  return depth > 0 ? name + " @ d" + std::to_string(depth) : name;
}

/// Tests of a model behind `depth` tokens.
static void addModelTests(const BenchOptions &options, int32_t threads,
                          int32_t depth, std::vector<BenchTest> &tests) {
  for (int32_t tokens : options.prompt)
    if (tokens > 0)
      tests.push_back({BenchTest::Prompt, tokens, threads, 1, "", depth});
  for (int32_t tokens : options.generate)
    if (tokens > 0)
      for (int32_t batch : options.batches)
        tests.push_back(
            {BenchTest::Generate, tokens, threads, batch, "", depth});
}

std::vector<BenchTest> lowbit::tools::listTests(const BenchOptions &options,
                                                int32_t cores) {
  std::vector<int32_t> threads = options.threads;
  if (threads.empty())
    threads.push_back(cores);
  std::vector<BenchTest> tests;
  const std::string &layer = options.model.compile.linear;
  for (int32_t count : threads) {
    if (!layer.empty()) {
      for (int32_t rows : options.rows)
        tests.push_back({BenchTest::Linear, rows, count, 1, layer});
      continue;
    }
    for (int32_t depth : options.depths)
      addModelTests(options, count, depth, tests);
  }
  return tests;
}

namespace {
class Bench {
public:
  Bench(qrt_model *model, Workload &workload, const PeakLoop &peak,
        const BenchOptions &options)
      : model_(model), workload_(workload), peak_(peak), options_(options) {}

  Error run(std::vector<BenchTest> &tests);

private:
  Error runOnce(const BenchTest &test, double &units, double &time);
  Error sample(BenchTest &test);

  qrt_model *model_;
  Workload &workload_;
  const PeakLoop &peak_;
  const BenchOptions &options_;
  MemoryProbe memory_;
};
} // namespace

Error Bench::runOnce(const BenchTest &test, double &units, double &time) {
  TOOLS_TRY(check(qrt_set_threads(model_, test.threads)));
  return workload_.run(test, units, time);
}

/// Adds what the model counted in the sample that just ended.
static Error addRegions(const qrt_model *model, double units, double time,
                        BenchTest &test) {
  test.regions.resize(static_cast<size_t>(qrt_region_count(model)));
  for (size_t i = 0; i < test.regions.size(); ++i) {
    qrt_region_info info;
    TOOLS_TRY(check(qrt_get_region(model, static_cast<int32_t>(i), &info)));
    test.regions[i].seconds += double(info.nanoseconds) * 1e-9;
    test.regions[i].count += double(info.count);
  }
  test.profiledUnits += units;
  test.profiledSeconds += time;
  return Error::success();
}

/// Measures until a sample counts, or the bound on repetitions is reached.
Error Bench::sample(BenchTest &test) {
  // Threads that are new would be missing from the delays counted below.
  TOOLS_TRY(check(qrt_set_threads(model_, test.threads)));
  while (true) {
    double units = 0, time = 0;
    Ceiling bandwidth = memory_.measure(test.threads);
    RunDelay delay;
    TOOLS_TRY(workload_.run(test, units, time));
    double waited = delay.share(time);
    Ceiling peak = peak_.measure(test.threads);
    bool quiet = std::max({waited, bandwidth.delay, peak.delay}) <= delayLimit;
    if (!quiet && test.discarded < 2 * options_.repetitions) {
      ++test.discarded;
      continue;
    }
    test.disturbed |= !quiet;
    test.rate.push_back(units / time);
    test.bandwidth.push_back(bandwidth.rate);
    test.peak.push_back(peak.rate);
    return addRegions(model_, units, time, test);
  }
}

static void reportDisturbances(const std::vector<BenchTest> &tests) {
  int32_t discarded = 0;
  for (const BenchTest &test : tests)
    discarded += test.discarded;
  if (discarded > 0)
    std::fprintf(stderr,
                 "%d samples were measured again because other programs "
                 "ran\n",
                 discarded);
  for (const BenchTest &test : tests)
    if (test.disturbed)
      std::fprintf(stderr,
                   "%s, %d threads: other programs ran all the time; samples "
                   "count although threads waited for a core\n",
                   test.name().c_str(), test.threads);
}

Error Bench::run(std::vector<BenchTest> &tests) {
  TOOLS_TRY(memory_.allocate());
  if (!RunDelay().known())
    std::fprintf(stderr, "this kernel does not count run delays: disturbed "
                         "samples are not recognized\n");
  if (options_.warmup) {
    double units = 0, time = 0;
    for (const BenchTest &test : tests)
      TOOLS_TRY(runOnce(test, units, time));
  }
  for (int32_t i = 0; i < options_.repetitions; ++i) {
    std::fprintf(stderr, "sample %d of %d\n", i + 1, options_.repetitions);
    for (BenchTest &test : tests)
      TOOLS_TRY(sample(test));
  }
  reportDisturbances(tests);
  return Error::success();
}

Error lowbit::tools::measureTests(qrt_model *model, Workload &workload,
                                  const PeakLoop &peak,
                                  const BenchOptions &options,
                                  std::vector<BenchTest> &tests) {
  if (tests.empty())
    return Error("no test is left: give -p or -n");
  TOOLS_TRY(workload.prepare(tests));
  return Bench(model, workload, peak, options).run(tests);
}
