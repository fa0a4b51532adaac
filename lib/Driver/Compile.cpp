//===- Compile.cpp - Source, scheme and target to a module file -----------===//

#include "lowbit/Driver/Compile.h"

#include "Console.h"
#include "Constants.h"
#include "Describe.h"
#include "EmitHeader.h"
#include "ExportFolder.h"
#include "ExportGGUF.h"
#include "Tuning.h"
#include "Weights.h"

#include "dialects/LM/Transforms/Passes.h"
#include "lowbit/Import/Importers.h"
#include "lowbit/Import/Onnx.h"
#include "lowbit/InitAll.h"
#include "lowbit/Target/CPU.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/ToolOutputFile.h"

#include <thread>
#include <unistd.h>

using namespace mlir;

namespace lowbit {

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// Weights in an object. Code reaches 2 GiB, and a linker that does not know
/// large sections puts the weights between code and its data; every link copies
/// them besides.
static constexpr uint64_t kObjectBytes = uint64_t(1) << 30;

namespace {

class Compiler {
public:
  /// `given`: an open source; null: what the options name.
  Compiler(const CompileOptions &options, MLIRContext &context,
           const ModelSource *given)
      : options(options), context(context), console(options.quiet),
        source(given) {}

  /// Code and signatures of functions at the import stage.
  llvm::Expected<std::vector<WeightImage>>
  runUnbound(OwningOpRef<ModuleOp> functions) {
    module = std::move(functions);
    image.unbound = true;
    if (llvm::Error error = lower())
      return std::move(error);
    return std::move(image.weights);
  }

  llvm::Error run() {
    if (!options.output.empty() && !options.input.empty() &&
        llvm::sys::fs::equivalent(options.input, options.output))
      return failure("the output " + options.output +
                     " is the input: give it another name with -o");
    if (llvm::Error error = load())
      return error;
    bool exports =
        options.emit == Emit::GGUF || options.emit == Emit::CompressedTensors;
    if (exports && options.stopAfter == Stage::Module)
      return exportWeights();
    if (reached && *reached >= Stage::Loops)
      return lowerLoops();
    if (prints() && options.stopAfter == Stage::Module &&
        options.levels.size() > 1)
      return failure("--emit=asm and --emit=llvm write code of one CPU level: "
                     "choose it with --target-cpu, such as --target-cpu=" +
                     llvm::Twine(options.levels.back()->level));
    if (options.stopAfter == Stage::Import)
      return print();
    return lower();
  }

private:
  /// From the import stage, or the one that a .mlir is at.
  llvm::Error lower() {
    if (!reached || *reached <= Stage::Quantize)
      if (llvm::Error error = takeConstants())
        return error;
    for (Stage stage : {Stage::Quantize, Stage::Pack}) {
      // A .mlir at the quantize stage is still checked by its pass.
      if (reached && *reached > stage)
        continue;
      console.begin(stageName(stage));
      if (llvm::Error error = runStage(*module, stage, pipelineOptions()))
        return error;
      if (options.stopAfter == stage)
        return print();
    }
    if (llvm::Error error = takeTuning())
      return error;
    if (llvm::Error error = describe())
      return error;
    return generate();
  }

  llvm::Error exportWeights() {
    if (reached || !options.linear.empty())
      return failure(inputName() +
                     ": --emit=gguf and --emit=compressed-tensors write the "
                     "weights of a model: give a .gguf, a folder, or --shape");
    console.begin("weights");
    if (options.emit == Emit::CompressedTensors)
      return exportFolder(*module, *source, options.output,
                          options.activations == "per-token", console);
    return exportGGUF(*module, *source, options.output, console);
  }

  /// Code as text, of one level.
  bool prints() const {
    return options.emit == Emit::Assembly || options.emit == Emit::LLVMIR;
  }

  int64_t maxRows() const {
    if (options.maxRows)
      return options.maxRows;
    auto model = (*module)->getAttrOfType<DictionaryAttr>("lm.model");
    return model && model.contains("result") ? 512 : 256;
  }

  PipelineOptions pipelineOptions(const TargetInfo *target = nullptr) const {
    PipelineOptions result;
    result.activations = options.activations;
    result.maxRows = maxRows();
    result.profile = options.profile;
    result.level = (target ? target : options.levels.back())->level;
    return result;
  }

  llvm::Error runStage(ModuleOp module, Stage stage,
                       const PipelineOptions &pipeline) {
    PassManager pm(&context);
    pm.enableVerifier(true);
    buildStage(stage, pm, pipeline);
    if (failed(pm.run(module)))
      return failure(inputName() + ": the " + stageName(stage) +
                     " stage failed (see above)");
    return llvm::Error::success();
  }

  std::string inputName() const {
    return options.input.empty() ? source->path().str() : options.input;
  }

  //===- Front ------------------------------------------------------------===//

  llvm::Error load() {
    console.begin("import");
    if (StringRef(options.input).ends_with(".mlir"))
      return loadMLIR();
    if (StringRef(options.input).ends_with(".onnx"))
      return loadOnnx();
    if (!options.linear.empty())
      return makeLayers();
    if (!source)
      if (llvm::Error error = openSource())
        return error;
    ImportOptions importOptions;
    importOptions.kv = options.kv;
    importOptions.probeLayers = options.probeLayers;
    importOptions.embedding = options.embedding;
    auto imported = importModel(*source, &context, importOptions);
    if (!imported)
      return imported.takeError();
    module = std::move(*imported);
    if (llvm::Error error = options.prepare       ? options.prepare(*module)
                            : options.rotateHeads ? rotateHeads()
                                                  : llvm::Error::success())
      return error;
    // A random model is made in its scheme.
    if (options.shape.empty())
      if (llvm::Error error = applyScheme())
        return error;
    return runStage(*module, Stage::Import, pipelineOptions());
  }

  llvm::Error rotateHeads() {
    PassManager pm(&context);
    pm.addPass(lm::createRotateHeads());
    if (failed(pm.run(*module)))
      return failure(inputName() + ": --rotate-heads failed (see above)");
    return llvm::Error::success();
  }

  llvm::Error openSource() {
    auto open = [&]() -> llvm::Expected<std::unique_ptr<ModelSource>> {
      if (options.shape.empty())
        return openModel(options.input);
      auto format = readScheme(options.scheme, &context);
      if (!format)
        return format.takeError();
      return openRandomModel(options.shape, *format);
    };
    auto opened = open();
    if (!opened)
      return opened.takeError();
    keep(std::move(*opened));
    return llvm::Error::success();
  }

  void keep(std::unique_ptr<ModelSource> opened) {
    own = std::move(opened);
    source = own.get();
  }

  llvm::Error makeLayers() {
    auto shape = parseLayerShape(options.linear);
    if (!shape)
      return shape.takeError();
    auto format = readScheme(options.scheme, &context);
    if (!format)
      return format.takeError();
    shape->rows = options.rows;
    shape->fill = options.fill;
    keep(openRandomLayers(*shape, *format));
    module = buildLayers(*shape, *source, &context);
    return llvm::Error::success();
  }

  llvm::Error loadMLIR() {
    std::string message;
    auto file = openInputFile(options.input, &message);
    if (!file)
      return failure(message);
    module = parseSourceFile<ModuleOp>(options.input, &context);
    if (!module)
      return failure(options.input + ": is not valid IR (see above)");
    reached = options.startFrom ? *options.startFrom : stageOf(*module);
    if (options.weights.empty())
      return llvm::Error::success();
    auto opened = openModel(options.weights);
    if (!opened)
      return opened.takeError();
    keep(std::move(*opened));
    return llvm::Error::success();
  }

  /// Layers whose activations the graph rounds are quantized already.
  llvm::Error loadOnnx() {
    auto imported = importOnnx(options.input, &context, options.rows);
    if (!imported)
      return imported.takeError();
    keep(std::move(imported->source));
    module = std::move(imported->module);
    reached = Stage::Quantize;
    return applyScheme();
  }

  /// IR of one level, behind what a module's header is made from: signatures
  /// and weights. It can be lowered further, and printed.
  llvm::Error lowerLoops() {
    if (options.stopAfter == Stage::Module && !prints())
      return failure(options.input + ": IR of the " + stageName(*reached) +
                     " stage has no signatures any more: a module is made from "
                     "IR of import, quantize or pack; this can become "
                     "--stop-after=target, --emit=llvm or --emit=asm");
    const TargetInfo *target = options.levels.back();
    if (auto level = (*module)->getAttrOfType<StringAttr>("rt.level"))
      if (const TargetInfo *own = findTarget(level))
        target = own;
    if (*reached == Stage::Loops && options.stopAfter != Stage::Loops)
      if (llvm::Error error =
              runStage(*module, Stage::Target, pipelineOptions(target)))
        return error;
    if (options.stopAfter != Stage::Module)
      return print();
    auto code = compileLevel(*module, *target, emitKind(), "qrt");
    if (!code)
      return code.takeError();
    return write(*code);
  }

  EmitKind emitKind() const {
    return options.emit == Emit::Assembly ? EmitKind::Assembly
           : options.emit == Emit::LLVMIR ? EmitKind::LLVMIR
                                          : EmitKind::Object;
  }

  /// An imported model has some too: the frequencies that YaRN computes.
  llvm::Error takeConstants() {
    auto constants = extractConstants(*module);
    if (!constants)
      return constants.takeError();
    image.weights = std::move(*constants);
    return llvm::Error::success();
  }

  llvm::Error applyScheme() {
    if (options.scheme.empty())
      return llvm::Error::success();
    auto format = readScheme(options.scheme, &context);
    if (!format)
      return format.takeError();
    std::string problem;
    if (!llvm::Regex(options.tensors).isValid(problem))
      return failure("--tensors='" + options.tensors +
                     "' is no regular expression: " + problem);
    int64_t count = overrideSchemes(*module, format->scheme, options.tensors);
    if (count == 0)
      return failure("--tensors='" + options.tensors +
                     "' matches the whole name of no matrix of " +
                     options.input);
    console.note("rounded " + std::to_string(count) +
                 " tensors to nearest in " + options.scheme);
    return llvm::Error::success();
  }

  llvm::Error takeTuning() {
    if (options.tune)
      if (llvm::Error error =
              tune(options.tuning, *module, *options.levels.back(), console))
        return error;
    return options.tuning.empty() ? llvm::Error::success()
                                  : readTuning(options.tuning, *module);
  }

  llvm::Error describe() {
    if (llvm::Error error = collectWeights(*module, source, image.weights))
      return error;
    if (options.emit == Emit::StaticObject)
      if (llvm::Error error = prepareObject())
        return error;
    image.metadata = source ? source->metadataBytes() : std::string(8, '\0');
    image.levels.assign(options.levels.begin(), options.levels.end());
    image.producer = "LowBit 0.1.0, LLVM 22.1";
    return describeFunctions(*module, maxRows(), image);
  }

  /// Before an hour's work: what can be linked, and what it is called.
  llvm::Error prepareObject() {
    uint64_t bytes = 0;
    for (const WeightImage &weight : image.weights)
      bytes += weight.bytes();
    if (bytes > kObjectBytes)
      return failure(llvm::formatv(
          "{0}: an object holds at most 1 GiB, but the weights take {1:f2} "
          "GiB: write a shared object instead (-o NAME.so, no --emit)",
          options.output, double(bytes) / (1 << 30)));
    StringRef stem = llvm::sys::path::stem(options.output);
    symbol =
        options.symbol.empty() ? identifier(stem) + "_module" : options.symbol;
    if (symbol != identifier(symbol))
      return failure("--symbol: '" + symbol +
                     "' is no name in C; choose letters, digits and _");
    return llvm::Error::success();
  }

  //===- Back -------------------------------------------------------------===//

  /// A pass manager loads the dialects that its passes need, which two of them
  /// cannot do in one context at a time: all are loaded before.
  void loadDialects() {
    DialectRegistry registry;
    for (Stage stage : {Stage::Loops, Stage::Target}) {
      PassManager pm(&context);
      buildStage(stage, pm, pipelineOptions());
      pm.getDependentDialects(registry);
    }
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
  }

  llvm::Error generate() {
    size_t count = options.levels.size();
    levels.resize(count);
    needs.resize(count);
    console.begin("code");
    if (options.stopAfter != Stage::Module)
      return printLevels();
    loadDialects();
    // The levels have nothing in common from here on: one thread for each.
    for (OwningOpRef<ModuleOp> &copy : levels)
      copy = module->clone();
    std::vector<std::string> code(count), errors(count);
    std::vector<std::thread> threads;
    for (size_t i = 0; i < count; ++i)
      threads.emplace_back([&, i] {
        if (llvm::Error error = compileOne(i, code[i]))
          errors[i] = llvm::toString(std::move(error));
      });
    for (std::thread &thread : threads)
      thread.join();
    for (const std::string &error : errors)
      if (!error.empty())
        return failure(error);
    if (prints())
      return write(code.front());
    if (llvm::Error error = nameEntries(needs, image))
      return error;
    return link(code);
  }

  /// Loops, target and machine code of level `i`.
  llvm::Error compileOne(size_t i, std::string &code) {
    PipelineOptions pipeline = pipelineOptions(options.levels[i]);
    if (llvm::Error error = runStage(*levels[i], Stage::Loops, pipeline))
      return error;
    needs[i] = {(*levels[i])->getAttrOfType<DictionaryAttr>("rt.functions"),
                (*levels[i])->getAttrOfType<ArrayAttr>("rt.weights"),
                (*levels[i])->getAttrOfType<ArrayAttr>("rt.regions")};
    if (llvm::Error error = runStage(*levels[i], Stage::Target, pipeline))
      return error;
    auto compiled = compileLevel(*levels[i], *options.levels[i], emitKind(),
                                 symbol.empty() ? "qrt" : symbol);
    if (!compiled)
      return compiled.takeError();
    code = std::move(*compiled);
    levels[i] = nullptr;
    return llvm::Error::success();
  }

  /// The IR of every level, one module after another.
  llvm::Error printLevels() {
    std::string text;
    for (const TargetInfo *target : options.levels) {
      OwningOpRef<ModuleOp> copy = module->clone();
      PipelineOptions pipeline = pipelineOptions(target);
      for (Stage stage : {Stage::Loops, Stage::Target})
        if (stage <= options.stopAfter)
          if (llvm::Error error = runStage(*copy, stage, pipeline))
            return error;
      llvm::raw_string_ostream os(text);
      copy->print(os);
      os << "\n";
    }
    return write(text);
  }

  /// Written before the module, and kept if that is written too.
  llvm::Error emitHeader(std::unique_ptr<llvm::ToolOutputFile> &file) {
    if (options.emitHeader.empty())
      return llvm::Error::success();
    return writeTo(headerText(image, options.emitHeader, symbol),
                   options.emitHeader, file);
  }

  llvm::Error link(std::vector<std::string> &objects) {
    std::unique_ptr<llvm::ToolOutputFile> header;
    if (llvm::Error error = emitHeader(header))
      return error;
    std::vector<std::string> names;
    for (const FunctionImage &function : image.functions)
      names.push_back(function.name);
    bool isObject = options.emit == Emit::StaticObject;
    auto table = isObject ? compileStaticModule(symbol, staticSizes(image),
                                                options.levels, names)
                          : compileCodeTable(options.levels, names);
    if (!table)
      return table.takeError();
    objects.push_back(std::move(*table));
    std::string code = options.output + ".code." + std::to_string(getpid()) +
                       (isObject ? ".o" : ".so");
    llvm::scope_exit remove([&] { llvm::sys::fs::remove(code); });
    if (llvm::Error error = isObject ? linkObject(objects, code)
                                     : linkSharedObject(objects, code))
      return error;
    console.begin("weights");
    auto progress = [&](uint64_t done, uint64_t total) {
      console.progress(done, total);
    };
    if (llvm::Error error =
            isObject ? writeObject(code, image, options.output, progress)
                     : writeModule(code, image, options.output, progress))
      return error;
    if (header)
      header->keep();
    console.summary(image, options.output);
    return llvm::Error::success();
  }

  //===- Output -----------------------------------------------------------===//

  llvm::Error print() { return print(*module); }
  llvm::Error print(ModuleOp op) {
    std::string text;
    llvm::raw_string_ostream os(text);
    op.print(os);
    return write(text + "\n");
  }

  llvm::Error write(const std::string &text) {
    return write(text, options.output.empty() ? "-" : options.output);
  }
  llvm::Error write(const std::string &text, const std::string &path) {
    std::unique_ptr<llvm::ToolOutputFile> file;
    if (llvm::Error error = writeTo(text, path, file))
      return error;
    file->keep();
    return llvm::Error::success();
  }

  /// The file goes when `file` does, unless it is kept.
  llvm::Error writeTo(const std::string &text, const std::string &path,
                      std::unique_ptr<llvm::ToolOutputFile> &file) {
    std::string message;
    file = openOutputFile(path, &message);
    if (!file)
      return failure(message);
    file->os() << text;
    file->os().flush();
    if (file->os().has_error()) {
      std::error_code error = file->os().error();
      file->os().clear_error();
      return failure("cannot write " + path + ": " + error.message());
    }
    return llvm::Error::success();
  }

  const CompileOptions &options;
  MLIRContext &context;
  Console console;
  std::unique_ptr<ModelSource> own;
  const ModelSource *source;
  OwningOpRef<ModuleOp> module;
  std::optional<Stage> reached;
  std::vector<OwningOpRef<ModuleOp>> levels;
  std::vector<LevelNeeds> needs;
  ModuleImage image;
  std::string symbol; ///< of a static object, else empty
};

} // namespace

std::unique_ptr<MLIRContext> makeContext() {
  DialectRegistry registry;
  registerDialects(registry);
  auto context = std::make_unique<MLIRContext>(registry);
  // Levels are compiled by threads of their own; a dialect must not be loaded
  // by one of them while another runs passes.
  context->loadAllAvailableDialects();
  return context;
}

llvm::Error compile(const CompileOptions &options, const ModelSource *source) {
  std::unique_ptr<MLIRContext> context = makeContext();
  return Compiler(options, *context, source).run();
}

llvm::Expected<std::vector<WeightImage>>
compileUnbound(OwningOpRef<ModuleOp> module, const ModelSource &source,
               const CompileOptions &options) {
  MLIRContext &context = *module->getContext();
  return Compiler(options, context, &source).runUnbound(std::move(module));
}

} // namespace lowbit
