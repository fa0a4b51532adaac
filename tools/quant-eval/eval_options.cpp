//===- eval_options.cpp - Command line of quant-eval ----------------------===//

#include "tools/quant-eval/eval_options.h"

using namespace lowbit::tools;

static constexpr const char *synopsis =
    "quant-eval MODEL --text FILE [--ctx N] [--chunks N] [-o json]\n"
    "       quant-eval MODEL --text FILE --against REFERENCE [--sqnr]\n"
    "       quant-eval MODEL --against REFERENCE --sqnr\n"
    "       quant-eval MODEL --tasks FILE.jsonl\n"
    "       quant-eval MODEL --histograms [--text FILE]\n"
    "       quant-eval MODEL (--prompts FILE | --ids FILE) --logits OUT.f32\n"
    "       quant-eval MODEL (--text | --prompts | --ids) FILE --layers "
    "OUT.npz";

static constexpr const char *about =
    "Measures a compiled model: perplexity as llama-perplexity defines it, how "
    "far it is from a reference, logits after prompts, the outputs of its "
    "layers.";

static constexpr const char *definition =
    "Perplexity: the text is tokenized once and cut into chunks of --ctx "
    "tokens, the\nrest is left out. Where the model adds BOS, it replaces each "
    "chunk's first token.\nOf a chunk the second half is scored: tokens "
    "ctx/2+1 to ctx-1, 255 of 512. Bits per byte are comparable between "
    "vocabularies:\nNLL * tokens / (ln 2 * bytes of their text).\n\n"
    "--tasks: the choice of the largest log-likelihood behind the context is "
    "the answer\n(acc), or of the largest for a character of the choice "
    "(acc_norm), as in lm-eval.\nA space joins context and choice.\n\n"
    "--against: the statistics of llama-perplexity --kl-divergence. A "
    "REFERENCE "
    "that is\nno module is compiled with --activations=f32 and without "
    "--scheme.\n\n"
    "OUT.npz holds ids, sequence (number of the chunk or prompt), position, "
    "and for each\nprobed layer an array layer_NNN of [rows, n_embd].\n\n";

static Error checkReference(const EvalOptions &options) {
  if (options.sqnr && options.reference.path.empty())
    return Error("--sqnr needs something to compare with: --against REFERENCE");
  if (options.reference.path.empty())
    return Error::success();
  if (!options.prompts.empty() || !options.ids.empty() ||
      !options.tasks.empty())
    return Error(
        "--against goes with --text FILE, not with --prompts, --ids or "
        "--tasks");
  if (options.text.empty() && !options.sqnr)
    return Error("--against needs --text FILE, or --sqnr to compare weights "
                 "alone");
  if (!options.layers.empty())
    return Error("--layers OUT.npz goes without --against; --sqnr compares "
                 "layers");
  return Error::success();
}

/// --histograms looks at the model's own numbers; a text may be given.
static Error checkHistograms(const EvalOptions &options) {
  if (!options.reference.path.empty() || !options.prompts.empty() ||
      !options.ids.empty() || !options.tasks.empty() || !options.layers.empty())
    return Error("--histograms goes with --text FILE alone, or without");
  return Error::success();
}

static Error checkModes(const EvalOptions &options) {
  if (options.model.path.empty())
    return Error("no model given: quant-eval MODEL --text FILE");
  TOOLS_TRY(checkReference(options));
  if (options.histograms)
    TOOLS_TRY(checkHistograms(options));
  bool hasLines = !options.prompts.empty() || !options.ids.empty();
  int inputs = !options.text.empty() + !options.prompts.empty() +
               !options.ids.empty() + !options.tasks.empty();
  if (options.reference.path.empty() && !options.histograms && inputs != 1)
    return Error("give one of --text FILE, --tasks FILE.jsonl, --prompts FILE "
                 "and --ids FILE");
  if (!options.tasks.empty() && !options.layers.empty())
    return Error(
        "--layers goes with --text FILE, --prompts FILE or --ids FILE");
  if (!options.logits.empty() && !hasLines)
    return Error("--logits belongs to --prompts FILE or --ids FILE");
  if (hasLines && options.logits.empty() && options.layers.empty())
    return Error("where to? --prompts and --ids need --logits OUT.f32 or "
                 "--layers OUT.npz");
  if (options.chunks == 0)
    return Error("--chunks 0 leaves nothing to score");
  if (options.context % 2 != 0)
    return Error("--ctx must be even: half of a chunk is scored");
  return Error::success();
}

/// The reference is what the model should be: computed in float, as its file
/// has it.
static void completeReference(EvalOptions &options) {
  const std::string &probe = options.model.compile.probe;
  options.reference.threads = options.model.threads;
  options.reference.affinity = options.model.affinity;
  options.reference.hugePages = options.model.hugePages;
  options.reference.noCache = options.model.noCache;
  options.reference.compile.activations = "f32";
  options.reference.compile.probe = probe;
}

/// What looks at more than the text's perplexity.
static void declareComparison(OptionParser &parser, EvalOptions &options) {
  parser.text("--against", "REFERENCE",
              "a module or a model file: how far MODEL is from it",
              &options.reference.path);
  parser.flag("--sqnr",
              "signal-to-noise ratio and cosine of each layer's output (with "
              "--text) and of each weight, beside the reference's",
              &options.sqnr);
  parser.flag("--histograms",
              "where the weights' values lie and, with --text, those of each "
              "layer's output",
              &options.histograms);
  parser.integer("--worst", "N",
                 "tokens of the largest divergence to show (default 10)",
                 &options.worst, 0);
}

Error lowbit::tools::parseEvalOptions(int argc, const char *const *argv,
                                      EvalOptions &options, bool &helpShown) {
  OptionParser parser("quant-eval", synopsis, about);
  std::string output;
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
  parser.text("--tasks", "FILE.jsonl",
              "accuracy on questions: a line for each, an object with "
              "\"context\", \"choices\" and \"label\", or with \"context\" "
              "and a word as \"label\"",
              &options.tasks);
  declareComparison(parser, options);
  parser.choice("-o, --output", {"text", "json"},
                "what stdout gets: text (default) or one JSON object", &output);
  parser.flag("--json", "the same as -o json", &options.json);
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
  options.json |= output == "json";
  if (!options.layers.empty() ||
      ((options.sqnr || options.histograms) && !options.text.empty()))
    options.model.compile.probe = "layers";
  completeReference(options);
  return checkModes(options);
}
