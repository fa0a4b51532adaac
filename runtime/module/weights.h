//===- weights.h - Checksums of a module's weights --------------*- C++ -*-===//

#ifndef QUANTRT_MODULE_WEIGHTS_H
#define QUANTRT_MODULE_WEIGHTS_H

#include "base/arena.h"
#include "module/module_view.h"

#include <functional>
#include <sys/stat.h>

namespace qrt {

/// Calls its argument on several threads at once and returns when all are done.
using OnEachThread = std::function<void(const std::function<void()> &)>;

/// Compares each chunk of the weights with its hash; `name` for the message.
Status verifyWeights(const ModuleView &module, const std::string &name,
                     const OnEachThread &onEachThread);

/// Fills `memory` with the bytes at `offset` of a file.
Status readInto(Arena &memory, int descriptor, uint64_t offset,
                const std::string &name, const OnEachThread &onEachThread);

/// Files whose weights agreed with their hashes, remembered in
/// $XDG_CACHE_HOME/lowbit/verified (else ~/.cache/...) by device and inode. A
/// file counts only while its size, times and header hash are as they were.
/// Where there is no cache folder nothing is remembered, which is no error.
class VerifiedFiles {
public:
  VerifiedFiles();
  explicit VerifiedFiles(std::string folder) : folder_(std::move(folder)) {}

  bool contains(const struct stat &file, uint64_t headerHash) const;
  void add(const struct stat &file, uint64_t headerHash) const;

private:
  std::string folder_; ///< empty: none
};

} // namespace qrt

#endif // QUANTRT_MODULE_WEIGHTS_H
