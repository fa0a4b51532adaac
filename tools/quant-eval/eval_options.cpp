//===- eval_options.cpp - Command line of quant-eval ----------------------===//

#include "tools/quant-eval/eval_options.h"

using namespace lowbit::tools;

static constexpr const char *synopsis =
    "quant-eval MODEL --text FILE [--ctx N] [--chunks N] [--json]\n"
    "       quant-eval MODEL (--prompts FILE | --ids FILE) --logits OUT.f32\n"
    "       quant-eval MODEL (--text | --prompts | --ids) FILE --layers "
    "OUT.npz";

static constexpr const char *about =
    "Measures a compiled model: perplexity as llama-perplexity defines it, "
    "logits after prompts, the outputs of its layers.";

static constexpr const char *definition =
    "Perplexity: the text is tokenized once and cut into chunks of --ctx "
    "tokens, the\nrest is left out. Where the model adds BOS, it replaces each "
    "chunk's first token.\nOf a chunk the second half is scored: tokens "
    "ctx/2+1 to ctx-1, 255 of 512.\n\n"
    "OUT.npz holds ids, sequence (number of the chunk or prompt), position, "
    "and for each\nprobed layer an array layer_NNN of [rows, n_embd].\n\n";

static Error checkModes(const EvalOptions &options) {
  if (options.model.path.empty())
    return Error("no model given: quant-eval MODEL --text FILE");
  bool isText = !options.text.empty();
  if (isText + !options.prompts.empty() + !options.ids.empty() != 1)
    return Error("give one of --text FILE, --prompts FILE and --ids FILE");
  if (!options.logits.empty() && isText)
    return Error("--logits belongs to --prompts FILE or --ids FILE");
  if (!isText && options.logits.empty() && options.layers.empty())
    return Error("where to? --prompts and --ids need --logits OUT.f32 or "
                 "--layers OUT.npz");
  if (options.chunks == 0)
    return Error("--chunks 0 leaves nothing to score");
  if (options.context % 2 != 0)
    return Error("--ctx must be even: half of a chunk is scored");
  return Error::success();
}

Error lowbit::tools::parseEvalOptions(int argc, const char *const *argv,
                                      EvalOptions &options, bool &helpShown) {
  OptionParser parser("quant-eval", synopsis, about);
  parser.section("What to measure");
  parser.text("--text", "FILE", "perplexity of a text", &options.text);
  parser.integer("-c, --ctx, --ctx-size", "N",
                 "tokens of a chunk (default 512)", &options.context, 4);
  parser.integer("--chunks", "N", "at most so many chunks; -1 (default): all",
                 &options.chunks, -1);
  parser.text("--prompts", "FILE",
              "one prompt a line, with escapes such as \\n", &options.prompts);
  parser.text(
      "--ids", "FILE",
      "one prompt a line as a JSON array of ids, taken as they are: for "
      "a model without a tokenizer",
      &options.ids);
  parser.text("--logits", "OUT.f32",
              "float32 logits after the last token of each prompt, one row of "
              "n_vocab after another",
              &options.logits);
  parser.text("--layers", "OUT.npz",
              "outputs of each layer for every token (a .gguf is compiled with "
              "--probe=layers for it)",
              &options.layers);
  parser.flag("--json", "one JSON object on stdout", &options.json);
  parser.integer("-t, --threads", "N", "threads; default: the physical cores",
                 &options.model.threads, 1);
  addModelOptions(parser, options.model);
  parser.positional([&](const std::string &text) {
    if (!options.model.path.empty())
      return Error("unexpected argument '" + text + "'");
    options.model.path = text;
    return Error::success();
  });
  parser.epilog(std::string(definition) + modelHelp());
  TOOLS_TRY(parser.parse(argc, argv, helpShown));
  if (helpShown)
    return Error::success();
  if (!options.layers.empty())
    options.model.compile.probe = "layers";
  return checkModes(options);
}
