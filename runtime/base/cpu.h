//===- cpu.h - What this CPU can do -----------------------------*- C++ -*-===//

#ifndef QUANTRT_BASE_CPU_H
#define QUANTRT_BASE_CPU_H

#include "quantrt/abi.h"

#include <cstdint>
#include <string>

namespace qrt {

/// Mask of QRT_CPU_* (abi.h): instructions that the CPU has and whose registers
/// the operating system saves.
uint32_t cpuFeatures();

/// Features whose registers the system saves for a process that has asked.
constexpr uint32_t featuresOnRequest =
    QRT_CPU_AMX_TILE | QRT_CPU_AMX_INT8 | QRT_CPU_AMX_BF16;
/// `cpu` without features on request, if `wanted` has any and `permits()` says
/// no; it is not asked where the CPU lacks what is wanted.
uint32_t withoutRefused(uint32_t cpu, uint32_t wanted, bool (*permits)());
/// Asks Linux for AMX's tiles (8 KB for each thread that uses them), once in a
/// process.
bool permitsTiles();

/// "avx2, fma" for a mask of QRT_CPU_*.
std::string featureNames(uint32_t features);

} // namespace qrt

#endif // QUANTRT_BASE_CPU_H
