//===- module.h - A module, opened and ready to call ------------*- C++ -*-===//

#ifndef QUANTRT_MODULE_MODULE_H
#define QUANTRT_MODULE_MODULE_H

#include "base/metadata.h"
#include "module/code.h"
#include "module/weights.h"

#include <vector>

namespace qrt {

/// When to hash the weights; header and code are hashed at every load.
enum class Verify { Always, Once, Never };

class Module {
public:
  /// Opens, checks and maps; not the weights' hashes. `level`: empty for the
  /// best that this CPU can run.
  Status open(const std::string &path, std::string_view level);
  /// The same for a module that is part of the program, and outlives this.
  Status open(const qrt_static_module &source, std::string_view level);

  /// Asks for huge pages where the weights are mapped. Before verify(), which
  /// may be the first to read them.
  void adviseHugePages() const;
  /// Reads the weights into memory of this process, in huge pages, instead of
  /// leaving them in the mapped file. Before verify().
  Status copyWeights(const OnEachThread &onEachThread);

  /// Hashes the weights if `when` and what is remembered demand it.
  Status verify(Verify when, const OnEachThread &onEachThread) const;

  /// Gives back the pages that hashing code and header has touched. They return
  /// from the page cache when something in them is looked up.
  void releaseHeader() const;

  /// Of the file, or the name of a static module.
  const std::string &path() const { return path_; }
  /// Of a static module, without its code.
  uint64_t fileBytes() const {
    return view_.header.weights_offset + view_.header.weights_bytes;
  }
  const ModuleView &view() const { return view_; }
  const Metadata &metadata() const { return metadata_; }
  const char *levelName() const {
    return view_.string(view_.levels[level_].name);
  }
  qrt_entry entry(size_t function) const {
    return code_.entry(level_, function);
  }
  /// As qrt_bind_weight.
  Status bindWeight(std::string_view name, const void *data, uint64_t bytes);
  /// One address for each weight record; what qrt_frame.weights wants.
  const void *const *weights() const { return weights_.data(); }

private:
  Status useLevel(std::string_view level);
  void bindWeights();
  bool identify(struct stat &file) const;

  std::string path_;
  FileMap file_; ///< not open for a static module
  const qrt_static_module *static_ = nullptr;
  ModuleView view_;
  Metadata metadata_;
  Code code_;
  size_t level_ = 0;
  Arena copy_;
  std::vector<const void *> weights_;
};

} // namespace qrt

#endif // QUANTRT_MODULE_MODULE_H
