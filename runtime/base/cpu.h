//===- cpu.h - What this CPU can do -----------------------------*- C++ -*-===//

#ifndef QUANTRT_BASE_CPU_H
#define QUANTRT_BASE_CPU_H

#include <cstdint>
#include <string>

namespace qrt {

/// Mask of QRT_CPU_* (abi.h): instructions that the CPU has and whose registers
/// the operating system saves.
uint32_t cpuFeatures();

/// "avx2, fma" for a mask of QRT_CPU_*.
std::string featureNames(uint32_t features);

} // namespace qrt

#endif // QUANTRT_BASE_CPU_H
