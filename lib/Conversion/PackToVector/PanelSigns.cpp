//===- PanelSigns.cpp - Panels of signs times rows of signs ---------------===//
//
// The part of PanelDot for activations of 1 bit. A word of a panel's plane has
// 32 consecutive elements of a row, and rows of signs lie in the same order:
// codes are multiplied where they are, by counting the bits that differ. What
// pads a word is zero in both.
//
//===----------------------------------------------------------------------===//

#include "PanelDot.h"

#include "dialects/Pack/IR/PackOps.h"

using namespace mlir;

namespace lowbit {

constexpr int64_t kVector = PanelLayout::kVectorBytes;
/// Words of a row in straight-line code: as many may be counted in bytes.
constexpr int64_t kWords = 8;

/// Sums of products of a group of `elements`, whose first word is at `byte` of
/// every panel.
Emitter::Values PanelDot::signGroup(int64_t elements, Value byte, Value index) {
  Values differing(rows_.size() * panels_.size(), e.splatI(0));
  int64_t words = (elements + 31) / 32;
  int64_t full = words / kWords, rest = words % kWords;
  Value at = e.mul(index, layout_.groupBytes());
  if (full == 1)
    differing = signWords(kWords, byte, at, differing);
  else if (full > 1)
    differing = e.loop(e.index(0), e.index(full), 1, differing,
                       [&](Value i, ValueRange carried) {
                         Value first = e.mul(i, kWords);
                         return signWords(kWords,
                                          e.add(byte, e.mul(first, kVector)),
                                          e.add(at, e.mul(first, 4)),
                                          llvm::to_vector(carried));
                       });
  if (rest)
    differing = signWords(rest, e.add(byte, full * kWords * kVector),
                          e.add(at, full * kWords * 4), differing);
  for (Value &sum : differing)
    sum = arith::SubIOp::create(
        e.b, e.loc, e.splatI(elements),
        arith::ShLIOp::create(e.b, e.loc, sum, e.splatI(1)));
  return differing;
}

/// Adds how many of `words` words of signs differ.
Emitter::Values PanelDot::signWords(int64_t words, Value byte, Value at,
                                    Values differing) {
  auto lanes = e.vec(16, e.i32());
  if (panel_.group() > 4 * PanelLayout::kChunkQuads)
    prefetchAt(byte, words * kVector);
  for (int64_t word = 0; word < words; ++word) {
    Values w;
    for (Value panel : panels_)
      w.push_back(ofPanel(lanes, panel, e.add(byte, word * kVector)));
    Value *sum = differing.begin();
    for (Value row : rows_) {
      Value a = e.splat(ofRow(e.i32(), row, e.add(at, 4 * word)));
      for (Value weight : w) {
        *sum = pack::XorPopcountOp::create(e.b, e.loc, lanes, *sum, weight, a);
        ++sum;
      }
    }
  }
  return differing;
}

/// The sums of rows times the rows' scales.
Emitter::Values PanelDot::timesRowScales(Values sums) {
  for (auto [i, sum] : llvm::enumerate(sums)) {
    Value scale = ofRow(e.f32(), rows_[i / panels_.size()],
                        e.index(layout_.scalesOffset()));
    sum = e.mulF(sum, e.splat(scale));
  }
  return sums;
}

} // namespace lowbit
