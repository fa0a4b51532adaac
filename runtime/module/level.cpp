//===- level.cpp - Which copy of the code to run --------------------------===//

#include "module/level.h"
#include "base/cpu.h"

namespace qrt {

namespace {

std::string join(const std::vector<std::string> &names) {
  std::string all;
  for (const std::string &name : names)
    all += (all.empty() ? "" : ", ") + name;
  return all;
}

} // namespace

Status chooseLevel(const ModuleView &module, const std::string &file,
                   std::string_view wanted, uint32_t cpu, size_t &level) {
  const size_t none = module.levels.size;
  size_t best = none, named = none;
  std::vector<std::string> all, runnable, lacking;
  for (size_t i = 0; i < module.levels.size; ++i) {
    const qrt_level_record &record = module.levels[i];
    const std::string name = module.string(record.name);
    all.push_back(name);
    if (name == wanted)
      named = i;
    if (const uint32_t missing = record.features & ~cpu) {
      lacking.push_back(name + " needs " + featureNames(missing));
      continue;
    }
    runnable.push_back(name);
    if (best == none || record.level > module.levels[best].level)
      best = i;
  }

  if (!wanted.empty() && named == none)
    return unsupported(file + ": no level " + std::string(wanted) +
                       "; this module has " + join(all) +
                       ": choose one with QRT_CPU, or recompile with "
                       "--target-cpu=" +
                       std::string(wanted));
  const size_t chosen = wanted.empty() ? best : named;
  if (chosen == none)
    return unsupported(file + ": this CPU can run no level of the module (" +
                       join(lacking) + "): recompile with --target-cpu=host");
  if (const uint32_t missing = module.levels[chosen].features & ~cpu)
    return unsupported(
        file + ": level " + std::string(wanted) + " needs " +
        featureNames(missing) + ", which this CPU lacks; " +
        (runnable.empty()
             ? "recompile with --target-cpu=host"
             : "this module has " + join(runnable) +
                   ": set QRT_CPU=" + module.string(module.levels[best].name) +
                   " or recompile with --target-cpu=host"));
  level = chosen;
  return {};
}

} // namespace qrt
