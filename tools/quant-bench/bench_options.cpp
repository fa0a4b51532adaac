//===- bench_options.cpp - Command line of quant-bench --------------------===//

#include "tools/quant-bench/bench_options.h"

#include "tools/quant-bench/workloads.h"

#include <algorithm>

using namespace lowbit::tools;

static constexpr const char *synopsis =
    "quant-bench MODEL [-p N,...] [-n N,...] [-d N,...] [-t N,...] [-o md|json]\n"
    "       quant-bench --shape=SHAPE --scheme=SCHEME [...]\n"
    "       quant-bench --linear=KxN --scheme=SCHEME [--m N,...] [...]";

static constexpr const char *about =
    "Measures the speed of a compiled model: reading a prompt (pp) and "
    "generating (tg), or of one linear layer, beside the machine's ceilings, "
    "probed between the samples of the same run.";

static constexpr const char *meaning =
    "tg64@b8: eight sequences of 64 tokens, generated together; t/s counts the "
    "tokens\nof all. tg64 @ d8192: behind 8192 tokens, which are read before "
    "the time begins.\n\n"
    "A linear layer takes and gives f32; quantizing its activations is part of "
    "the\ntime. Below 64 rows so many copies of the layer take turns that "
    "weights come from\nmemory, not from a cache.\n\n"
    "bandwidth: bytes per token or layer (each tensor's bytes in its source "
    "scheme, and\nthe KV store) times speed, as a share of a plain read of "
    "memory; above 100 % where\nthe model stays in a cache. peak: two "
    "operations for each multiply-accumulate of\nthe matrices, as a share of "
    "the fastest loop on registers that the level of the\nrunning code allows: "
    "int8 dot products, xnor where both are signs, bf16\nor f32 as activations "
    "are; --peak takes another. Both ceilings are for the same number of "
    "threads.\n\n"
    "--profile: a table for each test tells the time of each part of the model, "
    "by marks\nin its code, which cost some speed; a MODEL.so must have been "
    "compiled with\n--profile.\n\n"
    "A sample during which a thread waited more than 5 % of the time for a "
    "core (other\nprograms ran) is measured again, up to twice as often as "
    "asked for.\n\n";

/// "1,2,4"
static Error parseList(const std::string &text, int32_t least,
                       std::vector<int32_t> &values) {
  values.clear();
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find(',', begin), text.size());
    int64_t value = 0;
    if (!parseInteger(std::string_view(text).substr(begin, end - begin),
                      value) ||
        value < least || value > INT32_MAX)
      return Error("expected numbers from " + std::to_string(least) +
                   " such as 1,2, but got '" + text + "'");
    values.push_back(static_cast<int32_t>(value));
    begin = end + 1;
  }
  return Error::success();
}

static void addList(OptionParser &parser, const char *names, const char *help,
                    int32_t least, std::vector<int32_t> &values) {
  parser.custom(names, "N,...", help,
                [&values, least](const std::string &text) {
                  return parseList(text, least, values);
                });
}

/// What quant-compile must be told of a linear layer: its rows, and how much
/// memory copies must fill so that none is in a cache when its turn comes.
static void describeLayer(BenchOptions &options) {
  CompileOptions &compile = options.model.compile;
  bool streams = false;
  compile.rows.clear();
  for (int32_t rows : options.rows) {
    compile.rows += (compile.rows.empty() ? "" : ",") + std::to_string(rows);
    streams |= rows < LayerWorkload::manyRows;
  }
  compile.fill = streams ? std::to_string(bytesBeyondCaches()) : "";
}

/// A model or random weights, not both.
static Error checkSource(const ModelOptions &model) {
  bool random = model.compile.isRandom();
  if (random && !model.path.empty())
    return Error("'" + model.path + "' and random weights are two models; "
                 "give one");
  if (!model.compile.shape.empty() && !model.compile.linear.empty())
    return Error("--shape and --linear are two models; give one");
  if (random && model.compile.scheme.empty())
    return Error("random weights need a scheme: --scheme=Q4_0");
  if (!random && model.path.empty())
    return Error("no model given: quant-bench MODEL, or --shape=SHAPE "
                 "--scheme=SCHEME");
  return Error::success();
}

/// What is measured.
static void addTests(OptionParser &parser, BenchOptions &options) {
  parser.section("Tests");
  addList(parser, "-p, --n-prompt",
          "tokens of a prompt (default 512); 0: no such test", 0,
          options.prompt);
  addList(parser, "-n, --n-gen",
          "tokens to generate (default 128); 0: no such test", 0,
          options.generate);
  addList(parser, "-d, --n-depth",
          "tokens that are in the context before a pp or tg test begins "
          "(default 0)",
          0, options.depths);
  addList(parser, "-b, --batch",
          "sequences that a tg test generates together (default 1)", 1,
          options.batches);
  addList(parser, "--m", "rows of a linear layer (default 1,8,512)", 1,
          options.rows);
  addList(parser, "-t, --threads", "threads (default: the physical cores)", 1,
          options.threads);
}

Error lowbit::tools::parseBenchOptions(int argc, const char *const *argv,
                                       BenchOptions &options, bool &helpShown) {
  OptionParser parser("quant-bench", synopsis, about);
  addTests(parser, options);
  parser.integer("-r, --repetitions", "N", "samples of each test (default 5)",
                 &options.repetitions, 1);
  parser.flag("--profile",
              "tell where the time goes: kernels by kind and role, barriers",
              &options.profile);
  parser.flag("--no-warmup", "do not run each test once before it counts",
              &options.warmup, false);
  parser.choice("-o, --output", {"md", "json"},
                "a table in Markdown (default) or an array of JSON objects",
                &options.output);
  parser.text("--svg", "FILE", "also draw the rows under the roofline",
              &options.svg);
  parser.choice("--peak", {"auto", "int8", "f32", "bf16", "xnor"},
                "the arithmetic of the peak (default: the model's)",
                &options.peak);
  addModelOptions(parser, options.model);
  parser.section("Random weights instead of a MODEL, in --scheme");
  parser.text("--shape", "SHAPE",
              "a model of random weights: llama-3.2-1b or another name that "
              "quant-compile --help lists, or a FILE.json with the keys of a "
              "config.json",
              &options.model.compile.shape);
  parser.text("--linear", "KxN",
              "one linear layer of K inputs and N outputs",
              &options.model.compile.linear);
  parser.positional([&](const std::string &text) {
    if (!options.model.path.empty())
      return Error("unexpected argument '" + text + "'");
    options.model.path = text;
    return Error::success();
  });
  parser.epilog(std::string(meaning) + modelHelp());
  TOOLS_TRY(parser.parse(argc, argv, helpShown));
  if (helpShown)
    return Error::success();
  TOOLS_TRY(checkSource(options.model));
  options.model.compile.profile = options.profile;
  if (!options.model.compile.linear.empty())
    describeLayer(options);
  return Error::success();
}
