//===- code.cpp - A module's machine code, loaded -------------------------===//

#include "module/code.h"

#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <link.h>

namespace qrt {

namespace {

struct LoadedImage {
  ElfW(Addr) base;
  const ElfView *elf;
  std::string_view file;
  bool same = false;
};

/// Compares the segments that relocation leaves alone with the file. The
/// program headers come first: they say how much of the image may be read.
int compareImage(dl_phdr_info *info, size_t, void *user) {
  LoadedImage &image = *static_cast<LoadedImage *>(user);
  if (info->dlpi_addr != image.base)
    return 0;
  const std::vector<Elf64_Phdr> &segments = image.elf->segments;
  image.same = info->dlpi_phnum == segments.size() &&
               std::memcmp(info->dlpi_phdr, segments.data(),
                           segments.size() * sizeof(Elf64_Phdr)) == 0;
  for (const Elf64_Phdr &segment : segments)
    if (image.same && segment.p_type == PT_LOAD && !(segment.p_flags & PF_W))
      image.same =
          std::memcmp(
              reinterpret_cast<const void *>(image.base + segment.p_vaddr),
              image.file.data() + segment.p_offset, segment.p_filesz) == 0;
  return 1;
}

bool isImageOf(void *handle, const FileMap &file, const ModuleView &module) {
  link_map *map = nullptr;
  if (dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0)
    return false;
  LoadedImage image{map->l_addr, &module.elf, file.bytes()};
  dl_iterate_phdr(compareImage, &image);
  return image.same;
}

} // namespace

Code::~Code() {
  if (handle_)
    dlclose(handle_);
}

// The loader recognizes a library by its path first: after the file at a path
// was replaced while its predecessor is still loaded, dlopen answers with the
// predecessor. Then the descriptor's own path names the file.
Status Code::open(const FileMap &file, const ModuleView &module) {
  char *absolute = realpath(file.path().c_str(), nullptr);
  const std::string path = absolute ? absolute : "";
  std::free(absolute);
  const std::string byDescriptor =
      "/proc/self/fd/" + std::to_string(file.descriptor());
  std::string reason = "another file of this name is loaded";
  for (const std::string &candidate : {path, byDescriptor}) {
    if (candidate.empty())
      continue;
    handle_ = dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle_) {
      reason = dlerror();
      continue;
    }
    if (isImageOf(handle_, file, module))
      return {};
    dlclose(handle_);
    handle_ = nullptr;
  }
  return Status(QRT_IO, file.path() + ": cannot load its code: " + reason);
}

static Status wrong(const std::string &name, const char *what) {
  return corrupt(name + ": its code table " + what + ": compile it again");
}

Status Code::bind(const FileMap &file, const ModuleView &module) {
  void *symbol = dlsym(handle_, QRT_CODE_TABLE_SYMBOL);
  if (!symbol)
    return wrong(file.path(), "(" QRT_CODE_TABLE_SYMBOL ") is missing");
  const uint64_t entries = module.levels.size * module.functions.size;
  Dl_info where;
  const ElfW(Sym) *record = nullptr;
  if (dladdr1(symbol, &where,
              reinterpret_cast<void **>(const_cast<ElfW(Sym) **>(&record)),
              RTLD_DL_SYMENT) == 0 ||
      !record ||
      record->st_size < sizeof(qrt_code_table) + entries * sizeof(qrt_entry))
    return wrong(file.path(), "is too small");
  return use(static_cast<const qrt_code_table *>(symbol), file.path(), module);
}

Status Code::use(const qrt_code_table *table, const std::string &name,
                 const ModuleView &module) {
  if (!table)
    return wrong(name, "is missing");
  table_ = table;
  if (table_->abi_version != QRT_ABI_VERSION)
    return unsupported(name + ": its code table has ABI version " +
                       std::to_string(table_->abi_version) +
                       ", this runtime has " + std::to_string(QRT_ABI_VERSION) +
                       ": compile it again, or update the runtime");
  if (table_->n_levels != module.levels.size ||
      table_->n_functions != module.functions.size)
    return wrong(name, "disagrees with its header");
  for (uint64_t i = 0; i < module.levels.size * module.functions.size; ++i)
    if (!table_->entries[i])
      return wrong(name, "has an empty entry");
  return {};
}

Status Code::load(const FileMap &file, const ModuleView &module) {
  QRT_TRY(open(file, module));
  return bind(file, module);
}

} // namespace qrt
