//===- elf.h - ELF files as plain bytes -------------------------*- C++ -*-===//

#ifndef QUANTRT_MODULE_ELF_H
#define QUANTRT_MODULE_ELF_H

#include "base/status.h"

#include <elf.h>
#include <string_view>
#include <vector>

namespace qrt {

struct ElfSection {
  uint64_t offset = 0;
  uint64_t bytes = 0;
  bool present = false;
};

/// What the runtime reads of an ELF64 file. Nothing here has been mapped by the
/// dynamic loader yet.
struct ElfView {
  uint16_t machine = 0; ///< EM_*
  ElfSection header;    ///< QRT_HEADER_SECTION
  ElfSection weights;   ///< QRT_WEIGHTS_SECTION
  std::vector<Elf64_Phdr> segments;

  /// `name`: of the file, for messages. Sections may still reach beyond the
  /// file: the caller knows better what that means.
  static Status parse(std::string_view file, const std::string &name,
                      ElfView &out);
};

/// True if [offset, offset + bytes) lies within `size` bytes.
inline bool fits(uint64_t offset, uint64_t bytes, uint64_t size) {
  return offset <= size && bytes <= size - offset;
}

} // namespace qrt

#endif // QUANTRT_MODULE_ELF_H
