//===- TargetInfo.h - What a machine is good at -----------------*- C++ -*-===//
//
// A CPU level as a table: all that code generation knows about a machine. A new
// level is a new row in TargetInfo.cpp and, where its dot product is new, a
// pattern in lib/Conversion/RtToLLVM/DotProducts.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_ANALYSIS_TARGETINFO_H
#define LOWBIT_ANALYSIS_TARGETINFO_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>

namespace lowbit {

/// Which instructions pack.dot4 and pack.lookup become.
enum class DotProduct { AVX2, AVXVNNI, AVX512VNNI, NEON, I8MM };

/// Which instructions pack.tile_dot becomes: a loop of pack.dot4, AMX's tiles,
/// or i8mm's products of 2 x 8 and 8 x 2.
enum class TileDot { Dot4, AMX, I8MM };

struct TargetInfo {
  const char *level;    ///< as in --target-cpu and QRT_CPU
  uint32_t abiLevel;    ///< QRT_LEVEL_*
  uint32_t abiFeatures; ///< mask of QRT_CPU_*
  const char *triple;   ///< of LLVM; a module has levels of one architecture
  const char *cpu;      ///< for LLVM's scheduler and tuning
  const char *features; ///< for LLVM's instruction selection

  DotProduct dot;
  /// The largest unsigned byte that pack.dot4 multiplies exactly. Weights whose
  /// codes need more become signed bytes.
  int64_t largestUnsigned;
  /// Adding to exponents, masked where the scale is zero, is cheaper than a
  /// product of floats, which shares its ports with the dot products.
  bool masksLanes;
  /// LLVM leaves instructions in the order of the kernels. With few registers
  /// its scheduler and its combiner, which turns chains of sums into trees, move
  /// weights of one quad past those of the next and spill them: 4 bits of groups
  /// of 32, 512 rows, avx2 on Zen 5: 15.3 against 19.2 % of the VNNI peak
  /// (2026-11-24). With more registers they gain.
  bool keepsOrder;
  /// Vectors of 16 lanes that a tile of a matrix product may keep: integer and
  /// float sums; weights, an activation and a temporary must fit beside them.
  int64_t tileSums;
  /// Rows of a tile of one panel, where the weights of few rows come from memory:
  /// for so many rows or fewer, and for more.
  int64_t onceRows, streamRows;
  /// Bytes of unpacked panels that stay in the second-level cache, beside rows.
  /// Smaller parts, for the first level, cost more than they save: partial sums
  /// go through memory (Zen 5, 2026-11-24: 32 KB 79 % of the peak, 256 KB 87).
  int64_t panelCache;
  /// Bytes of panels, as stored or unpacked, that pass over all rows together
  /// and stay in the second-level cache.
  int64_t blockCache;
  /// Queries (rows x heads) that share a pass over keys and values.
  int64_t attentionQueries;
  /// Vectors of 16 f32 that an attention tile may keep as accumulators.
  int64_t accumulators;
  /// pack.dot2 is one instruction; else both halves are widened to f32.
  bool dotsPairs = false;
  /// One instruction counts the bits of every word of 32 bits; else bytes are
  /// counted and summed (pack.xor_popcount).
  bool countsWords = false;
  TileDot tileDot = TileDot::Dot4;
  /// Rows and panels of a pack.tile_dot; no rows: matrix products have none.
  int64_t tileRows = 0, tilePanels = 0;
};

llvm::ArrayRef<TargetInfo> knownTargets();
/// nullptr if there is none of that name.
const TargetInfo *findTarget(llvm::StringRef level);
/// The machine that runs the compiler can run the level's code.
bool hostRuns(const TargetInfo &target);
/// The best measured level of the machine that runs the compiler, so not one
/// that the system gives on request alone; nullptr: none fits.
const TargetInfo *hostTarget();

} // namespace lowbit

#endif // LOWBIT_ANALYSIS_TARGETINFO_H
