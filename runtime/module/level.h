//===- level.h - Which copy of the code to run ------------------*- C++ -*-===//

#ifndef QUANTRT_MODULE_LEVEL_H
#define QUANTRT_MODULE_LEVEL_H

#include "module/module_view.h"

namespace qrt {

/// Index of the best level that `cpu` (mask of QRT_CPU_*) can run, or of the
/// one named `wanted` unless that is empty.
Status chooseLevel(const ModuleView &module, const std::string &file,
                   std::string_view wanted, uint32_t cpu, size_t &level);

} // namespace qrt

#endif // QUANTRT_MODULE_LEVEL_H
