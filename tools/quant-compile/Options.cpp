//===- Options.cpp - The command line of quant-compile --------------------===//

#include "Options.h"

#include "tools/common/options.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

namespace lowbit {

static llvm::Error failure(const std::string &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 llvm::Twine(message));
}

namespace {

/// Of the architecture that the compiler runs on.
#if defined(__aarch64__)
constexpr const char *kDefaultLevels = "neon,armv8.6";
#else
constexpr const char *kDefaultLevels = "avx2,avx512vnni";
#endif
/// What --activations=bf16 adds: nothing else gains from it, and a level costs
/// time and space.
#if defined(__aarch64__)
constexpr const char *kPairLevels = "";
#else
constexpr const char *kPairLevels = ",avx512bf16";
#endif

/// Words that become something else than text.
struct Words {
  std::string targetCPU, kv = "f16", startFrom, stopAfter = "module",
                         emit = "so", probe;
  std::string rows, fill;
  std::string budget, candidates, algorithm, seconds;
  int32_t maxRows = 0;
  bool version = false;
  std::vector<std::string> positional;
};

/// Spelt as llama-quantize and llama-imatrix spell them.
void declareOverrides(tools::OptionParser &parser, Command &command) {
  RecipeOverrides &overrides = command.overrides;
  parser.text("--imatrix", "FILE",
              "an importance matrix (llama-imatrix) weighs the columns, in "
              "place of a text",
              &command.importance);
  parser.text("--output-imatrix", "FILE",
              "write one, of what --calibrate shows; without --recipe nothing "
              "else is done",
              &command.outputImportance);
  parser.custom("--tensor-type", "REGEX=TYPE",
                "another type for tensors that part of whose name matches; may "
                "be given again",
                [&](const std::string &text) {
                  llvm::Error error = addTensorType(text, overrides);
                  return error ? tools::Error(llvm::toString(std::move(error)))
                               : tools::Error::success();
                });
  parser.text("--output-tensor-type", "TYPE",
              "another type for the head (of a tied embedding too)",
              &overrides.output);
  parser.text("--token-embedding-type", "TYPE",
              "another type for the embedding", &overrides.embedding);
  parser.flag("--leave-output-tensor", "keep the head as it is",
              &overrides.keepsOutput);
  parser.flag("--pure", "of a mixture: its most frequent type for every matrix",
              &overrides.pure);
  parser.choice("--algorithm", {"nearest", "gptq", "hqq"},
                "what takes the place of a built-in recipe's search",
                &overrides.algorithm);
}

void declareOptions(tools::OptionParser &parser, Command &command,
                    Words &words) {
  CompileOptions &options = command.compile;
  parser.section("Output");
  parser.text("-o", "FILE", "the module, or the IR, to write", &options.output);
  parser.choice("--emit",
                {"so", "obj", "asm", "llvm", "gguf", "compressed-tensors"},
                "a shared object (default), an object to link into a program, "
                "the text of the code, or no code: a GGUF file or a folder for "
                "transformers with the weights, rounded where --scheme or "
                "--recipe says so",
                &words.emit);
  parser.text("--symbol", "NAME",
              "what C calls the module in an object (default STEM_module of "
              "-o STEM.o)",
              &options.symbol);
  parser.choice("--stop-after",
                {"import", "quantize", "pack", "loops", "target", "module"},
                "print the IR after this stage", &words.stopAfter);
  parser.choice("--start-from",
                {"import", "quantize", "pack", "loops", "target"},
                "the stage that a .mlir has reached (default: by its dialects)",
                &words.startFrom);
  parser.text("--emit-header", "FILE",
              "write C declarations: the module's functions and symbol",
              &options.emitHeader);
  parser.section("Model");
  parser.choice(
      "--activations",
      {"int8", "int8-pow2", "per-token", "int4", "int4-per-token", "binary",
       "bf16", "f32"},
      "activations in matrix products: int8 with a scale for 32 "
      "(default), with a power of two for 32, with a scale for each "
      "token; int4 and int4-per-token: 4 bits where weights have no "
      "more, else 8; binary: signs, where weights are signs too, else int8; "
      "bf16; f32 (exact)",
      &options.activations);
  parser.choice("--kv", {"f16", "f32", "bf16", "q8", "q4"},
                "keys and values in f16 (default), f32, bf16, in bytes with a "
                "scale for each head of a position, or in 4 bits with a scale "
                "for each 32",
                &words.kv);
  parser.flag("--rotate-heads",
              "store keys and values rotated within each head, for a store of "
              "few bits",
              &options.rotateHeads);
  parser.text("--scheme", "SCHEME",
              "round tensors to nearest in a scheme: a type of GGUF (Q4_0), "
              "FILE.mlir#NAME, or its words; of random tensors: what they are "
              "in",
              &options.scheme);
  parser.text("--tensors", "REGEX",
              "which tensors --scheme rounds, by their whole names",
              &options.tensors);
  parser.text("--weights", "MODEL",
              "where the weights are that a .mlir names (IR that a model's "
              "--stop-after printed)",
              &options.weights);
  parser.choice("--probe", {"layers"}, "keep each layer's output",
                &words.probe);
  parser.flag("--embedding",
              "of a decoder: the hidden rows, pooled, in place of logits (what "
              "encoders always give)",
              &options.embedding);
  parser.flag("--profile",
              "let the code count the time of its parts, for quant-bench "
              "--profile; costs some speed",
              &options.profile);
  parser.section("Quantization");
  parser.text("--recipe", "RECIPE",
              "quantize by a recipe: a YAML file, a type of GGUF (Q4_0), a "
              "mixture of llama-quantize (Q4_K_M), or a preset of "
              "compressed-tensors (W4A16)",
              &command.recipe);
  declareOverrides(parser, command);
  parser.text("--calibrate", "FILE",
              "the text that calibrates (default: as the recipe says)",
              &command.text);
  parser.integer("--sequences", "N", "pieces of it (default 128)",
                 &command.sequences, 1);
  parser.integer("--sequence-length", "N", "tokens of each (default 512)",
                 &command.length, 2);
  parser.text("--work", "FOLDER",
              "keep what is finished there, and go on from it (default: a "
              "folder beside the output, removed at the end)",
              &command.workFolder);
  parser.integer("-t", "N", "threads that calibrate (default: all cores)",
                 &command.threads, 1);
  parser.flag("--dry-run", "print what the recipe would do, and the sizes",
              &command.dryRun);
  parser.section("Quantization under a limit");
  parser.text("--budget", "LIMIT",
              "choose a scheme for each tensor so that the model stays as near "
              "to the original as size=90MB, bpw=4.5 or latency=12ms (products "
              "of a token) allow, or as small as ppl=+2% allows; needs "
              "--calibrate",
              &words.budget);
  parser.text("--candidates", "SCHEME,...",
              "what there is to choose from (default "
              "Q8_0,Q6_K,Q5_K,Q4_K,Q3_K,Q2_K); with ; between them where the "
              "words of one hold commas",
              &words.candidates);
  parser.choice("--budget-algorithm", {"nearest", "search", "gptq"},
                "who chooses the codes (default search)", &words.algorithm);
  parser.text("--budget-time", "TIME",
              "how long to measure, such as 90s, 10m (default) or 1h; the best "
              "so far counts then",
              &words.seconds);
  parser.text("--budget-report", "FILE",
              "write the Pareto front and each tensor's sensitivity (JSON)",
              &command.budget.report);
  parser.text("--output-recipe", "FILE.yaml",
              "write what was chosen as a recipe, for --recipe",
              &command.budget.outputRecipe);
  parser.section("Random weights, for measurements (need --scheme)");
  parser.text("--shape", "SHAPE",
              "a whole model: " + llvm::join(knownShapes(), ", ") +
                  " (the matrices of BitNet 2B4T in the network of llama), or "
                  "a FILE.json with the keys of a config.json",
              &options.shape);
  parser.text("--linear", "KxN", "linear layers of K inputs and N outputs",
              &options.linear);
  parser.text("--rows", "M,...",
              "their rows of activations, and an .onnx file's symbolic "
              "dimension (default 1)",
              &words.rows);
  parser.text("--fill", "BYTES",
              "so many copies of the layer that they take as many bytes "
              "(default: one)",
              &words.fill);
  parser.section("Machine");
  parser.text("--target-cpu", "LEVELS",
              std::string("host, or a list of CPU levels: avx2, avxvnni, "
                          "avx512vnni, avx512bf16, amx; neon, armv8.6 "
                          "(default ") +
                  kDefaultLevels + ", of --activations=bf16 " + kDefaultLevels +
                  kPairLevels + ")",
              &words.targetCPU);
  parser.text(
      "--tuning", "FILE",
      "choices for kernels, such as tiles, that override the compiler's "
      "(JSON)",
      &options.tuning);
  parser.flag("--tune",
              "measure such choices on this machine first and keep the winners "
              "in the file: minutes for each kind of weight",
              &options.tune);
  parser.integer("--max-rows", "N",
                 "rows of one call of text (default 256; of embeddings 512, "
                 "the longest sequence)",
                 &words.maxRows, 1);
  parser.section("Other");
  parser.flag("--quiet", "no progress, no summary", &options.quiet);
  parser.flag("--version", "print the version", &words.version);
  parser.positional([&](const std::string &word) {
    words.positional.push_back(word);
    return tools::Error::success();
  });
}

llvm::Error readLevels(const std::string &text, CompileOptions &options) {
  llvm::SmallVector<llvm::StringRef> words;
  llvm::StringRef(text).split(words, ',');
  for (llvm::StringRef word : words) {
    const TargetInfo *level = word == "host" ? hostTarget() : findTarget(word);
    if (!level && word == "host")
      return failure(
          "--target-cpu=host: this CPU has none of the known levels");
    if (!level) {
      auto names = llvm::map_range(knownTargets(),
                                   [](const TargetInfo &t) { return t.level; });
      return failure("--target-cpu: expected host or a list of " +
                     llvm::join(names, ", ") + ", but got '" + word.str() +
                     "'");
    }
    if (!llvm::is_contained(options.levels, level))
      options.levels.push_back(level);
  }
  const TargetInfo *first = options.levels.front();
  for (const TargetInfo *level : options.levels)
    if (llvm::StringRef(level->triple) != first->triple)
      return failure(std::string("--target-cpu: expected levels of one "
                                 "architecture, but got '") +
                     first->level + "' of " + first->triple + " and '" +
                     level->level + "' of " + level->triple +
                     "; compile a module for each");
  llvm::sort(options.levels, [](const TargetInfo *a, const TargetInfo *b) {
    return a->abiLevel < b->abiLevel;
  });
  return llvm::Error::success();
}

llvm::Error readLayerWords(const Words &words, CompileOptions &options) {
  if (!words.fill.empty() &&
      llvm::StringRef(words.fill).getAsInteger(10, options.fill))
    return failure("--fill: expected a number of bytes, but got '" +
                   words.fill + "'");
  if (words.rows.empty())
    return llvm::Error::success();
  options.rows.clear();
  llvm::SmallVector<llvm::StringRef> numbers;
  llvm::StringRef(words.rows).split(numbers, ',');
  for (llvm::StringRef number : numbers) {
    int64_t rows = 0;
    if (number.getAsInteger(10, rows) || rows < 1 || rows > 65536)
      return failure("--rows: expected numbers from 1 to 65536 such as 1,8, "
                     "but got '" +
                     words.rows + "'");
    if (!llvm::is_contained(options.rows, rows))
      options.rows.push_back(rows);
  }
  return llvm::Error::success();
}

/// One source, and for random weights a scheme.
llvm::Error checkSource(const Words &words, const CompileOptions &options) {
  bool random = !options.shape.empty() || !options.linear.empty();
  if (!options.shape.empty() && !options.linear.empty())
    return failure("--shape and --linear are two inputs; give one");
  if (random && !options.input.empty())
    return failure("one input only, but got '" + options.input +
                   "' and random weights");
  if (random && options.scheme.empty())
    return failure("random weights need a scheme: --scheme=Q4_0");
  bool isOnnx = llvm::StringRef(options.input).ends_with(".onnx");
  if (options.linear.empty() &&
      ((!words.rows.empty() && !isOnnx) || !words.fill.empty()))
    return failure("--rows belongs to --linear=KxN or an .onnx file, --fill to "
                   "--linear");
  if (random && options.tensors != ".*")
    return failure("--tensors is for files: random weights are all in one "
                   "scheme");
  if (!random && options.input.empty())
    return failure("no input; try quant-compile --help");
  if (options.rotateHeads &&
      (!options.linear.empty() ||
       llvm::StringRef(options.input).ends_with(".mlir")))
    return failure("--rotate-heads is for models: a .mlir takes the pass "
                   "lm-rotate-heads");
  if (!options.weights.empty() &&
      !llvm::StringRef(options.input).ends_with(".mlir"))
    return failure("--weights is for a .mlir, whose weights are elsewhere");
  return llvm::Error::success();
}

void readWords(const Words &words, CompileOptions &options) {
  options.kv = parseKVElement(words.kv).value_or(KVElement::F16);
  options.probeLayers = words.probe == "layers";
  options.stopAfter = *parseStage(words.stopAfter);
  if (!words.startFrom.empty())
    options.startFrom = parseStage(words.startFrom);
  options.emit = words.emit == "obj"                  ? Emit::StaticObject
                 : words.emit == "asm"                ? Emit::Assembly
                 : words.emit == "llvm"               ? Emit::LLVMIR
                 : words.emit == "gguf"               ? Emit::GGUF
                 : words.emit == "compressed-tensors" ? Emit::CompressedTensors
                                                      : Emit::SharedObject;
  options.maxRows = words.maxRows;
}

/// llama-quantize's IN OUT TYPE THREADS, or IN alone.
llvm::Error readPositional(Words &words, Command &command) {
  CompileOptions &options = command.compile;
  const std::vector<std::string> &given = words.positional;
  if (!given.empty())
    options.input = given[0];
  if (given.size() < 2)
    return llvm::Error::success();
  if (given.size() == 2 || given.size() > 4)
    return failure("one input only, or IN OUT TYPE [THREADS] as llama-quantize "
                   "has them, but got '" +
                   given[0] + "' and '" + given[1] + "'");
  if (!options.output.empty() || !command.recipe.empty())
    return failure("the output and the type are said twice: leave out -o and "
                   "--recipe, or '" +
                   given[1] + "' and '" + given[2] + "'");
  options.output = given[1];
  command.recipe = given[2];
  if (llvm::StringRef(given[1]).ends_with(".gguf") && words.emit == "so")
    words.emit = "gguf";
  if (given.size() == 4 &&
      (llvm::StringRef(given[3]).getAsInteger(10, command.threads) ||
       command.threads < 1))
    return failure("threads: expected a number from 1, but got '" + given[3] +
                   "'");
  return llvm::Error::success();
}

/// --budget and the words that belong to it.
llvm::Error readBudget(const Words &words, Command &command) {
  BudgetCommand &budget = command.budget;
  if (words.budget.empty()) {
    for (auto [flag, given] :
         {std::pair("--candidates", !words.candidates.empty()),
          {"--budget-algorithm", !words.algorithm.empty()},
          {"--budget-time", !words.seconds.empty()},
          {"--budget-report", !budget.report.empty()},
          {"--output-recipe", !budget.outputRecipe.empty()}})
      if (given)
        return failure(std::string(flag) + " belongs to --budget=LIMIT");
    return llvm::Error::success();
  }
  if (!command.recipe.empty())
    return failure("--recipe and --budget both say what tensors are rounded "
                   "to; give one");
  auto limit = parseBudget(words.budget);
  if (!limit)
    return limit.takeError();
  budget.limit = std::move(*limit);
  llvm::SmallVector<llvm::StringRef> candidates;
  // The words of a scheme hold commas.
  llvm::StringRef list = words.candidates;
  list.split(candidates, list.contains(';') ? ';' : ',', -1, false);
  for (llvm::StringRef word : candidates)
    budget.candidates.push_back(word.trim().str());
  budget.algorithm = words.algorithm == "nearest" ? Algorithm::Nearest
                     : words.algorithm == "gptq"  ? Algorithm::GPTQ
                                                  : Algorithm::Search;
  if (words.seconds.empty())
    return llvm::Error::success();
  auto seconds = parseDuration(words.seconds);
  if (!seconds)
    return failure("--budget-time: " + llvm::toString(seconds.takeError()));
  budget.seconds = *seconds;
  return llvm::Error::success();
}

/// Words that only make sense together.
llvm::Error checkRecipe(const Command &command) {
  const CompileOptions &options = command.compile;
  if (command.recipe.empty() && !command.outputImportance.empty()) {
    if (!options.output.empty() || command.overrides.any())
      return failure("--output-imatrix without --recipe=RECIPE writes nothing "
                     "else: give a recipe, or no -o");
    return llvm::Error::success();
  }
  if (command.recipe.empty() && !command.budget.limit) {
    for (auto [flag, given] :
         {std::pair("--calibrate", !command.text.empty()),
          {"--imatrix", !command.importance.empty()},
          {"--tensor-type and its like", command.overrides.any()},
          {"--work", !command.workFolder.empty()},
          {"--dry-run", command.dryRun},
          {"--sequences", command.sequences > 0},
          {"--sequence-length", command.length > 0}})
      if (given)
        return failure(std::string(flag) +
                       " belongs to --recipe=RECIPE or --budget=LIMIT");
    return llvm::Error::success();
  }
  if (!options.shape.empty() || !options.linear.empty() ||
      llvm::StringRef(options.input).ends_with(".mlir") ||
      llvm::StringRef(options.input).ends_with(".onnx"))
    return failure((command.recipe.empty() ? "--budget" : "--recipe") +
                   std::string(" quantizes a language model's file, not random "
                               "weights, IR or an ONNX graph"));
  if (!options.scheme.empty())
    return failure((command.recipe.empty() ? "--budget" : "--recipe") +
                   std::string(" and --scheme both say what tensors are "
                               "rounded to; give one"));
  return llvm::Error::success();
}

} // namespace

llvm::Expected<Command> parseOptions(int argc, char **argv, bool &done) {
  Command command;
  CompileOptions &options = command.compile;
  Words words;
  tools::OptionParser parser(
      "quant-compile",
      "quant-compile MODEL|INPUT.onnx|INPUT.mlir -o MODULE.so\n"
      "       quant-compile MODEL OUT.gguf|OUT.so TYPE [THREADS]\n"
      "       quant-compile --shape=SHAPE --scheme=SCHEME -o MODULE.so",
      "Compiles a model ahead of time to one file that holds its code, weights "
      "and tokenizer.");
  declareOptions(parser, command, words);
  if (tools::Error error = parser.parse(argc, argv, done))
    return failure(error.message());
  if (done)
    return command;
  if (words.version) {
    llvm::outs() << "LowBit 0.1.0\n";
    done = true;
    return command;
  }
  if (llvm::Error error = readPositional(words, command))
    return std::move(error);
  if (llvm::Error error = readBudget(words, command))
    return std::move(error);
  if (llvm::Error error = checkRecipe(command))
    return std::move(error);
  if (llvm::Error error = checkSource(words, options))
    return std::move(error);
  if (llvm::Error error = readLayerWords(words, options))
    return std::move(error);
  if (words.targetCPU.empty())
    words.targetCPU = std::string(kDefaultLevels) +
                      (options.activations == "bf16" ? kPairLevels : "");
  if (llvm::Error error = readLevels(words.targetCPU, options))
    return std::move(error);
  readWords(words, options);
  if (options.tune && options.tuning.empty())
    return failure("--tune needs a file for what it finds: --tuning=FILE");
  bool wantsModule = options.emit == Emit::SharedObject ||
                     options.emit == Emit::StaticObject ||
                     options.emit == Emit::GGUF ||
                     options.emit == Emit::CompressedTensors;
  if (options.stopAfter == Stage::Module && wantsModule &&
      options.output.empty() && !command.dryRun &&
      command.outputImportance.empty() && command.budget.outputRecipe.empty())
    return failure("-o FILE is missing");
  if (!options.symbol.empty() && options.emit != Emit::StaticObject)
    return failure("--symbol names the module in an object: give --emit=obj "
                   "too");
  return command;
}

} // namespace lowbit
