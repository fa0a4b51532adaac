//===- model.h - A loaded model: module, threads, tokenizer -----*- C++ -*-===//

#ifndef QUANTRT_SESSION_MODEL_H
#define QUANTRT_SESSION_MODEL_H

#include "base/arena.h"
#include "module/module.h"
#include "thread/affinity.h"
#include "thread/pool.h"
#include "tokenizer/tokenizer.h"

#include <memory>
#include <mutex>
#include <string>

namespace qrt {

/// What is asked to be in pages of 2 MiB: nothing, all that is there, or also
/// the weights, in a copy.
enum class HugePages { Off, Advise, Copy };

class Model {
public:
  static Status load(const std::string &path, const qrt_load_options &options,
                     std::unique_ptr<Model> &model);
  /// Of a module that is part of the program.
  static Status load(const qrt_static_module &source,
                     const qrt_load_options &options,
                     std::unique_ptr<Model> &model);

  Status setThreads(int32_t threads);
  void info(qrt_model_info &info) const;

  const ModuleView &view() const { return module_.view(); }
  const std::string &path() const { return module_.path(); }
  /// Null where the module has no marks.
  Profile *profile() const { return pool_->profile(); }
  /// Null where the module carries no vocabulary.
  const Tokenizer *tokenizer() const { return tokenizer_.get(); }
  /// The same as a status.
  Status needTokenizer() const;
  const char *chatTemplate() const {
    return hasChatTemplate_ ? chatTemplate_.c_str() : nullptr;
  }

  /// QRT_POOLING_* of the source, else the mean.
  int32_t pooling() const { return pooling_; }
  /// The longest sequence that the source takes; 0: it does not say.
  int64_t maxTokens() const { return maxTokens_; }
  const std::vector<std::string> &classNames() const { return classNames_; }

  /// As qrt_apply_template.
  Status renderChat(const qrt_message *messages, size_t count,
                    bool addGenerationPrompt, std::string &out) const;

  /// Index of `text`, or an error for modules of plain functions.
  Status textFunction(size_t &function) const;

  /// Of memory that is written for a token.
  Pages pages() const {
    return hugePages_ == HugePages::Off ? Pages::Usual : Pages::Huge;
  }
  /// Makes `arena` large enough for a call with the workers there are now: the
  /// shared part and each worker's own.
  Status reserveScratch(size_t function, Arena &arena) const;
  /// Runs a function; of `frame` the caller sets scratch, arguments and text.
  void run(size_t function, qrt_frame &frame);
  /// As qrt_bind_weight.
  Status bindWeight(std::string_view name, const void *data, uint64_t bytes) {
    return module_.bindWeight(name, data, bytes);
  }
  /// Runs a plain function; calls from several threads take turns.
  Status call(int32_t function, void *const *arguments);

private:
  /// `openModule` is given the level that is wanted, or "".
  using OpenModule = std::function<Status(std::string_view level)>;
  Status open(const OpenModule &openModule, const qrt_load_options &options);
  Status createTokenizer();
  Status readEmbeddingKeys();

  Module module_;
  HugePages hugePages_ = HugePages::Off;
  Affinity affinity_;
  Topology topology_; ///< empty until it is needed
  std::unique_ptr<Pool> pool_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::string name_, architecture_, chatTemplate_;
  bool hasChatTemplate_ = false;
  int32_t pooling_ = QRT_POOLING_MEAN;
  int64_t maxTokens_ = 0;
  std::vector<std::string> classNames_;

  std::mutex calling_; ///< guards scratch_
  Arena scratch_;      ///< of plain functions; grows to the largest called
};

} // namespace qrt

#endif // QUANTRT_SESSION_MODEL_H
