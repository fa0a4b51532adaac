//===- PanelTiles.cpp - Blocks of rows times unpacked panels --------------===//
//
// The part of PanelDot for instructions that multiply whole matrices: a block
// of rows meets each group of an unpacked part in one pack.tile_dot, whose sums
// go to memory, because only there can scales reach them; a few rows at a time
// then add them up, scaled.
//
//===----------------------------------------------------------------------===//

#include "PanelDot.h"

#include "dialects/Pack/IR/PackOps.h"

using namespace mlir;

namespace lowbit {

void PanelDot::tileGroup(Value firstRow, Value element, Value from, Value to,
                         int64_t quads) {
  pack::TileDotOp::create(e.b, e.loc, activationRows_, firstRow, element,
                          unpacked_, from, unpacked_, to, parts_->tileRows,
                          int64_t(panels_.size()), quads, bytes_.range);
}

void PanelDot::tileProducts(const UnpackedPart &part, Value row) {
  start(part.panel, part.panels, row, 0, 0);
  parts_ = &part.parts;
  unpacked_ = part.memory;
  slot_ = part.slot;
  int64_t products = parts_->partBytes();
  if (parts_->inChunks) {
    int64_t chunkBytes = 4 * PanelLayout::kChunkQuads * layout_.elementBytes();
    tileGroup(row, e.mul(part.first, chunkBytes), e.index(0),
              e.index(products), tiledQuads(chunkQuads(part)));
    unpacked_ = nullptr;
    return;
  }
  auto [groups, rest] = groupsOf(part);
  Value first = firstGroup(part);
  e.each(e.index(0), e.index(groups + (rest > 0)), 1, [&](Value local) {
    tileGroup(row, elementOffset(e.add(first, local), 0),
              e.mul(local, parts_->groupBytes),
              e.add(e.mul(local, parts_->productBytes), products),
              panel_.paddedGroup() / 4);
  });
  unpacked_ = nullptr;
}

/// Adds what tiles computed to the integer sums of a group.
Emitter::Values PanelDot::addTiledProducts(Value local, Values group) {
  int64_t panels = panels_.size();
  Value at = e.add(e.mul(local, parts_->productBytes), parts_->partBytes());
  at = e.add(at, e.mul(tiled_, panels * PanelLayout::kVectorBytes));
  for (auto [i, sum] : llvm::enumerate(group)) {
    Value product =
        e.loadBytes(e.vec(16, e.i32()), unpacked_, slot_,
                    e.add(at, int64_t(i) * PanelLayout::kVectorBytes));
    sum = arith::AddIOp::create(e.b, e.loc, sum, product);
  }
  return group;
}

} // namespace lowbit
