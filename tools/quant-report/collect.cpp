//===- collect.cpp - Measures what a report shows -------------------------===//

#include "tools/quant-report/collect.h"

#include "tools/common/files.h"
#include "tools/common/process.h"
#include "tools/quant-report/machine.h"
#include "tools/quant-report/sensitivity.h"
#include "tools/quant-report/variants.h"
#include "tools/quant-report/work_folder.h"

#include <chrono>
#include <cstdio>
#include <filesystem>

using namespace lowbit::tools;
using namespace lowbit::tools::report;

namespace {

using Words = std::vector<std::string>;

double seconds() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

class Collector {
public:
  Collector(const ReportOptions &options, const OnProgress &onProgress)
      : options_(options), onProgress_(onProgress) {}
  Error run();

private:
  Error findPrograms();
  Error describe();
  Error measureHistograms();
  Error measureVariant(const Variant &variant, Json &entry);
  Error measureSpeed(const Variant &variant, Json &result);
  Error measureQuality(const Variant &variant, Json &result);
  Error compile(const Variant &variant, bool probe, const std::string &module);
  Error capture(const std::string &program, const Words &arguments,
                Json &result, uint64_t *peakBytes = nullptr);
  Error step(const std::string &name, const Json &key,
             const std::function<Error(Json &)> &measure, Json &result);
  Json keyOf(const Variant &variant, const Words &programs) const;
  void say(const std::string &what) const;
  void sayTimeLeft() const;
  Words threads() const;
  Words chunks() const;

  const ReportOptions &options_;
  const OnProgress &onProgress_;
  std::vector<Variant> variants_;
  WorkFolder work_;
  Json document_;
  std::string compiler_, bench_, run_, eval_;
  size_t current_ = 0;         ///< variant, from 0
  size_t measured_ = 0;        ///< steps that were not taken from the folder
  double measuredSeconds_ = 0; ///< and their time
};

} // namespace

/// As words of a command line, here and below.
Words Collector::threads() const {
  if (options_.threads == 0)
    return {};
  return {"-t", std::to_string(options_.threads)};
}

Words Collector::chunks() const {
  return {"--text",   options_.text,
          "--chunks", std::to_string(options_.chunks),
          "--ctx",    std::to_string(options_.context)};
}

static void append(Words &words, const Words &more) {
  words.insert(words.end(), more.begin(), more.end());
}

void Collector::say(const std::string &what) const {
  std::fprintf(stderr, "[%zu/%zu %s] %s\n", current_ + 1, variants_.size(),
               variants_[current_].name.c_str(), what.c_str());
}

/// Steps take about the same time: two for each variant.
void Collector::sayTimeLeft() const {
  size_t left = 2 * (variants_.size() - current_ - 1);
  if (measured_ && left)
    std::fprintf(stderr, "about %.0f s left\n",
                 measuredSeconds_ / double(measured_) * double(left));
}

Error Collector::findPrograms() {
  for (auto [name, path] : {std::pair("quant-compile", &compiler_),
                            {"quant-bench", &bench_},
                            {"quant-run", &run_},
                            {"quant-eval", &eval_}}) {
    *path = findProgram(name);
    if (path->empty())
      return Error(std::string(name) +
                   " is neither beside quant-report nor in $PATH; install it");
  }
  return Error::success();
}

static Error writeFile(const std::string &path, const std::string &content) {
  OutputFile file;
  TOOLS_TRY(file.open(path));
  TOOLS_TRY(file.write(content.data(), content.size()));
  return file.commit();
}

/// The output of a program, which must be JSON.
Error Collector::capture(const std::string &program, const Words &arguments,
                         Json &result, uint64_t *peakBytes) {
  ProgramResult ran;
  TOOLS_TRY(captureProgram(program, arguments, ran));
  result = Json::parse(ran.output, nullptr, false);
  if (result.is_discarded())
    return Error("'" + program + "' printed no JSON; is it another version?");
  if (peakBytes)
    *peakBytes = ran.peakBytes;
  return Error::success();
}

Error Collector::step(const std::string &name, const Json &key,
                      const std::function<Error(Json &)> &measure,
                      Json &result) {
  if (work_.find(name, key, result))
    return Error::success();
  double begin = seconds();
  TOOLS_TRY(measure(result));
  ++measured_;
  measuredSeconds_ += seconds() - begin;
  return work_.keep(name, key, result);
}

/// All that a step's result depends on.
Json Collector::keyOf(const Variant &variant, const Words &programs) const {
  Json key = {{"model", identityOf(options_.model)},
              {"recipe", variant.recipe},
              {"yaml", variant.yaml},
              {"calibrate", options_.calibrate.empty()
                                ? Json()
                                : identityOf(options_.calibrate)},
              {"threads", options_.threads}};
  for (const std::string &program : programs)
    key["programs"].push_back(identityOf(program));
  return key;
}

Error Collector::compile(const Variant &variant, bool probe,
                         const std::string &module) {
  Words words = {options_.model, "-o", module, "--quiet", "--target-cpu=host"};
  if (!variant.yaml.empty() && variant.recipe.empty()) {
    std::string path = work_.file(variant.name + ".yaml");
    TOOLS_TRY(writeFile(path, variant.yaml));
    append(words, {"--recipe", path});
  } else if (!variant.recipe.empty()) {
    append(words, {"--recipe", variant.recipe});
  }
  bool hasRecipe = !variant.yaml.empty() || !variant.recipe.empty();
  if (hasRecipe && !options_.calibrate.empty())
    // The second compilation of a variant takes what the first has found.
    append(words, {"--calibrate", options_.calibrate, "--work",
                   work_.file(variant.name + ".calibration")});
  if (probe)
    words.push_back("--probe=layers");
  return runProgram(compiler_, words);
}

namespace {
/// A file or folder that goes when the step ends.
struct Removed {
  std::string path;
  ~Removed() {
    std::error_code code;
    std::filesystem::remove_all(path, code);
  }
};
} // namespace

Error Collector::measureSpeed(const Variant &variant, Json &result) {
  Removed module{work_.file(variant.name + ".so")};
  say("compiling");
  TOOLS_TRY(compile(variant, false, module.path));
  say("measuring speed and memory");
  Words words = {module.path,
                 "-p",
                 std::to_string(options_.prompt),
                 "-n",
                 std::to_string(options_.generate),
                 "-r",
                 std::to_string(options_.repetitions),
                 "-o",
                 "json"};
  append(words, threads());
  Json rows, text;
  TOOLS_TRY(capture(bench_, words, rows));
  uint64_t peak = 0;
  words = {module.path, "-f", work_.file("prompt.txt"),
           "-n",        "16", "--ignore-eos",
           "--temp",    "0",  "--json"};
  append(words, threads());
  TOOLS_TRY(capture(run_, words, text, &peak));
  std::error_code code;
  uintmax_t bytes = std::filesystem::file_size(module.path, code);
  result = {{"bench", rows},
            {"peak_bytes", peak},
            {"module_bytes", code ? 0 : bytes}};
  return Error::success();
}

Error Collector::measureQuality(const Variant &variant, Json &result) {
  Removed module{work_.file(variant.name + ".so")};
  say("compiling with probes");
  TOOLS_TRY(compile(variant, true, module.path));
  say("comparing with the reference");
  Words words = {module.path, "--against", options_.model,
                 "--sqnr",    "-o",        "json"};
  append(words, chunks());
  append(words, threads());
  return capture(eval_, words, result);
}

Error Collector::measureVariant(const Variant &variant, Json &entry) {
  Removed calibration{work_.file(variant.name + ".calibration")};
  entry = {{"name", variant.name},
           {"title", variant.title},
           {"scheme", variant.scheme},
           {"recipe", variant.yaml.empty() ? variant.recipe : variant.yaml}};
  Json speedKey = keyOf(variant, {compiler_, bench_, run_});
  speedKey["tests"] = {options_.prompt, options_.generate,
                       options_.repetitions};
  Json qualityKey = keyOf(variant, {compiler_, eval_});
  qualityKey["text"] = {identityOf(options_.text), options_.chunks,
                        options_.context};
  Json speed, quality;
  TOOLS_TRY(step(
      variant.name + ".speed", speedKey,
      [&](Json &result) { return measureSpeed(variant, result); }, speed));
  TOOLS_TRY(step(
      variant.name + ".quality", qualityKey,
      [&](Json &result) { return measureQuality(variant, result); }, quality));
  entry.update(speed);
  entry["eval"] = quality;
  return Error::success();
}

Error Collector::measureHistograms() {
  std::fprintf(stderr, "[histograms] reading weights and layers\n");
  Json key = {{"model", identityOf(options_.model)},
              {"text", identityOf(options_.text)},
              {"chunks", options_.chunks},
              {"ctx", options_.context},
              {"programs", {identityOf(compiler_), identityOf(eval_)}}};
  auto measure = [&](Json &result) {
    Words words = {options_.model, "--activations=f32", "--histograms", "-o",
                   "json"};
    append(words, chunks());
    append(words, threads());
    return capture(eval_, words, result);
  };
  Json result;
  if (!work_.find("histograms", key, result)) {
    TOOLS_TRY(measure(result));
    TOOLS_TRY(work_.keep("histograms", key, result));
  }
  document_["histograms"] = result;
  return onProgress_(document_);
}

Error Collector::describe() {
  ProgramResult version;
  TOOLS_TRY(captureProgram(compiler_, {"--version"}, version));
  std::string producer = version.output.substr(0, version.output.find('\n'));
  std::error_code code;
  uintmax_t bytes = std::filesystem::file_size(options_.text, code);
  document_ = {
      {"lowbit_report", 1},
      {"created", timeNow()},
      {"command", options_.command},
      {"version", producer},
      {"machine", describeMachine()},
      {"model",
       {{"path", options_.model}, {"is_folder", isFolder(options_.model)}}},
      {"text",
       {{"path", options_.text},
        {"bytes", code ? 0 : bytes},
        {"chunks", options_.chunks},
        {"ctx", options_.context}}},
      {"calibration", options_.calibrate},
      {"variants", Json::array()},
      {"sensitivity", Json::array()}};
  return Error::success();
}

Error Collector::run() {
  TOOLS_TRY(findPrograms());
  std::string beginning;
  if (!isFolder(options_.model))
    TOOLS_TRY(readBeginning(options_.model, 4, beginning));
  if (beginning == "\177ELF")
    return Error("'" + options_.model +
                 "' is compiled; give the GGUF file or the folder that it was "
                 "made from");
  // For a run whose memory is measured; too long a prompt would measure that.
  std::string prompt;
  TOOLS_TRY(readBeginning(options_.text, 256, prompt));
  TOOLS_TRY(chooseVariants(options_.variants, options_.recipes, options_.full,
                           !isFolder(options_.model),
                           !options_.calibrate.empty(), variants_));
  TOOLS_TRY(work_.open(options_.work));
  TOOLS_TRY(writeFile(work_.file("prompt.txt"), prompt));
  TOOLS_TRY(describe());
  for (current_ = 0; current_ < variants_.size(); ++current_) {
    Json entry;
    TOOLS_TRY(measureVariant(variants_[current_], entry));
    document_["variants"].push_back(std::move(entry));
    document_["sensitivity"] = rankLayers(document_["variants"]);
    TOOLS_TRY(onProgress_(document_));
    sayTimeLeft();
  }
  return measureHistograms();
}

Error lowbit::tools::report::collect(const ReportOptions &options,
                                     const OnProgress &onProgress) {
  return Collector(options, onProgress).run();
}
