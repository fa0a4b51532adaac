//===- PanelPairs.cpp - A panel of bf16 times rows ------------------------===//
//
// The part of PanelDot for weights of bf16, two vectors of 64 bytes for a quad.
// Rows of bf16 meet them by pack.dot2; for rows of f32 the pairs are taken apart
// by a shift and a mask.
//
//===----------------------------------------------------------------------===//

#include "PanelDot.h"

#include "FloatFields.h"

using namespace mlir;

namespace lowbit {

constexpr int64_t kVector = PanelLayout::kVectorBytes;

/// Pair `pair` of the quad at `byte`, of 16 rows.
Value PanelDot::pairsAt(Value panel, Value byte, int64_t pair) {
  return e.loadBytes(e.vec(32, e.b.getBF16Type()), weights_, panel,
                     e.add(byte, pair * kVector));
}

/// Element `k` of the quad at `byte`, of 16 rows.
Value PanelDot::pairElement(Value panel, Value byte, int64_t k) {
  int64_t place = kPairOrder[k];
  Value words = vector::BitCastOp::create(e.b, e.loc, e.vec(16, e.i32()),
                                          pairsAt(panel, byte, place / 2));
  return halfOfPair(e, words, place % 2);
}

/// Gives `count` elements of a quad to the visitor.
void PanelDot::visitQuad(Value byte, Value column, int64_t count) {
  for (int64_t k = 0; k < count; ++k)
    (*visit_)(e.add(column, k), pairElement(panels_[0], byte, k));
}

/// Adds the products of `quads` quads from `byte` of every panel.
Emitter::Values PanelDot::pairQuads(Value byte, Value elements, int64_t quads,
                                    Values sums) {
  prefetchAt(byte, 2 * quads * kVector);
  if (layout_.bits == 16)
    return dots(2 * quads, elements, sums, [&](int64_t step) {
      Values weights;
      for (Value panel : panels_)
        weights.push_back(pairsAt(panel, byte, step));
      return weights;
    });
  for (int64_t k = 0; k < 4 * quads; ++k) {
    Values weights;
    for (Value panel : panels_)
      weights.push_back(
          pairElement(panel, e.add(byte, k / 4 * 2 * kVector), k % 4));
    sums = addProducts(weights, elements, k, sums);
  }
  return sums;
}

/// A row of bf16. What pads its last quad is zero, in panels and rows.
Emitter::Values PanelDot::pairUnit(int64_t length, Place at, Values sums) {
  int64_t unrolled = sums.size() < 8 ? 4 : 1;
  int64_t quads = (length + 3) / 4, full = quads / unrolled * unrolled;
  int64_t whole = length / 4; // quads
  auto some = [&](Value quad, int64_t count, Values carried) {
    return pairQuads(e.add(at.byte, e.mul(quad, 2 * kVector)),
                     e.mul(quad, 4 * layout_.elementBytes()), count, carried);
  };
  if (visit_) {
    e.each(e.index(0), e.index(whole), 1, [&](Value quad) {
      visitQuad(e.add(at.byte, e.mul(quad, 2 * kVector)), e.mul(quad, 4), 4);
    });
    visitQuad(e.add(at.byte, whole * 2 * kVector), e.index(4 * whole),
              length % 4);
    return sums;
  }
  if (full)
    sums = e.loop(e.index(0), e.index(full), unrolled, sums,
                  [&](Value quad, ValueRange carried) {
                    return some(quad, unrolled, llvm::to_vector(carried));
                  });
  if (full < quads)
    sums = some(e.index(full), quads - full, sums);
  return sums;
}

} // namespace lowbit
