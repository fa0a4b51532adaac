//===- evaluate_histograms.cpp - quant-eval --histograms ------------------===//

#include "tools/common/files.h"
#include "tools/quant-eval/evaluate.h"
#include "tools/quant-eval/histograms.h"
#include "tools/quant-eval/perplexity.h"

using namespace lowbit::tools;

static Error readActivations(qrt_model *model, int32_t probes,
                             const EvalOptions &options,
                             std::vector<NamedHistogram> &result) {
  std::string text;
  TOOLS_TRY(readFile(options.text, text));
  std::vector<int32_t> tokens;
  TOOLS_TRY(tokenize(model, text, true, false, tokens));
  std::vector<std::vector<int32_t>> chunks;
  TOOLS_TRY(
      makeChunks(model, tokens, {options.context, options.chunks}, chunks));
  return activationHistograms(model, static_cast<size_t>(probes), chunks,
                              result);
}

Error lowbit::tools::runHistograms(qrt_model *model, const std::string &path,
                                   const EvalOptions &options) {
  std::vector<NamedHistogram> weights, activations;
  if (!options.text.empty()) {
    int32_t probes = 0;
    TOOLS_TRY(countProbes(path, probes));
    TOOLS_TRY(readActivations(model, probes, options, activations));
  }
  TOOLS_TRY(weightHistograms(path, weights));
  if (!options.json) {
    std::string text = "====== Weights ======\n" + histogramText(weights);
    if (!activations.empty())
      text +=
          "\n====== Outputs of layers ======\n" + histogramText(activations);
    return writeStdout(text);
  }
  Json object = {{"weights", Json::array()}, {"activations", Json::array()}};
  for (const NamedHistogram &named : weights)
    object["weights"].push_back(histogramJson(named));
  for (const NamedHistogram &named : activations)
    object["activations"].push_back(histogramJson(named));
  return writeStdout(dumpJson(object));
}
