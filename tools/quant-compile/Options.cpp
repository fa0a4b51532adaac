//===- Options.cpp - The command line of quant-compile --------------------===//

#include "Options.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"

namespace cl = llvm::cl;

namespace lowbit {

namespace {

cl::OptionCategory category("quant-compile options");

cl::opt<std::string> input(cl::Positional, cl::desc("MODEL.gguf|INPUT.mlir"),
                           cl::cat(category));
cl::opt<std::string> output("o", cl::desc("The module (or IR) to write"),
                            cl::value_desc("file"), cl::cat(category));
cl::opt<std::string>
    targetCPU("target-cpu",
              cl::desc("CPU levels of the module: host, or a list such as "
                       "avx2,avx512vnni (default: all)"),
              cl::init("avx2,avx512vnni"), cl::cat(category));
cl::opt<std::string> activations(
    "activations",
    cl::desc("Activations in matrix products: int8 (default), per-token (int8 "
             "with one scale), f32 (exact)"),
    cl::init("int8"), cl::cat(category));
cl::opt<std::string> kv("kv", cl::desc("KV pages: f16 (default) or f32"),
                        cl::init("f16"), cl::cat(category));
cl::opt<std::string>
    scheme("scheme", cl::desc("Round tensors to nearest in a scheme of a file"),
           cl::value_desc("FILE.mlir#NAME"), cl::cat(category));
cl::opt<std::string>
    tensors("tensors", cl::desc("Which tensors --scheme rounds (default: all)"),
            cl::value_desc("regex"), cl::init(".*"), cl::cat(category));
cl::opt<std::string> startFrom("start-from",
                               cl::desc("Stage that a .mlir has reached"),
                               cl::value_desc("stage"), cl::cat(category));
cl::opt<std::string>
    stopAfter("stop-after",
              cl::desc("Print the IR after import, quantize, pack, loops or "
                       "target"),
              cl::value_desc("stage"), cl::init("module"), cl::cat(category));
cl::opt<std::string> emit("emit", cl::desc("so (default), asm or llvm"),
                          cl::init("so"), cl::cat(category));
cl::opt<std::string> probe("probe", cl::desc("layers: keep each layer's output"),
                           cl::cat(category));
cl::opt<bool> quiet("quiet", cl::desc("No progress, no summary"),
                    cl::cat(category));
cl::opt<int64_t> maxRows("max-rows", cl::desc("Rows of one call of text"),
                         cl::init(256), cl::cat(category));

llvm::Error wrong(const llvm::Twine &option, const std::string &value,
                  const llvm::Twine &wanted) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 option + ": expected " + wanted +
                                     ", but got '" + value + "'");
}

llvm::Error readLevels(CompileOptions &options) {
  llvm::SmallVector<llvm::StringRef> words;
  llvm::StringRef(targetCPU).split(words, ',');
  for (llvm::StringRef word : words) {
    const TargetInfo *level = word == "host" ? hostTarget() : findTarget(word);
    if (!level && word == "host")
      return llvm::createStringError(
          llvm::inconvertibleErrorCode(),
          "--target-cpu=host: this CPU has none of the known levels");
    if (!level) {
      auto names = llvm::map_range(
          knownTargets(), [](const TargetInfo &t) { return t.level; });
      return wrong("--target-cpu", word.str(),
                   "host or a list of " + llvm::join(names, ", "));
    }
    if (!llvm::is_contained(options.levels, level))
      options.levels.push_back(level);
  }
  llvm::sort(options.levels, [](const TargetInfo *a, const TargetInfo *b) {
    return a->abiLevel < b->abiLevel;
  });
  return llvm::Error::success();
}

llvm::Error readWords(CompileOptions &options) {
  if (activations != "int8" && activations != "f32" &&
      activations != "per-token")
    return wrong("--activations", activations, "int8, per-token or f32");
  if (kv != "f16" && kv != "f32")
    return wrong("--kv", kv, "f16 or f32");
  if (!probe.empty() && probe != "layers")
    return wrong("--probe", probe, "layers");
  auto stop = parseStage(stopAfter);
  if (!stop)
    return wrong("--stop-after", stopAfter,
                 "import, quantize, pack, loops, target or module");
  options.stopAfter = *stop;
  if (!startFrom.empty()) {
    options.startFrom = parseStage(startFrom);
    if (!options.startFrom)
      return wrong("--start-from", startFrom, "a stage");
  }
  if (emit == "asm")
    options.emit = Emit::Assembly;
  else if (emit == "llvm")
    options.emit = Emit::LLVMIR;
  else if (emit != "so")
    return wrong("--emit", emit, "so, asm or llvm");
  if (maxRows < 1 || maxRows > 65536)
    return wrong("--max-rows", std::to_string(maxRows), "1 to 65536");
  return llvm::Error::success();
}

} // namespace

llvm::Expected<CompileOptions> parseOptions(int argc, char **argv) {
  cl::HideUnrelatedOptions(category);
  cl::SetVersionPrinter([](llvm::raw_ostream &os) { os << "LowBit 0.1.0\n"; });
  cl::ParseCommandLineOptions(
      argc, argv, "LowBit: compiles a model to one shared object\n");
  CompileOptions options;
  if (input.empty())
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "no input; try quant-compile --help");
  options.input = input;
  options.output = output;
  options.activations = activations;
  options.kvF32 = kv == "f32";
  options.probeLayers = probe == "layers";
  options.scheme = scheme;
  options.tensors = tensors;
  options.quiet = quiet;
  options.maxRows = maxRows;
  if (llvm::Error error = readLevels(options))
    return std::move(error);
  if (llvm::Error error = readWords(options))
    return std::move(error);
  if (options.stopAfter == Stage::Module &&
      options.emit == Emit::SharedObject && options.output.empty())
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "-o FILE is missing");
  return options;
}

} // namespace lowbit
