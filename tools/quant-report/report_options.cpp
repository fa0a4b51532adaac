//===- report_options.cpp - Command line of quant-report ------------------===//

#include "tools/quant-report/report_options.h"

#include "tools/quant-report/variants.h"

using namespace lowbit::tools;
using namespace lowbit::tools::report;

static constexpr const char *synopsis =
    "quant-report MODEL --text FILE -o REPORT.html [--work FOLDER]\n"
    "       quant-report --from REPORT.json -o REPORT.html";

static constexpr const char *about =
    "Measures what a model becomes at other bits (size, memory, speed, "
    "perplexity, distance from the original) and writes one HTML page, with "
    "all numbers in a JSON file beside it.";

static constexpr const char *explanation =
    "Each variant is compiled, run by quant-bench and quant-run, and compared "
    "by\nquant-eval with the model's own weights and f32 activations. Both "
    "files are\nwritten again after every step, so a run may be stopped at any "
    "time; with --work\nit goes on from what is finished.\n";

/// "int8,int4"
static Error parseVariants(const std::string &text,
                           std::vector<std::string> &names) {
  names.clear();
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find(',', begin), text.size());
    std::string name = text.substr(begin, end - begin);
    if (!findVariant(name))
      return Error("--variants: there is no '" + name + "'; known are " +
                   variantNames());
    names.push_back(name);
    begin = end + 1;
  }
  return Error::success();
}

/// "report.html": "report.json"; any other name gets ".json" behind it.
static std::string besideHtml(const std::string &html) {
  size_t dot = html.rfind(".html");
  bool ends = dot != std::string::npos && dot + 5 == html.size() && dot > 0;
  return (ends ? html.substr(0, dot) : html) + ".json";
}

static Error checkOptions(ReportOptions &options) {
  if (options.html.empty())
    return Error("where to? -o REPORT.html is missing");
  if (!options.from.empty()) {
    if (!options.model.empty() || !options.text.empty())
      return Error("--from REPORT.json draws what was measured; it takes no "
                   "model and no text");
    return Error::success();
  }
  if (options.model.empty())
    return Error("no model given: quant-report MODEL --text FILE -o "
                 "REPORT.html");
  if (options.text.empty())
    return Error("no text to measure quality on: --text FILE is missing");
  if (options.context % 2 != 0)
    return Error("--ctx must be even: half of a chunk is scored");
  if (!options.recipes.empty() && !options.variants.empty())
    return Error("--variants and --recipe both say what is measured; give one");
  if (options.json.empty())
    options.json = besideHtml(options.html);
  return Error::success();
}

static void declareMeasurement(OptionParser &parser, ReportOptions &options) {
  parser.section("What to measure");
  parser.text("--text", "FILE", "the text that quality is measured on",
              &options.text);
  parser.custom("--variants", "NAME,...",
                "what the model becomes: of " + variantNames() +
                    "; default: all but int4-g128 and int3, which --full adds",
                [&](const std::string &text) {
                  return parseVariants(text, options.variants);
                });
  parser.custom("--recipe", "RECIPE",
                "a recipe of quant-compile (a file or a word such as Q4_K_M) "
                "in place of the variants; may be given several times, and "
                "bf16 is measured beside them",
                [&](const std::string &text) {
                  options.recipes.push_back(text);
                  return Error::success();
                });
  parser.flag("--full", "more variants", &options.full);
  parser.text("--calibrate", "FILE",
              "a text that calibrates: the variants take GPTQ then, and "
              "recipes what they say",
              &options.calibrate);
  parser.integer("--chunks", "N",
                 "chunks of the text to read (default 8); -1: all",
                 &options.chunks, -1);
  parser.integer("-c, --ctx", "N", "tokens of a chunk (default 512)",
                 &options.context, 4);
  parser.integer("-p, --n-prompt", "N",
                 "tokens of the prompt whose speed is measured (default 512)",
                 &options.prompt, 1);
  parser.integer("-n, --n-gen", "N", "tokens to generate (default 64)",
                 &options.generate, 1);
  parser.integer("-r, --repetitions", "N", "samples of each speed (default 5)",
                 &options.repetitions, 1);
  parser.integer("-t, --threads", "N", "threads; default: the physical cores",
                 &options.threads, 1);
}

Error lowbit::tools::report::parseReportOptions(int argc,
                                                const char *const *argv,
                                                ReportOptions &options,
                                                bool &helpShown) {
  OptionParser parser("quant-report", synopsis, about);
  parser.section("Files");
  parser.text("-o, --output", "REPORT.html", "the report", &options.html);
  parser.text("--json", "FILE", "its numbers (default: REPORT.json)",
              &options.json);
  parser.text("--from", "REPORT.json",
              "draw a report again; nothing is measured", &options.from);
  parser.text("--work", "FOLDER",
              "keep what is measured there, and take what was measured by the "
              "same programs in the same way",
              &options.work);
  declareMeasurement(parser, options);
  parser.positional([&](const std::string &text) {
    if (!options.model.empty())
      return Error("unexpected argument '" + text + "'");
    options.model = text;
    return Error::success();
  });
  parser.epilog(explanation);
  TOOLS_TRY(parser.parse(argc, argv, helpShown));
  if (helpShown)
    return Error::success();
  options.command.assign(argv, argv + argc);
  options.command[0] = "quant-report";
  if (options.chunks == 0)
    return Error("--chunks 0 leaves nothing to score");
  return checkOptions(options);
}
