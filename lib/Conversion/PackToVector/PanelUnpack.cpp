//===- PanelUnpack.cpp - Panels unpacked once for many rows ---------------===//
//
// The part of PanelDot that takes codes apart once for all rows of a call: a
// part of a few panels becomes bytes for pack.dot4 and f32 scales in a worker's
// own memory, small enough for the first-level cache; tiles of rows then
// multiply from there, in one loop that is the same for every scheme.
//
//===----------------------------------------------------------------------===//

#include "PanelDot.h"

using namespace mlir;

namespace lowbit {

constexpr int64_t kQuads = PanelLayout::kChunkQuads;
constexpr int64_t kVector = PanelLayout::kVectorBytes;
/// Quads of bf16 in a loop's body.
constexpr int64_t kPairQuads = 8;
/// Bytes of products that wait: they are read once, soon, from the first-level
/// cache.
constexpr int64_t kProducts = 32 << 10;

UnpackedParts::UnpackedParts(const PanelLayout &panel, const RowsLayout &rows,
                             int64_t panels, int64_t cacheBytes,
                             int64_t tileRows)
    : tileRows(tileRows), productBytes(tileRows * panels * kVector) {
  int64_t quads = panel.paddedGroup() / 4;
  int64_t quadBytes = panels * kVector * rows.elementBytes();
  inChunks = panel.scheme().innerGroup() <= 0 && quads > kQuads;
  groupBytes = quads * quadBytes +
               panels * kVector * (1 + panel.scheme().hasMinima());
  if (inChunks) {
    pieces = quads / kQuads;
    pieceBytes = kQuads * quadBytes;
    pieceGroups = 0;
  } else {
    pieces = panel.columns() / panel.blockLength(0);
    pieceGroups = panel.blockLength(0) / panel.group();
    pieceBytes = pieceGroups * groupBytes;
  }
  int64_t fit = std::max<int64_t>(1, cacheBytes / pieceBytes);
  if (pieceGroups && tileRows)
    fit = std::clamp<int64_t>(kProducts / (pieceGroups * productBytes), 1, fit);
  int64_t parts = std::max<int64_t>(1, (pieces + fit - 1) / fit);
  perPart = std::max<int64_t>(1, (pieces + parts - 1) / parts);
}

int64_t UnpackedParts::bytes() const {
  int64_t groups = pieceGroups ? (perPart + 1) * pieceGroups : 1;
  return partBytes() + groups * productBytes;
}

int64_t UnpackedParts::partsBeforeLast() const {
  return pieces ? (pieces - 1) / perPart : 0;
}

//===- Unpacking ----------------------------------------------------------===//

/// The vectors of a quad, one of bytes or two of bf16, of all panels.
int64_t PanelDot::quadBytes() const {
  return layout_.elementBytes() * panels_.size() * kVector;
}

/// Vectors of `quads` quads of every panel, panels side by side.
void PanelDot::unpackQuads(Chunks &chunks, int64_t firstQuad, int64_t quads,
                           Value to) {
  int64_t panels = panels_.size(), ofQuad = layout_.elementBytes();
  for (int64_t q = 0; q < quads; ++q)
    for (auto [j, panel] : llvm::enumerate(panels_)) {
      PanelCodes::Quad quad = codes_.quad(panel, chunks[j], firstQuad + q);
      for (int64_t i = 0; i < ofQuad; ++i)
        e.storeBytes(vectorOf(quad, i), unpacked_, slot_,
                     e.add(to, ((q * ofQuad + i) * panels + j) * kVector));
    }
}

/// `quads` quads from byte `from` of every panel, a chunk at a time.
void PanelDot::unpackChunks(int64_t quads, Value from, Value to) {
  int64_t count = quads / kQuads;
  int64_t bytes = panel_.chunkBytes(kQuads), toBytes = kQuads * quadBytes();
  e.each(e.index(0), e.index(count), 1, [&](Value i) {
    Chunks chunks = chunksAt(e.add(from, e.mul(i, bytes)), kQuads);
    unpackQuads(chunks, 0, kQuads, e.add(to, e.mul(i, toBytes)));
  });
  if (int64_t rest = quads % kQuads) {
    Chunks chunks = chunksAt(e.add(from, count * bytes), rest);
    unpackQuads(chunks, 0, rest, e.add(to, count * toBytes));
  }
}

/// Tiles multiply whole groups; the last one may be shorter.
void PanelDot::clearQuads(int64_t first, int64_t end, Value to) {
  int64_t panels = panels_.size();
  for (int64_t vector = first * panels; vector < end * panels; ++vector)
    e.storeVec(e.splatBytes(0), unpacked_,
               {slot_, e.add(to, vector * kVector)});
}

/// One group: codes, then its terms as they multiply sums.
void PanelDot::unpackGroup(const Place &at, Chunks &chunks, int64_t firstQuad,
                           int64_t quads) {
  Value to = e.mul(at.group, parts_->groupBytes);
  if (quads > kQuads)
    unpackChunks(quads, at.byte, to);
  else
    unpackQuads(chunks, firstQuad, quads, to);
  if (parts_->tileRows)
    clearQuads(quads, panel_.paddedGroup() / 4, to);
  Value terms = e.add(to, termsOffset());
  for (auto [j, of] : llvm::enumerate(finalTerms(at))) {
    e.storeBytes(of.scale, unpacked_, slot_, e.add(terms, j * kVector));
    if (of.min)
      e.storeBytes(of.min, unpacked_, slot_,
                   e.add(terms, (panels_.size() + j) * kVector));
  }
}

int64_t PanelDot::termsOffset() const {
  return quadBytes() * (panel_.paddedGroup() / 4);
}

void PanelDot::unpack(const UnpackedPart &part) {
  start(part.panel, part.panels, e.index(0), 0, 0);
  parts_ = &part.parts;
  unpacked_ = part.memory;
  slot_ = part.slot;
  Place at = beginning();
  if (parts_->inChunks) {
    Value skipped = e.mul(part.first, panel_.chunkBytes(kQuads));
    unpackChunks(chunkQuads(part), e.add(at.byte, skipped), e.index(0));
  } else {
    // Groups are counted from the part's first.
    emitBlocks(at, part.first, part.count, part.tail, {}, e.index(0));
  }
  unpacked_ = nullptr;
}

//===- Multiplying --------------------------------------------------------===//

/// Adds the products of `quads` unpacked quads to a group's sums.
Emitter::Values PanelDot::unpackedQuads(int64_t quads, Value from,
                                        Value elements, Values group) {
  int64_t panels = panels_.size();
  VectorType type = layout_.bits == 8 ? e.vec(64, e.b.getI8Type())
                                      : e.vec(32, e.b.getBF16Type());
  auto some = [&](int64_t count, Value byte, Value element, Values sums) {
    int64_t steps = count * layout_.elementBytes();
    return dots(steps, element, sums, [&](int64_t step) {
      Values weights;
      for (int64_t j = 0; j < panels; ++j)
        weights.push_back(
            e.loadBytes(type, unpacked_, slot_,
                        e.add(byte, (step * panels + j) * kVector)));
      return weights;
    });
  };
  int64_t unrolled = layout_.bits == 8 ? kQuads : kPairQuads;
  int64_t chunk = unrolled * 4 * layout_.elementBytes();
  int64_t count = quads / unrolled, rest = quads % unrolled;
  if (count > 1)
    group = e.loop(e.index(0), e.index(count), 1, group,
                   [&](Value i, ValueRange carried) {
                     return some(
                         unrolled,
                         e.add(from, e.mul(i, unrolled * quadBytes())),
                         e.add(elements, e.mul(i, chunk)),
                         llvm::to_vector(carried));
                   });
  else if (count == 1)
    group = some(unrolled, from, elements, group);
  if (rest)
    group = some(rest, e.add(from, count * unrolled * quadBytes()),
                 e.add(elements, count * chunk), group);
  return group;
}

Emitter::Values PanelDot::unpackedGroup(Value local, Value group,
                                        int64_t quads, Values sums) {
  Value from = e.mul(local, parts_->groupBytes);
  Values products = groupStart(group);
  products = tiled_ ? addTiledProducts(local, products)
                    : unpackedQuads(quads, from, elementOffset(group, 0),
                                    products);
  Value at = e.add(from, termsOffset());
  bool minima = panel_.scheme().hasMinima();
  auto load = [&](size_t slot) {
    return e.loadBytes(e.vecF(), unpacked_, slot_,
                       e.add(at, slot * kVector));
  };
  llvm::SmallVector<Terms, 3> terms;
  for (size_t j = 0; j < panels_.size(); ++j)
    terms.push_back({load(j), minima ? load(panels_.size() + j) : Value(), {}});
  return groupEnd(group, terms, products, sums);
}

/// Quads of a part of the only group of a row.
int64_t PanelDot::chunkQuads(const UnpackedPart &part) const {
  return part.count * kQuads +
         (part.tail ? panel_.paddedGroup() / 4 % kQuads : 0);
}

/// The only group of a row: its sums of products are carried from part to part.
Emitter::Values PanelDot::unpackedChunks(const UnpackedPart &part,
                                         Values sums) {
  auto as = [&](VectorType type) {
    for (Value &sum : sums)
      sum = vector::BitCastOp::create(e.b, e.loc, type, sum);
  };
  as(e.vec(16, layout_.bits == 8 ? e.i32() : e.f32()));
  int64_t quads = chunkQuads(part), done = 0;
  if (tiled_) {
    sums = addTiledProducts(e.index(0), sums);
    done = tiledQuads(quads);
  }
  Value element = e.mul(part.first, kQuads * 4 * layout_.elementBytes());
  sums = unpackedQuads(quads - done, e.index(done * quadBytes()),
                       e.add(element, 4 * done * layout_.elementBytes()), sums);
  if (part.tail)
    return groupEnd(e.index(0), finalTerms(beginning()), sums,
                    Values(sums.size(), e.splatF(0)));
  as(e.vecF());
  return sums;
}

Emitter::Values PanelDot::unpackedStart(const UnpackedPart &part, Value row,
                                        int64_t rows) {
  start(part.panel, part.panels, row, rows, 0);
  sets_ = 1;
  if (!part.parts.inChunks)
    return Values(rows * panels_.size(), e.splatF(0));
  Values sums = groupStart(e.index(0));
  for (Value &sum : sums)
    sum = vector::BitCastOp::create(e.b, e.loc, e.vecF(), sum);
  return sums;
}

/// Full groups of a part, and columns behind them.
std::pair<int64_t, int64_t>
PanelDot::groupsOf(const UnpackedPart &part) const {
  int64_t columns = part.count * panel_.blockLength(0);
  if (part.tail)
    columns += panel_.columns() % panel_.blockLength(0);
  return {columns / panel_.group(), columns % panel_.group()};
}

Value PanelDot::firstGroup(const UnpackedPart &part) {
  return e.mul(part.first, panel_.blockLength(0) / panel_.group());
}

Emitter::Values PanelDot::addPart(const UnpackedPart &part, Value row,
                                  int64_t rows, Values sums, Value tiled) {
  start(part.panel, part.panels, row, rows, 0);
  sets_ = 1;
  parts_ = &part.parts;
  unpacked_ = part.memory;
  slot_ = part.slot;
  tiled_ = tiled;
  sums = parts_->inChunks ? unpackedChunks(part, sums)
                          : unpackedGroups(part, sums);
  unpacked_ = tiled_ = nullptr;
  return sums;
}

Emitter::Values PanelDot::unpackedGroups(const UnpackedPart &part,
                                         Values sums) {
  auto [groups, rest] = groupsOf(part);
  Value first = firstGroup(part);
  auto one = [&](Value local, int64_t quads, Values carried) {
    return unpackedGroup(local, e.add(first, local), quads, carried);
  };
  int64_t quads = panel_.paddedGroup() / 4;
  if (groups > 1)
    sums = e.loop(e.index(0), e.index(groups), 1, sums,
                  [&](Value i, ValueRange carried) {
                    return one(i, quads, llvm::to_vector(carried));
                  });
  else if (groups == 1)
    sums = one(e.index(0), quads, sums);
  if (rest)
    sums = one(e.index(groups), (rest + 3) / 4, sums);
  return sums;
}

} // namespace lowbit
