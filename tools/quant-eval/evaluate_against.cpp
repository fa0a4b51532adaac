//===- evaluate_against.cpp - A model beside its reference ----------------===//

#include "tools/common/files.h"
#include "tools/quant-eval/compare_report.h"
#include "tools/quant-eval/evaluate.h"
#include "tools/quant-eval/perplexity.h"

#include <chrono>
#include <cstdio>

using namespace lowbit::tools;

namespace {
struct Reference {
  ModelFile file;
  ModelHandle model;
};
} // namespace

static double seconds() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

static Error openReference(const ModelOptions &options, Reference &reference) {
  ModelOptions given = options;
  std::string magic;
  // What cannot be read here is told by resolve().
  if (!readBeginning(options.path, 4, magic) && magic == "\177ELF")
    given.compile = CompileOptions();
  TOOLS_TRY(reference.file.resolve(given));
  TOOLS_TRY(loadModel(reference.file, given, reference.model));
  return requireText(reference.model.get(), options.path);
}

/// stderr: llama-perplexity's table, and the time that the rest will take.
static void showProgress(int32_t chunk, int32_t chunks, const Divergence &sofar,
                         double begin) {
  if (chunk == 1)
    std::fputs(comparedChunkHead().c_str(), stderr);
  std::fputs(comparedChunkLine(chunk, sofar).c_str(), stderr);
  double left = (seconds() - begin) / chunk * (chunks - chunk);
  if (chunk < chunks)
    std::fprintf(stderr, "   (of %d; %.0f s left)", chunks, left);
  std::fputc('\n', stderr);
}

/// How many probes to compare: those of both modules, which must be alike.
static Error countComparedProbes(const std::string &path, qrt_model *model,
                                 const Reference &reference, size_t &count) {
  int32_t ours = 0, theirs = 0;
  TOOLS_TRY(countProbes(path, ours));
  TOOLS_TRY(countProbes(reference.file.path(), theirs));
  if (ours != theirs ||
      modelInfo(model).n_embd != modelInfo(reference.model.get()).n_embd)
    return Error("the reference has other layers than the model; give the "
                 "model that this one was made from");
  count = static_cast<size_t>(ours);
  return Error::success();
}

static Error compareText(qrt_model *model, const std::string &path,
                         const Reference &reference, const EvalOptions &options,
                         Comparison &result) {
  std::string text;
  TOOLS_TRY(readFile(options.text, text));
  std::vector<int32_t> tokens;
  TOOLS_TRY(tokenize(model, text, true, false, tokens));
  TOOLS_TRY(requireSameTokens(model, reference.model.get(),
                              options.reference.path, text, tokens));
  std::vector<std::vector<int32_t>> chunks;
  TOOLS_TRY(
      makeChunks(model, tokens, {options.context, options.chunks}, chunks));
  if (options.context > modelInfo(reference.model.get()).max_context)
    return Error("chunks of " + std::to_string(options.context) +
                 " tokens do not fit into the reference's context; lower "
                 "--ctx");
  result.worst = WorstTokens(static_cast<size_t>(options.worst));
  size_t probes = 0;
  if (options.sqnr)
    TOOLS_TRY(countComparedProbes(path, model, reference, probes));
  result.layers.resize(probes);
  double begin = seconds();
  auto onChunk = [&](int32_t chunk, int32_t count, const Divergence &sofar) {
    showProgress(chunk, count, sofar, begin);
  };
  return compareModels(model, reference.model.get(), chunks, onChunk, result);
}

Error lowbit::tools::runAgainst(qrt_model *model, const std::string &path,
                                const EvalOptions &options) {
  Reference reference;
  TOOLS_TRY(openReference(options.reference, reference));
  bool hasText = !options.text.empty();
  Comparison comparison;
  if (hasText)
    TOOLS_TRY(compareText(model, path, reference, options, comparison));
  std::vector<WeightSimilarity> weights;
  if (options.sqnr)
    TOOLS_TRY(compareWeights(path, reference.file.path(), weights));
  if (options.json) {
    Json object = hasText ? comparisonJson(comparison) : Json::object();
    object["reference"] = options.reference.path;
    if (hasText)
      object["ctx"] = options.context;
    if (options.sqnr)
      object["weights"] = weightsJson(weights);
    return writeStdout(dumpJson(object));
  }
  std::string text = hasText ? comparisonText(comparison) : "";
  if (options.sqnr)
    text += (hasText ? "\n" : "") + weightsText(weights);
  return writeStdout(text);
}
