//===- quant-run.cpp - Run a compiled model -------------------------------===//
//
// quant-run MODEL -p TEXT: text from a model; --help lists the rest.
//
//===----------------------------------------------------------------------===//

#include "tools/quant-run/call.h"
#include "tools/quant-run/chat.h"
#include "tools/quant-run/generate.h"
#include "tools/quant-run/run_options.h"
#include "tools/quant-run/tokens.h"

using namespace lowbit::tools;

static Error run(const RunOptions &options) {
  ModelFile file;
  TOOLS_TRY(file.resolve(options.model));
  ModelHandle model;
  double start = nowMs();
  TOOLS_TRY(loadModel(file, options.model, model));
  double loadMs = nowMs() - start;
  file.discard();
  if (!options.call.empty())
    return runCall(model.get(), options);
  TOOLS_TRY(requireText(model.get(), options.model.path));
  if (options.tokenize)
    return runTokenize(model.get(), options.tokenizeFile);
  if (options.detokenize)
    return runDetokenize(model.get(), options.detokenizeFile);
  if (options.embed.any())
    return runEmbed(model.get(), options.embed, options.prompt, options.json);
  if (options.chat)
    return runChat(model.get(), options, loadMs);
  return runPrompt(model.get(), options, loadMs);
}

int main(int argc, char **argv) {
  RunOptions options;
  bool helpShown = false;
  Error error = parseRunOptions(argc, argv, options, helpShown);
  if (!error && !helpShown)
    error = run(options);
  return exitStatus("quant-run", error);
}
