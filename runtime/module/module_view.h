//===- module_view.h - The header of a module, checked ----------*- C++ -*-===//
//
// Reads a module's bytes without the dynamic loader. What parse accepts is
// safe to use as it is: every table lies within the header, every string ends
// within the string table, every weight lies within the weights, and the hashes
// of header and code agree.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTRT_MODULE_MODULE_VIEW_H
#define QUANTRT_MODULE_MODULE_VIEW_H

#include "base/span.h"
#include "base/status.h"
#include "module/elf.h"
#include "quantrt/abi.h"
#include "quantrt/format.h"

#include <string_view>

namespace qrt {

/// Tables of a module; they point into the file's bytes.
struct ModuleView {
  ElfView elf;
  qrt_header header = {};
  Span<const qrt_level_record> levels;
  Span<const qrt_function_record> functions;
  Span<const qrt_argument_record> arguments;
  Span<const qrt_weight_record> weightRecords;
  Span<const uint64_t> hashes;
  Span<const qrt_region_record> regions; ///< of a profile
  std::string_view metadata;
  std::string_view weights; ///< all of them, packed

  /// `name`: of the file, for messages.
  static Status parse(std::string_view file, const std::string &name,
                      ModuleView &out);
  /// The same for a module that is part of the program.
  static Status parse(const qrt_static_module &source, const std::string &name,
                      ModuleView &out);

  /// A string of the header's tables; NUL-terminated in place.
  const char *string(qrt_string offset) const {
    return strings_.data() + offset;
  }
  /// Index of a function, or -1.
  int32_t find(std::string_view function) const;
  /// The function record of `text`, or null.
  const qrt_function_record *textFunction() const;

private:
  std::string_view strings_;

  friend class HeaderReader;
};

} // namespace qrt

#endif // QUANTRT_MODULE_MODULE_VIEW_H
