//===- code.h - A module's machine code, loaded -----------------*- C++ -*-===//

#ifndef QUANTRT_MODULE_CODE_H
#define QUANTRT_MODULE_CODE_H

#include "base/file_map.h"
#include "module/module_view.h"
#include "quantrt/abi.h"

namespace qrt {

/// Owns the dynamic loader's handle.
class Code {
public:
  Code() = default;
  Code(const Code &) = delete;
  Code &operator=(const Code &) = delete;
  ~Code();

  /// Loads the code of `file`, which `module` was parsed from, and makes sure
  /// that what the loader mapped is what was hashed.
  Status load(const FileMap &file, const ModuleView &module);
  /// Takes the table of a module called `name` that is part of the program.
  Status use(const qrt_code_table *table, const std::string &name,
             const ModuleView &module);

  qrt_entry entry(size_t level, size_t function) const {
    return table_->entries[level * table_->n_functions + function];
  }

private:
  Status open(const FileMap &file, const ModuleView &module);
  Status bind(const FileMap &file, const ModuleView &module);

  void *handle_ = nullptr;
  const qrt_code_table *table_ = nullptr;
};

} // namespace qrt

#endif // QUANTRT_MODULE_CODE_H
