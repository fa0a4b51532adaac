//===- module.cpp - A module, opened and ready to call --------------------===//

#include "module/module.h"
#include "base/cpu.h"
#include "module/level.h"

#include <cstring>
#include <dlfcn.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

namespace qrt {

namespace {

/// The file that the dynamic loader has put at an address.
bool fileAt(const void *address, struct stat &file) {
  Dl_info info;
  link_map *map = nullptr;
  if (dladdr1(address, &info, reinterpret_cast<void **>(&map),
              RTLD_DL_LINKMAP) == 0 ||
      !map)
    return false;
  // The program itself has no name there.
  const char *path = *map->l_name ? map->l_name : "/proc/self/exe";
  return stat(path, &file) == 0;
}

} // namespace

Status Module::open(const std::string &path, std::string_view level) {
  path_ = path;
  QRT_TRY(file_.open(path));
  QRT_TRY(ModuleView::parse(file_.bytes(), path, view_));
  QRT_TRY(useLevel(level));
  return code_.load(file_, view_);
}

Status Module::open(const qrt_static_module &source, std::string_view level) {
  path_ = source.name ? source.name : "a static module";
  static_ = &source;
  QRT_TRY(ModuleView::parse(source, path_, view_));
  QRT_TRY(useLevel(level));
  return code_.use(source.code, path_, view_);
}

Status Module::useLevel(std::string_view level) {
  if (Status status = Metadata::parse(view_.metadata, metadata_); !status.ok())
    return Status(status.code(), path_ + ": " + status.message());
  uint32_t wanted = 0;
  for (const qrt_level_record &record : view_.levels)
    if (level.empty() || level == view_.string(record.name))
      wanted |= record.features;
  const uint32_t cpu = withoutRefused(cpuFeatures(), wanted, permitsTiles);
  Status chosen = chooseLevel(view_, path_, level, cpu, level_);
  if (const uint32_t refused = cpuFeatures() & ~cpu; !chosen.ok() && refused)
    return Status(chosen.code(), chosen.message() + " (Linux refused " +
                                     featureNames(refused) +
                                     " to this process)");
  QRT_TRY(std::move(chosen));
  bindWeights();
  // Within a file the address is a multiple of 64 KiB, hence of the page; a
  // linker may do otherwise, and it is only advice.
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

Status Module::bindWeight(std::string_view name, const void *data,
                          uint64_t bytes) {
  for (size_t i = 0; i < weights_.size(); ++i) {
    const qrt_weight_record &record = view_.weightRecords[i];
    if (name != view_.string(record.name))
      continue;
    if (data && bytes != record.bytes)
      return invalid(path_ + ": weight " + std::string(name) + " takes " +
                     std::to_string(record.bytes) + " bytes, but got " +
                     std::to_string(bytes));
    weights_[i] = data ? data : view_.weights.data() + record.offset;
    return {};
  }
  return invalid(path_ + ": it has no weight '" + std::string(name) + "'");
}

void Module::adviseHugePages() const {
  const uintptr_t usual = uintptr_t(sysconf(_SC_PAGESIZE));
  const uintptr_t begin = reinterpret_cast<uintptr_t>(view_.weights.data());
  const uintptr_t page = begin / usual * usual;
  madvise(reinterpret_cast<void *>(page), begin - page + view_.weights.size(),
          MADV_HUGEPAGE);
}

Status Module::copyWeights(const OnEachThread &onEachThread) {
  if (view_.weights.empty())
    return {};
  QRT_TRY(copy_.allocate(view_.weights.size(), "the weights", Pages::Huge));
  if (file_.descriptor() < 0)
    std::memcpy(copy_.data(), view_.weights.data(), view_.weights.size());
  else
    QRT_TRY(readInto(copy_, file_.descriptor(), view_.header.weights_offset,
                     path_, onEachThread));
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
  struct stat file;
  const bool known = identify(file);
  if (when == Verify::Once && known && verified.contains(file, hash))
    return {};
  QRT_TRY(verifyWeights(view_, path_, onEachThread));
  if (known)
    verified.add(file, hash);
  return {};
}

/// The file whose bytes the weights are, or were when they were copied.
bool Module::identify(struct stat &file) const {
  if (file_.descriptor() < 0)
    return fileAt(static_, file);
  file = file_.identity();
  return true;
}

void Module::releaseHeader() const {
  // What is around a static module's header, the linker alone knows.
  if (file_.descriptor() < 0)
    return;
  madvise(const_cast<char *>(file_.bytes().data()), view_.header.weights_offset,
          MADV_DONTNEED);
}

} // namespace qrt
