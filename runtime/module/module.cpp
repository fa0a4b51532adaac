//===- module.cpp - A module, opened and ready to call --------------------===//

#include "module/module.h"
#include "base/cpu.h"
#include "module/level.h"

#include <sys/mman.h>

namespace qrt {

Status Module::open(const std::string &path, std::string_view level) {
  QRT_TRY(file_.open(path));
  QRT_TRY(ModuleView::parse(file_.bytes(), path, view_));
  if (Status status = Metadata::parse(view_.metadata, metadata_); !status.ok())
    return Status(status.code(), path + ": " + status.message());
  QRT_TRY(chooseLevel(view_, path, level, cpuFeatures(), level_));
  QRT_TRY(code_.load(file_, view_));
  bindWeights();
  // The address is a multiple of 64 KiB within a mapping, hence of the page.
  if (!view_.weights.empty())
    madvise(const_cast<char *>(view_.weights.data()), view_.weights.size(),
            MADV_WILLNEED);
  return {};
}

void Module::bindWeights() {
  weights_.clear();
  for (const qrt_weight_record &weight : view_.weightRecords)
    weights_.push_back(view_.weights.data() + weight.offset);
}

Status Module::copyWeights(const OnEachThread &onEachThread) {
  if (view_.weights.empty())
    return {};
  QRT_TRY(copy_.allocateHuge(view_.weights.size(), "the weights"));
  QRT_TRY(readInto(copy_, file_.descriptor(), view_.header.weights_offset,
                   path(), onEachThread));
  view_.weights = {reinterpret_cast<const char *>(copy_.data()),
                   view_.weights.size()};
  bindWeights();
  return {};
}

Status Module::verify(Verify when, const OnEachThread &onEachThread) const {
  if (when == Verify::Never)
    return {};
  const VerifiedFiles verified;
  const uint64_t hash = view_.header.header_hash;
  if (when == Verify::Once && verified.contains(file_.identity(), hash))
    return {};
  QRT_TRY(verifyWeights(view_, file_.path(), onEachThread));
  verified.add(file_.identity(), hash);
  return {};
}

void Module::releaseHeader() const {
  madvise(const_cast<char *>(file_.bytes().data()), view_.header.weights_offset,
          MADV_DONTNEED);
}

} // namespace qrt
