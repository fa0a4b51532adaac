//===- Emulator.h - Modules for AArch64 on another machine ------*- C++ -*-===//
//
// quant-run for AArch64 under qemu-aarch64, where scripts/test has built it.
// Functions of the module get their arguments through files.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_TEST_UNIT_CODEGEN_EMULATOR_H
#define LOWBIT_TEST_UNIT_CODEGEN_EMULATOR_H

#include "quantrt/quantrt.h"

#include <string>
#include <vector>

namespace lowbit::test {

/// Empty, or what is missing to run programs for AArch64.
std::string emulatorMissing();

/// Levels whose code it runs.
constexpr const char *kEmulatedLevels[] = {"neon", "armv8.6"};

/// Calls a plain function with one output of f32 at a level. `like` is a module
/// with the same functions for this CPU: it says what the arguments are.
/// Returns what went wrong, or nothing.
std::string callEmulated(const std::string &module, const char *level,
                         const qrt_model *like, const std::string &function,
                         const std::vector<const void *> &inputs,
                         std::vector<float> &output);

} // namespace lowbit::test

#endif // LOWBIT_TEST_UNIT_CODEGEN_EMULATOR_H
