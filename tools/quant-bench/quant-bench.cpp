//===- quant-bench.cpp - Measure a compiled model's speed -----------------===//
//
// quant-bench MODEL: llama-bench's table; --help lists the rest.
//
//===----------------------------------------------------------------------===//

#include "tools/common/files.h"
#include "tools/quant-bench/bench_options.h"
#include "tools/quant-bench/report.h"

using namespace lowbit::tools;

static Error run(const BenchOptions &options) {
  ModelFile file;
  ModelHandle model;
  Subject subject;
  TOOLS_TRY(file.resolve(options.model));
  TOOLS_TRY(loadModel(file, options.model, model));
  TOOLS_TRY(requireText(model.get(), options.model.path));
  TOOLS_TRY(readModuleHeader(file.path(), subject.header));
  file.discard();
  subject.info = modelInfo(model.get());
  std::vector<BenchTest> tests = listTests(options, subject.info.threads);
  TOOLS_TRY(measureTests(model.get(), options, tests));
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
