//===- evaluate.cpp - Perplexity and prompts ------------------------------===//

#include "tools/quant-eval/evaluate.h"

#include "tools/common/files.h"
#include "tools/common/json.h"
#include "tools/quant-eval/perplexity.h"
#include "tools/quant-eval/prompts.h"

#include <chrono>
#include <cstdio>

using namespace lowbit::tools;

using Sequences = std::vector<std::vector<int32_t>>;

static double seconds() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

static int64_t totalTokens(const Sequences &sequences) {
  int64_t total = 0;
  for (const std::vector<int32_t> &sequence : sequences)
    total += static_cast<int64_t>(sequence.size());
  return total;
}

/// Opens the archive of layers if one is wanted; `opened` is null otherwise.
static Error openLayers(const qrt_model *model, int32_t probes,
                        const std::string &path, const Sequences &sequences,
                        LayerWriter &writer, LayerWriter *&opened) {
  opened = nullptr;
  if (path.empty())
    return Error::success();
  TOOLS_TRY(writer.open(path, totalTokens(sequences), probes,
                        modelInfo(model).n_embd));
  opened = &writer;
  return Error::success();
}

/// stderr: the figure after each chunk, and the time that the rest will take.
static void showProgress(int32_t chunk, int32_t chunks, const Likelihood &sofar,
                         double begin) {
  double left = (seconds() - begin) / chunk * (chunks - chunk);
  std::fprintf(stderr, "[%d] ppl %.4f +/- %.4f", chunk, sofar.ppl(),
               sofar.pplError());
  if (chunk < chunks)
    std::fprintf(stderr, "   (of %d; %.0f s left)", chunks, left);
  std::fputc('\n', stderr);
}

Error lowbit::tools::runPerplexity(qrt_model *model, int32_t probes,
                                   const EvalOptions &options) {
  std::string text;
  TOOLS_TRY(readFile(options.text, text));
  std::vector<int32_t> tokens;
  // Control tokens are not read out of a text, as in llama-perplexity.
  TOOLS_TRY(tokenize(model, text, true, false, tokens));
  Sequences chunks;
  TOOLS_TRY(
      makeChunks(model, tokens, {options.context, options.chunks}, chunks));
  LayerWriter writer, *layers = nullptr;
  TOOLS_TRY(openLayers(model, probes, options.layers, chunks, writer, layers));

  Likelihood result;
  double begin = seconds();
  auto onChunk = [&](int32_t chunk, int32_t count, const Likelihood &sofar) {
    showProgress(chunk, count, sofar, begin);
  };
  TOOLS_TRY(measurePerplexity(model, chunks, layers, onChunk, result));
  if (layers)
    TOOLS_TRY(layers->commit());
  if (options.json) {
    Json object = {{"ppl", result.ppl()},
                   {"nll", result.nll()},
                   {"tokens_scored", result.count()},
                   {"ppl_error", result.pplError()},
                   {"nll_error", result.nllError()},
                   {"bits_per_byte", result.bitsPerByte().value},
                   {"bits_per_byte_error", result.bitsPerByte().error},
                   {"bytes_scored", result.bytes()},
                   {"tokens", tokens.size()},
                   {"chunks", chunks.size()},
                   {"ctx", options.context},
                   {"level", modelInfo(model).level},
                   {"threads", modelInfo(model).threads},
                   {"seconds", seconds() - begin}};
    return writeStdout(dumpJson(object));
  }
  char line[240];
  std::snprintf(line, sizeof line,
                "Final estimate: PPL = %.4f +/- %.5f (NLL %.6f, %lld tokens "
                "scored)\nBits per byte = %.5f +/- %.5f (%llu bytes of text)\n",
                result.ppl(), result.pplError(), result.nll(),
                static_cast<long long>(result.count()),
                result.bitsPerByte().value, result.bitsPerByte().error,
                static_cast<unsigned long long>(result.bytes()));
  return writeStdout(line);
}

Error lowbit::tools::runPrompts(qrt_model *model, int32_t probes,
                                const EvalOptions &options) {
  Sequences prompts;
  bool isText = options.ids.empty();
  TOOLS_TRY(readPrompts(model, isText ? options.prompts : options.ids, isText,
                        prompts));
  LayerWriter writer, *layers = nullptr;
  TOOLS_TRY(openLayers(model, probes, options.layers, prompts, writer, layers));
  TOOLS_TRY(evaluatePrompts(model, prompts, options.logits, layers));
  if (layers)
    TOOLS_TRY(layers->commit());
  if (options.json) {
    Json object = {{"prompts", prompts.size()},
                   {"tokens", totalTokens(prompts)},
                   {"n_vocab", modelInfo(model).n_vocab}};
    return writeStdout(dumpJson(object));
  }
  std::fprintf(stderr, "%zu prompts, %lld tokens, %d logits each\n",
               prompts.size(), static_cast<long long>(totalTokens(prompts)),
               modelInfo(model).n_vocab);
  return Error::success();
}
