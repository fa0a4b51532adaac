//===- measure.cpp - Samples of a model's speed ---------------------------===//

#include "tools/quant-bench/measure.h"

#include "tools/quant-bench/run_delay.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

using namespace lowbit::tools;

/// A sample counts if no thread waited longer than this for a core.
static constexpr double delayLimit = 0.05;

static double seconds() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

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
  return (generates ? "tg" : "pp") + std::to_string(tokens);
}

std::vector<BenchTest> lowbit::tools::listTests(const BenchOptions &options,
                                                int32_t cores) {
  std::vector<int32_t> threads = options.threads;
  if (threads.empty())
    threads.push_back(cores);
  std::vector<BenchTest> tests;
  for (int32_t count : threads) {
    for (int32_t tokens : options.prompt)
      if (tokens > 0)
        tests.push_back({false, tokens, count, {}, {}, {}});
    for (int32_t tokens : options.generate)
      if (tokens > 0)
        tests.push_back({true, tokens, count, {}, {}, {}});
  }
  return tests;
}

namespace {
class Bench {
public:
  Bench(qrt_model *model, const BenchOptions &options)
      : model_(model), options_(options), info_(modelInfo(model)) {}

  Error prepare(const std::vector<BenchTest> &tests);
  Error run(std::vector<BenchTest> &tests);

private:
  Error runOnce(const BenchTest &test, double &time);
  Error sample(BenchTest &test);

  qrt_model *model_;
  const BenchOptions &options_;
  qrt_model_info info_;
  SessionHandle session_;
  MemoryProbe memory_;
  std::vector<int32_t> ids_;
  std::vector<float> logits_;
};
} // namespace

Error Bench::prepare(const std::vector<BenchTest> &tests) {
  int32_t most = 0;
  for (const BenchTest &test : tests)
    most = std::max(most, test.tokens);
  if (most == 0)
    return Error("no test is left: give -p or -n");
  if (most > info_.max_context)
    return Error("a test of " + std::to_string(most) +
                 " tokens does not fit into the model's context of " +
                 std::to_string(info_.max_context));
  TOOLS_TRY(memory_.allocate());
  TOOLS_TRY(createSession(model_, most, session_));
  logits_.resize(static_cast<size_t>(info_.n_vocab));
  // Any ids do, as in llama-bench; the same ones each time.
  uint64_t state = 1;
  for (int32_t i = 0; i < most; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    ids_.push_back(static_cast<int32_t>((state >> 33) %
                                        static_cast<uint64_t>(info_.n_vocab)));
  }
  if (info_.add_bos && info_.bos_id >= 0)
    ids_[0] = info_.bos_id;
  return Error::success();
}

Error Bench::runOnce(const BenchTest &test, double &time) {
  TOOLS_TRY(check(qrt_session_truncate(session_.get(), 0)));
  double begin = seconds();
  if (!test.generates) {
    TOOLS_TRY(check(qrt_append(session_.get(), ids_.data(), test.tokens, 1,
                               logits_.data())));
  } else {
    for (int32_t i = 0; i < test.tokens; ++i)
      TOOLS_TRY(check(qrt_append(session_.get(), &ids_[static_cast<size_t>(i)],
                                 1, 1, logits_.data())));
  }
  time = seconds() - begin;
  return Error::success();
}

/// Measures until a sample counts, or the bound on repetitions is reached.
Error Bench::sample(BenchTest &test) {
  TOOLS_TRY(check(qrt_set_threads(model_, test.threads)));
  while (true) {
    double time = 0;
    Ceiling bandwidth = memory_.measure(test.threads);
    RunDelay delay;
    TOOLS_TRY(runOnce(test, time));
    double waited = delay.share(time);
    Ceiling peak = measureDotProducts(test.threads);
    bool quiet = std::max({waited, bandwidth.delay, peak.delay}) <= delayLimit;
    if (!quiet && test.discarded < 2 * options_.repetitions) {
      ++test.discarded;
      continue;
    }
    test.disturbed |= !quiet;
    test.tokensPerSecond.push_back(test.tokens / time);
    test.bandwidth.push_back(bandwidth.rate);
    test.peak.push_back(peak.rate);
    return Error::success();
  }
}

Error Bench::run(std::vector<BenchTest> &tests) {
  if (!RunDelay().known())
    std::fprintf(stderr, "this kernel does not count run delays: disturbed "
                         "samples are not recognized\n");
  if (options_.warmup) {
    for (const BenchTest &test : tests) {
      double time = 0;
      TOOLS_TRY(check(qrt_set_threads(model_, test.threads)));
      TOOLS_TRY(runOnce(test, time));
    }
  }
  for (int32_t i = 0; i < options_.repetitions; ++i) {
    std::fprintf(stderr, "sample %d of %d\n", i + 1, options_.repetitions);
    for (BenchTest &test : tests)
      TOOLS_TRY(sample(test));
  }
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
  return Error::success();
}

Error lowbit::tools::measureTests(qrt_model *model, const BenchOptions &options,
                                  std::vector<BenchTest> &tests) {
  Bench bench(model, options);
  TOOLS_TRY(bench.prepare(tests));
  return bench.run(tests);
}
