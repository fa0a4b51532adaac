//===- elf.cpp - ELF files as plain bytes ---------------------------------===//

#include "module/elf.h"
#include "quantrt/format.h"

#include <cstring>

namespace qrt {

namespace {

/// Copies record `index` of a table; false if it is not within the file.
template <typename Record>
bool readRecord(std::string_view file, uint64_t table, uint64_t index,
                Record &out) {
  if (table > file.size() || index > file.size() / sizeof(Record))
    return false;
  const uint64_t offset = table + index * sizeof(Record);
  if (!fits(offset, sizeof(Record), file.size()))
    return false;
  std::memcpy(&out, file.data() + offset, sizeof(Record));
  return true;
}

/// The NUL-terminated name `offset` behind the start of a string table, without
/// what would lie outside of it.
std::string_view nameAt(std::string_view strings, uint64_t offset) {
  if (offset >= strings.size())
    return {};
  const std::string_view tail = strings.substr(offset);
  return tail.substr(0, tail.find('\0'));
}

Status damaged(const std::string &name, const char *what) {
  return corrupt(name + ": damaged: " + what +
                 ": copy the file or compile it again");
}

} // namespace

Status ElfView::parse(std::string_view file, const std::string &name,
                      ElfView &out) {
  out = {};
  Elf64_Ehdr elf;
  if (!readRecord(file, 0, 0, elf) ||
      std::memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0)
    return corrupt(name + " is not a lowbit module (no ELF file): make one "
                          "with quant-compile");
  if (elf.e_ident[EI_CLASS] != ELFCLASS64 ||
      elf.e_ident[EI_DATA] != ELFDATA2LSB || elf.e_type != ET_DYN)
    return corrupt(name + " is not a lowbit module (no 64-bit little-endian "
                          "shared object): make one with quant-compile");
  if (elf.e_shentsize != sizeof(Elf64_Shdr) ||
      elf.e_phentsize != sizeof(Elf64_Phdr))
    return damaged(name, "unexpected sizes of ELF records");
  out.machine = elf.e_machine;

  for (uint64_t i = 0; i < elf.e_phnum; ++i) {
    Elf64_Phdr segment;
    if (!readRecord(file, elf.e_phoff, i, segment) ||
        !fits(segment.p_offset, segment.p_filesz, file.size()))
      return damaged(name, "a segment reaches beyond the file");
    out.segments.push_back(segment);
  }

  Elf64_Shdr names;
  if (!readRecord(file, elf.e_shoff, elf.e_shstrndx, names) ||
      elf.e_shstrndx >= elf.e_shnum ||
      !fits(names.sh_offset, names.sh_size, file.size()))
    return damaged(name, "no table of section names");
  const std::string_view strings = file.substr(names.sh_offset, names.sh_size);
  for (uint64_t i = 0; i < elf.e_shnum; ++i) {
    Elf64_Shdr section;
    if (!readRecord(file, elf.e_shoff, i, section))
      return damaged(name, "the section table reaches beyond the file");
    const std::string_view sectionName = nameAt(strings, section.sh_name);
    ElfSection *target = sectionName == QRT_HEADER_SECTION    ? &out.header
                         : sectionName == QRT_WEIGHTS_SECTION ? &out.weights
                                                              : nullptr;
    if (!target)
      continue;
    if (target->present)
      return damaged(name, "two sections of one name");
    *target = {section.sh_offset, section.sh_size, true};
  }
  return {};
}

} // namespace qrt
