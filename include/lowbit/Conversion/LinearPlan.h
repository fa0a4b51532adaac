//===- LinearPlan.h - How a matrix product is blocked -----------*- C++ -*-===//
//
// The choices that a matrix product leaves open once its numbers are fixed:
// tile, where to unpack, what to prefetch. planLinear() is the cost model: it
// takes them from the layouts and the target's description; a tuning file may
// say otherwise (docs/Benchmarking.md). No choice changes a product's meaning,
// but the order of its sums.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_CONVERSION_LINEARPLAN_H
#define LOWBIT_CONVERSION_LINEARPLAN_H

#include "lowbit/Analysis/TargetInfo.h"
#include "lowbit/Support/PanelLayout.h"

#include <string>

namespace lowbit {

struct LinearPlan {
  /// A register tile of a product of many rows: rows x panels sums.
  int64_t tileRows = 1, tilePanels = 1;
  /// Rows that pack.tile_dot multiplies together; 0: no such instruction.
  int64_t blockRows = 0;
  /// Calls of up to `fewRows` rows read the weights from memory panel by panel:
  /// up to `onceRows` in one tile, more in tiles of `streamRows`.
  int64_t fewRows = 16, onceRows = 1, streamRows = 1;
  /// Many rows: codes become bytes once a call, in parts of at most
  /// `unpackedBytes`; `canUnpack`: the kernel has such a path.
  bool unpacks = false, canUnpack = false;
  int64_t unpackedBytes = 0;
  /// Many rows: bytes of panels, unpacked or not, that pass over all rows
  /// together.
  int64_t blockBytes = 0;
  /// Bytes between a weight's use and its prefetch when decoding.
  int64_t decodeAhead = 0;
};

LinearPlan planLinear(const PanelLayout &panel, const RowsLayout &layout,
                      const TargetInfo &target);

/// Changes choices of a plan by words such as `tile=3x2 ahead=4096`: `tile`
/// (rows x panels), `few`, `once`, `stream` (rows), `unpack` (0, 1), `unpacked`,
/// `block`, `ahead` (bytes). Returns what is wrong with them, or "".
std::string applyChoices(llvm::StringRef words, LinearPlan &plan);

/// What a plan depends on beside the level, as tuning files name it: scheme,
/// activations, columns; "u4 offset 8, group 32 scale f16; int8; 2048".
std::string linearKey(const PanelLayout &panel, const RowsLayout &layout);

} // namespace lowbit

#endif // LOWBIT_CONVERSION_LINEARPLAN_H
