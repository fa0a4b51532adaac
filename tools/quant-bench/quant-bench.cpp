//===- quant-bench.cpp - Measure a compiled model's speed -----------------===//
//
// quant-bench MODEL: llama-bench's table; --help lists the rest.
//
//===----------------------------------------------------------------------===//

#include "tools/common/files.h"
#include "tools/quant-bench/bench_options.h"
#include "tools/quant-bench/report.h"
#include "tools/quant-bench/roofline.h"
#include "tools/quant-bench/workloads.h"

#include <cstdio>

using namespace lowbit::tools;

/// Small layers have no more copies than quant-compile makes functions.
static void warnOfCaches(const BenchOptions &options,
                         const ModuleHeader &header) {
  const std::string &fill = options.model.compile.fill;
  double bytes = 0;
  for (const ModuleHeader::Weight &weight : header.weights)
    bytes += double(weight.sourceBytes);
  if (!fill.empty() && bytes < std::stod(fill))
    std::fprintf(stderr,
                 "the layer is small: its %zu copies take %.0f MB, of which a "
                 "cache may hold a part\n",
                 header.weights.size(), bytes * 1e-6);
}

/// Loads the model; nothing else needs its file from here on.
static Error open(const BenchOptions &options, ModelHandle &model,
                  Subject &subject) {
  ModelFile file;
  TOOLS_TRY(file.resolve(options.model));
  TOOLS_TRY(loadModel(file, options.model, model));
  if (options.model.compile.linear.empty())
    TOOLS_TRY(requireText(model.get(), options.model.path));
  TOOLS_TRY(readModuleHeader(file.path(), subject.header));
  warnOfCaches(options, subject.header);
  subject.info = modelInfo(model.get());
  std::string kind = options.peak;
  if (kind == "auto")
    kind = arithmeticOf(subject.header, options.model.compile.activations);
  subject.peak = findPeak(kind, subject.info.level);
  // Levels without such an instruction widen to f32.
  if (!subject.peak && options.peak == "auto" && kind == "bf16")
    subject.peak = findPeak("f32", subject.info.level);
  if (!subject.peak)
    return Error("there is no " + kind + " peak for the level " +
                 subject.info.level +
                 " on this CPU; choose another with --peak");
  return Error::success();
}

static Error draw(const BenchOptions &options, const Subject &subject,
                  const std::vector<BenchTest> &tests) {
  if (options.svg.empty())
    return Error::success();
  std::string svg = rooflineSvg(subject, tests);
  OutputFile file;
  TOOLS_TRY(file.open(options.svg));
  TOOLS_TRY(file.write(svg.data(), svg.size()));
  return file.commit();
}

static Error run(const BenchOptions &options) {
  ModelHandle model;
  Subject subject{};
  TOOLS_TRY(open(options, model, subject));
  std::vector<BenchTest> tests = listTests(options, subject.info.threads);
  std::unique_ptr<Workload> workload;
  if (options.model.compile.linear.empty())
    workload = std::make_unique<ModelWorkload>(model.get());
  else
    workload = std::make_unique<LayerWorkload>(model.get());
  TOOLS_TRY(measureTests(model.get(), *workload, *subject.peak, options,
                         tests));
  TOOLS_TRY(draw(options, subject, tests));
  return writeStdout(options.output == "json"
                         ? dumpJson(reportJson(subject, tests), 2)
                         : reportMarkdown(subject, tests));
}

int main(int argc, char **argv) {
  BenchOptions options;
  bool helpShown = false;
  Error error = parseBenchOptions(argc, argv, options, helpShown);
  if (!error && !helpShown)
    error = run(options);
  return exitStatus("quant-bench", error);
}
