//===- run_options.cpp - Command line of quant-run ------------------------===//

#include "tools/quant-run/run_options.h"

#include "tools/common/files.h"
#include "tools/common/text.h"

#include <random>

using namespace lowbit::tools;

namespace {
/// What the parser collects and resolve() sorts out.
struct Raw {
  std::string prompt, promptFile;
  bool promptGiven = false, fileGiven = false, escapes = true;
  int64_t seed = -1;
  /// Positional arguments and --input, in order. With "--input a.npy b.npy"
  /// the second one is positional.
  struct Word {
    std::string text;
    bool input;
  };
  std::vector<Word> words;
};
} // namespace

static constexpr const char *synopsis =
    "quant-run MODEL -p TEXT [options]\n"
    "       quant-run MODEL -cnv [options]\n"
    "       quant-run MODEL --embedding -p TEXT | --classify -p TEXT\n"
    "       quant-run MODEL --tokenize FILE | --detokenize FILE\n"
    "       quant-run MODEL --call=NAME --input A.npy ... --output Y.npy ...";

static constexpr const char *about =
    "Runs a compiled model. stdout holds the generated text and nothing else; "
    "all other words go to stderr.";

static void addTextOptions(OptionParser &parser, RunOptions &options,
                           Raw &raw) {
  parser.section("Text");
  parser.custom("-p, --prompt", "TEXT",
                "text to continue, taken as it is (no chat template); \\n, "
                "\\t, \\\\ and \\xHH are escapes; \"-\" reads stdin",
                [&raw](const std::string &text) {
                  raw.prompt = text;
                  raw.promptGiven = true;
                  return Error::success();
                });
  parser.custom("-f, --file", "FILE",
                "the prompt is in a file (no escapes; one last line end is "
                "dropped); \"-\" is stdin",
                [&raw](const std::string &text) {
                  raw.promptFile = text;
                  raw.fileGiven = true;
                  return Error::success();
                });
  parser.flag("--no-escape", "take backslashes in -p as they are", &raw.escapes,
              false);
  parser.integer("-n, --predict, --n-predict", "N",
                 "tokens to generate at most; -1 (default): until the model "
                 "ends or the context is full",
                 &options.maxTokens, -1);
  parser.integer("-c, --ctx-size", "N",
                 "positions of the context; default: the smaller of the "
                 "model's and 4096",
                 &options.context, 0);
  parser.integer("-t, --threads", "N", "threads; default: the physical cores",
                 &options.model.threads, 1);
  parser.flag("--ignore-eos", "never choose a token that ends the text",
              &options.ignoreEos);
  parser.flag("--json",
              "one JSON object on stdout: prompt_ids, ids, text, "
              "stop_reason, timings",
              &options.json);
}

static void addChatOptions(OptionParser &parser, RunOptions &options) {
  parser.section("Chat");
  parser.flag("-cnv, --conversation",
              "talk, with the model's chat template; one message a line on "
              "stdin, -p gives the first one",
              &options.chat);
  parser.text("-sys, --system-prompt", "TEXT",
              "what the model is told before the first message",
              &options.system);
  parser.flag("-st, --single-turn", "end after one answer",
              &options.singleTurn);
}

/// "ID+BIAS" or "ID-BIAS", as in llama.cpp.
static Error parseBias(const std::string &text,
                       std::vector<qrt_logit_bias> &biases) {
  size_t sign = text.find_first_of("+-");
  int64_t id = 0;
  double bias = 0;
  if (sign == std::string::npos || !parseInteger(text.substr(0, sign), id) ||
      id < 0 || id > INT32_MAX || !parseReal(text.substr(sign), bias))
    return Error("expected ID+BIAS or ID-BIAS such as 15043-1.5, but got '" +
                 text + "'");
  biases.push_back({static_cast<int32_t>(id), static_cast<float>(bias)});
  return Error::success();
}

static void addSamplingOptions(OptionParser &parser, RunOptions &options,
                               Raw &raw) {
  qrt_sampling &sampling = options.sampling;
  parser.section("Sampling");
  parser.custom("-s, --seed", "N",
                "the same seed gives the same text, for any number of "
                "threads; -1 (default): a new one each time",
                [&raw](const std::string &text) {
                  if (!parseInteger(text, raw.seed) || raw.seed < -1)
                    return Error("expected -1 or a number from 0, but got '" +
                                 text + "'");
                  return Error::success();
                });
  parser.real("--temp, --temperature", "X",
              "temperature; 0: always the likeliest token (default 0.8)",
              &sampling.temperature, 0);
  parser.integer("--top-k", "N",
                 "choose among the N likeliest; 0: off "
                 "(default 40)",
                 &sampling.top_k, 0);
  parser.real("--top-p", "X",
              "choose among the likeliest that make up this probability; 1: "
              "off (default 0.95)",
              &sampling.top_p, 0, 1);
  parser.real("--min-p", "X",
              "drop what is less likely than this part of the likeliest; 0: "
              "off (default 0.05)",
              &sampling.min_p, 0, 1);
  parser.real("--repeat-penalty", "X",
              "makes repeated tokens less likely; 1: off (default)",
              &sampling.repeat_penalty, 1e-6);
  parser.integer("--repeat-last-n", "N",
                 "tokens that count as repeated, the prompt's among them; -1: "
                 "all (default 64)",
                 &sampling.repeat_last_n, -1);
  parser.custom("-l, --logit-bias", "ID(+/-)BIAS",
                "makes a token more or less likely; may be repeated",
                [&options](const std::string &text) {
                  return parseBias(text, options.biases);
                });
}

static void addEmbeddingOptions(OptionParser &parser, EmbedOptions &options) {
  parser.section("Embeddings and classes (of BERT; embeddings of others too)");
  parser.flag("--embedding, --embeddings",
              "prints a vector for each line of -p or -f", &options.embed);
  parser.flag("--classify",
              "prints the classes of each line, the likeliest first; with "
              "--json an object for each line",
              &options.classify);
  parser.choice("--pooling", {"none", "mean", "cls", "last", "rank"},
                "what makes one vector of the tokens'; default: as the model "
                "says, else mean",
                &options.pooling);
  parser.custom("--embd-normalize", "N",
                "-1: none, 0: int16, 1: taxicab, 2: Euclidean (default), "
                "larger: p-norm",
                [&options](const std::string &text) {
                  int64_t norm = 0;
                  if (!parseInteger(text, norm) || norm < -1 || norm > 1000)
                    return Error("expected a number from -1, but got '" + text +
                                 "'");
                  options.normalize = static_cast<int32_t>(norm);
                  options.normalizeGiven = true;
                  return Error::success();
                });
  parser.choice("--embd-output-format",
                {"default", "array", "json", "json+", "raw"},
                "default: text; array: [[..],..]; json: OpenAI's; json+: with "
                "cosines; raw: a line of numbers for each",
                &options.format);
  parser.text("--embd-separator", "TEXT",
              "what stands between two texts (default: a line end)",
              &options.separator);
}

static void addOtherModes(OptionParser &parser, RunOptions &options, Raw &raw) {
  parser.section("Tokens");
  parser.custom("--tokenize", "FILE",
                "prints a JSON array of ids for each line, without BOS",
                [&options](const std::string &text) {
                  options.tokenizeFile = text;
                  options.tokenize = true;
                  return Error::success();
                });
  parser.custom("--detokenize", "FILE",
                "prints a line of text for each JSON array of ids",
                [&options](const std::string &text) {
                  options.detokenizeFile = text;
                  options.detokenize = true;
                  return Error::success();
                });
  parser.section("Functions (of a module compiled from .mlir)");
  parser.text("--call", "NAME", "calls a function", &options.call);
  parser.custom("--input", "A.npy", "an argument; one for each input, in order",
                [&raw](const std::string &text) {
                  raw.words.push_back({text, true});
                  return Error::success();
                });
  parser.custom("--output", "Y.npy",
                "where a result goes; one for each output, in order",
                [&options](const std::string &text) {
                  options.outputs.push_back(text);
                  return Error::success();
                });
  parser.positional([&raw](const std::string &text) {
    raw.words.push_back({text, false});
    return Error::success();
  });
}

/// The first positional argument is the model, unless -m gave it; the others
/// are inputs of a function.
static Error resolveWords(const Raw &raw, RunOptions &options) {
  for (const Raw::Word &word : raw.words) {
    if (!word.input && options.model.path.empty())
      options.model.path = word.text;
    else if (word.input || !options.call.empty())
      options.inputs.push_back(word.text);
    else
      return Error("unexpected argument '" + word.text +
                   "'; a prompt is given with -p");
  }
  return Error::success();
}

static Error resolvePrompt(const Raw &raw, RunOptions &options) {
  if (raw.promptGiven && raw.fileGiven)
    return Error("-p and -f both give a prompt; leave one out");
  if (raw.fileGiven || (raw.promptGiven && raw.prompt == "-")) {
    TOOLS_TRY(readFile(raw.fileGiven ? raw.promptFile : "-", options.prompt));
    if (!options.prompt.empty() && options.prompt.back() == '\n')
      options.prompt.pop_back();
  } else {
    options.prompt = raw.escapes ? processEscapes(raw.prompt) : raw.prompt;
  }
  if (raw.escapes)
    options.system = processEscapes(options.system);
  return Error::success();
}

static Error checkEmbedding(const RunOptions &options) {
  if (options.embed.embed && options.embed.classify)
    return Error("--embedding and --classify are different things to do; "
                 "choose one");
  if (options.tokenize || options.detokenize || options.chat ||
      !options.call.empty())
    return Error("--embedding and --classify take a text (-p, -f) and do "
                 "nothing else");
  if (!options.hasPrompt)
    return Error("no text given: quant-run MODEL --embedding -p TEXT");
  if (options.embed.embed && options.json)
    return Error("--json belongs to generated text; of embeddings: "
                 "--embd-output-format=json");
  return Error::success();
}

static Error checkModes(const RunOptions &options) {
  if (options.embed.any())
    return checkEmbedding(options);
  if (!options.embed.pooling.empty() || options.embed.normalizeGiven)
    return Error("--pooling and --embd-normalize belong to --embedding");
  int modes = options.tokenize + options.detokenize + !options.call.empty();
  bool text = options.hasPrompt || options.chat;
  if (modes > 1 || (modes == 1 && text))
    return Error("-p, --tokenize, --detokenize and --call are different "
                 "things to do; choose one");
  if (modes == 0 && !text)
    return Error("nothing to do: give -p TEXT, -f FILE, -cnv, --tokenize FILE "
                 "or --call NAME");
  if (options.call.empty() &&
      (!options.inputs.empty() || !options.outputs.empty()))
    return Error("--input and --output belong to --call NAME");
  if (!options.chat && (options.singleTurn || !options.system.empty()))
    return Error("-st and -sys belong to a chat (-cnv)");
  if (options.chat && options.json && !options.hasPrompt)
    return Error("--json makes one object of one answer: give the message "
                 "with -p");
  if (modes == 1 && options.json)
    return Error("--json belongs to generated text");
  return Error::success();
}

Error lowbit::tools::parseRunOptions(int argc, const char *const *argv,
                                     RunOptions &options, bool &helpShown) {
  Raw raw;
  qrt_sampling_default(&options.sampling);
  options.sampling.repeat_last_n = 64;
  OptionParser parser("quant-run", synopsis, about);
  addTextOptions(parser, options, raw);
  addSamplingOptions(parser, options, raw);
  addChatOptions(parser, options);
  addEmbeddingOptions(parser, options.embed);
  addOtherModes(parser, options, raw);
  addModelOptions(parser, options.model);
  parser.epilog(modelHelp());
  TOOLS_TRY(parser.parse(argc, argv, helpShown));
  if (helpShown)
    return Error::success();
  options.hasPrompt = raw.promptGiven || raw.fileGiven;
  TOOLS_TRY(resolveWords(raw, options));
  TOOLS_TRY(checkModes(options));
  if (options.model.path.empty())
    return Error("no model given: quant-run MODEL -p TEXT");
  TOOLS_TRY(resolvePrompt(raw, options));
  options.singleTurn |= options.json;
  options.embed.separator = processEscapes(options.embed.separator);
  options.model.compile.embedding = options.embed.embed;
  options.sampling.seed =
      raw.seed >= 0 ? static_cast<uint64_t>(raw.seed) : std::random_device()();
  return Error::success();
}
