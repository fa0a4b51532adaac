//===- quant-eval.cpp - Measure a compiled model --------------------------===//
//
// quant-eval MODEL --text FILE: perplexity; --help lists the rest.
//
//===----------------------------------------------------------------------===//

#include "tools/quant-eval/evaluate.h"
#include "tools/quant-eval/layers.h"

using namespace lowbit::tools;

static Error run(const EvalOptions &options) {
  ModelFile file;
  ModelHandle model;
  TOOLS_TRY(file.resolve(options.model));
  TOOLS_TRY(loadModel(file, options.model, model));
  TOOLS_TRY(requireText(model.get(), options.model.path));
  int32_t probes = 0;
  if (!options.layers.empty())
    TOOLS_TRY(countProbes(file.path(), probes));
  if (!options.reference.path.empty())
    return runAgainst(model.get(), file.path(), options);
  if (options.histograms)
    return runHistograms(model.get(), file.path(), options);
  file.discard();
  if (!options.tasks.empty())
    return runTasks(model.get(), options);
  return options.text.empty() ? runPrompts(model.get(), probes, options)
                              : runPerplexity(model.get(), probes, options);
}

int main(int argc, char **argv) {
  EvalOptions options;
  bool helpShown = false;
  Error error = parseEvalOptions(argc, argv, options, helpShown);
  if (!error && !helpShown)
    error = run(options);
  return exitStatus("quant-eval", error);
}
