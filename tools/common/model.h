//===- model.h - The model of a command line --------------------*- C++ -*-===//
//
// MODEL is a module (.so), or a .gguf or a Hugging Face folder that is compiled
// first; the tools' common options say how, and with how many threads it runs.
//
//===----------------------------------------------------------------------===//

#ifndef TOOLS_COMMON_MODEL_H
#define TOOLS_COMMON_MODEL_H

#include "tools/common/compile_cache.h"
#include "tools/common/options.h"
#include "tools/common/runtime.h"

#include <string>

namespace lowbit::tools {

struct ModelOptions {
  std::string path;
  int32_t threads = 0;   ///< 0: the physical cores
  std::string affinity;  ///< "compact", "0-3,8", ...; empty: the runtime's own
  std::string hugePages; ///< "off", "advise", "copy"; empty: the runtime's own
  bool noCache = false;
  CompileOptions compile;
};

/// -m and the options of the compilation; "-t" is the tool's to declare.
void addModelOptions(OptionParser &parser, ModelOptions &options);
/// Text that ends a help page: what $QRT_CPU and the cache do.
const char *modelHelp();

/// A module's file; removes it if it was compiled for this run.
class ModelFile {
public:
  ModelFile() = default;
  ModelFile(const ModelFile &) = delete;
  ModelFile &operator=(const ModelFile &) = delete;
  ~ModelFile() { discard(); }

  /// Compiles what must be compiled.
  Error resolve(const ModelOptions &options);
  const std::string &path() const { return path_; }
  /// The file's name is needed no more: the runtime has mapped the file. Called
  /// early, nothing is left behind by a kill.
  void discard() {
    if (temporary_)
      removeUncached(path_);
    temporary_ = false;
  }

private:
  Error compile(const ModelOptions &options);

  std::string path_;
  bool temporary_ = false;
};

Error loadModel(const ModelFile &file, const ModelOptions &options,
                ModelHandle &model);

/// Refuses a module that holds plain functions only.
Error requireText(const qrt_model *model, const std::string &path);

} // namespace lowbit::tools

#endif // TOOLS_COMMON_MODEL_H
