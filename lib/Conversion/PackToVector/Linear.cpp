//===- Linear.cpp - Rows times panels -------------------------------------===//
//
// pack.linear on memrefs: a worker takes a range of panels.
//
// One row (decoding): panel by panel, each read once, prefetched as one stream.
// Up to kFewRows: the same, with as many rows at a time as registers allow; the
// weights still come from memory once, so prefetching still decides.
// More: blocks of a few panels; all rows pass over a block in register tiles of
// rows x panels. Codes that take work are unpacked to bytes once for all rows,
// in parts along K where a block of bytes would exceed the cache; partial sums
// wait in the result. Where the CPU multiplies matrices, codes are unpacked
// always, and whole blocks of rows go through pack.tile_dot (PanelTiles.cpp).
//
//===----------------------------------------------------------------------===//

#include "PanelDot.h"

#include "lowbit/Conversion/Kernels.h"

using namespace mlir;

namespace lowbit {

namespace {

/// Bytes between a weight's use and its prefetch when decoding: 7.5 KB were
/// best on Zen 5 (design/spikes/cpu/token: 72-83 % to 95-100 % of a plain read).
constexpr int64_t kPrefetch = 7680;
/// Up to so many rows the weights stream from memory faster than tiles of
/// several panels compute.
constexpr int64_t kFewRows = 16;

struct Tile {
  int64_t rows, panels;
};

/// Rows of a block that pack.tile_dot multiplies; 0: none. Groups of 16 would
/// fill a quarter of a tile, and their sums in memory cost what that saves: by
/// count of instructions, not measured.
int64_t tileRows(const PanelLayout &panel, const RowsLayout &layout,
                 const TargetInfo &target) {
  if (panel.scheme().isFloat() || layout.bits != 8)
    return 0;
  bool isLong = panel.scheme().innerGroup() <= 0 &&
                panel.paddedGroup() / 4 > PanelLayout::kChunkQuads;
  return isLong || panel.paddedGroup() % 32 == 0 ? target.tileRows : 0;
}

/// As many sums as there are registers. Three panels share a row's broadcast,
/// so that loads do not limit the dot products: 4 x 3 needs 7 loads for 12.
/// Where weights are decoded to floats, decoding costs more than loading: all
/// rows on one panel. With tiles, the panels of a tile.
Tile chooseTile(const PanelLayout &panel, const RowsLayout &layout,
                const TargetInfo &target) {
  bool isFloat = panel.scheme().isFloat();
  // Sums of groups need an accumulator beside that of the row.
  int64_t sums = target.tileSums;
  if (!isFloat && panel.groups() > 1)
    sums /= 2;
  int64_t panels = sums % 3 == 0 && (isFloat || layout.bits == 8) ? 3 : 1;
  if (tileRows(panel, layout, target))
    panels = target.tilePanels;
  return {sums / panels, panels};
}

class LinearEmitter {
  using Values = Emitter::Values;

public:
  LinearEmitter(Emitter &e, const KernelContext &c, const PanelLayout &panel,
                const RowsLayout &layout, int64_t rows, Value activations,
                Value weights, Value bias, Value residual, Value work,
                Value out)
      : e(e), c(c), panel_(panel),
        dot(e, panel, layout, *c.target, weights, activations),
        tile_(chooseTile(panel, layout, *c.target)),
        tileRows_(tileRows(panel, layout, *c.target)), rows_(rows),
        bias_(bias), residual_(residual), work_(work), out_(out) {}

  void emit() {
    if (c.oneRow)
      return decode();
    Value few = e.lessOrEqual(c.count, e.index(kFewRows));
    e.ifThen(few, [&] { fewRows(); });
    e.ifThen(e.isNot(few), [&] { manyRows(); });
  }

private:
  int64_t panels() const { return (rows_ + 15) / 16; }

  void decode() {
    auto [lo, hi] = e.partition(e.index(panels()), c.worker, c.workers);
    e.each(lo, hi, 1, [&](Value panel) {
      e.each(e.index(0), c.count, 1,
             [&](Value row) { tile(panel, 1, row, 1, kPrefetch); });
    });
  }

  void fewRows() {
    int64_t most = c.target->tileSums / 2; // of groups and of the row
    auto [lo, hi] = e.partition(e.index(panels()), c.worker, c.workers);
    e.each(lo, hi, 1, [&](Value panel) {
      overRows(e.index(0), most, [&](Value row, int64_t count) {
        tile(panel, 1, row, count, panel_.panelBytes());
      });
    });
  }

  void manyRows() {
    int64_t whole = panels() / tile_.panels, rest = panels() % tile_.panels;
    auto [lo, hi] =
        e.partition(e.index(whole + (rest > 0)), c.worker, c.workers);
    if (whole)
      e.each(lo, e.minIndex(hi, e.index(whole)), 1, [&](Value block) {
        blockOfPanels(e.mul(block, tile_.panels), tile_.panels);
      });
    if (!rest)
      return;
    Value mine = e.both(e.lessOrEqual(lo, e.index(whole)),
                        e.less(e.index(whole), hi));
    e.ifThen(mine,
             [&] { blockOfPanels(e.index(whole * tile_.panels), rest); });
  }

  /// All rows times `count` panels.
  void blockOfPanels(Value panel, int64_t count) {
    if (!work_)
      return overRows(e.index(0), tile_.rows, [&](Value row, int64_t rows) {
        tile(panel, count, row, rows, 0);
      });
    UnpackedParts parts(panel_, count, c.target->panelCache, tileRows_);
    Values panels = panelsFrom(panel, count);
    int64_t before = parts.partsBeforeLast();
    if (before)
      e.each(e.index(0), e.index(before), 1, [&](Value part) {
        onePart({panels, parts, e.mul(part, parts.perPart), parts.perPart,
                 /*tail=*/false, work_});
      });
    onePart({panels, parts, e.index(before * parts.perPart),
             parts.pieces - before * parts.perPart, /*tail=*/true, work_});
  }

  void onePart(const UnpackedPart &part) {
    dot.unpack(part);
    Value done = e.index(0);
    if (tileRows_) {
      done = e.mul(e.divFloor(c.count, tileRows_), tileRows_);
      int64_t few = llvm::bit_floor(uint64_t(tile_.rows));
      e.each(e.index(0), done, tileRows_, [&](Value row) {
        dot.tileProducts(part, row);
        e.each(e.index(0), e.index(tileRows_), few, [&](Value i) {
          addPart(part, e.add(row, i), few, i);
        });
      });
    }
    overRows(done, tile_.rows, [&](Value row, int64_t rows) {
      addPart(part, row, rows, /*tiled=*/{});
    });
  }

  /// To the sums of a few rows.
  void addPart(const UnpackedPart &part, Value row, int64_t rows,
               Value tiled) {
    Values sums = dot.addPart(part, row, rows, sumsBefore(part, row, rows),
                              tiled);
    Value panel = part.panels[0];
    int64_t panels = part.panels.size();
    if (part.tail)
      return finish(sums, panel, panels, row);
    eachSum(panel, panels, row, [&](size_t i, Value t, Value column,
                                    Value lanes) {
      e.storeRow(sums[i], out_, t, column, lanes);
    }, rows);
  }

  /// What a part adds to: the beginning, or what waits in the result.
  Values sumsBefore(const UnpackedPart &part, Value row, int64_t rows) {
    if (!part.parts.partsBeforeLast())
      return dot.unpackedStart(part, row, rows);
    Values old = loadSums(part.panels[0], part.panels.size(), row, rows);
    if (part.tail)
      return old;
    Value begins = e.lessOrEqual(part.first, e.index(0));
    for (auto [i, start] :
         llvm::enumerate(dot.unpackedStart(part, row, rows)))
      old[i] = e.choose(begins, start, old[i]);
    return old;
  }

  /// Rows from `first` on in tiles of `most`, the last ones by powers of two.
  void overRows(Value first, int64_t most,
                llvm::function_ref<void(Value row, int64_t count)> body) {
    Value whole = e.mul(e.divFloor(e.sub(c.count, first), most), most);
    Value done = e.add(first, whole);
    e.each(first, done, most, [&](Value row) { body(row, most); });
    int64_t size = 1;
    while (size * 2 < most)
      size *= 2;
    Value left = e.sub(c.count, done);
    for (; size >= 1 && most > 1; size /= 2) {
      Value bit = e.mul(e.rem(e.divFloor(left, size), 2), size);
      Value here = done;
      e.ifThen(e.less(e.index(0), bit), [&] { body(here, size); });
      done = e.add(done, bit);
    }
  }

  Values panelsFrom(Value first, int64_t count) {
    Values panels;
    for (int64_t j = 0; j < count; ++j)
      panels.push_back(e.add(first, j));
    return panels;
  }

  void tile(Value panel, int64_t panels, Value row, int64_t rows,
            int64_t prefetch) {
    Values sums = dot.emit(panelsFrom(panel, panels), row, rows, prefetch);
    finish(sums, panel, panels, row);
  }

  /// The place of every sum. Lanes past the last row of the weight are masked;
  /// the mask is all ones in the other panels.
  void eachSum(Value panel, int64_t panels, Value row,
               llvm::function_ref<void(size_t, Value t, Value column,
                                       Value lanes)>
                   body,
               int64_t rows) {
    for (int64_t m = 0; m < rows; ++m)
      for (int64_t j = 0; j < panels; ++j) {
        Value column = e.mul(e.add(panel, j), 16), lanes;
        if (rows_ < 16)
          lanes = e.index(rows_);
        else if (rows_ % 16)
          lanes = e.minIndex(e.sub(e.index(rows_), column), e.index(16));
        body(m * panels + j, e.add(row, m), column, lanes);
      }
  }

  Values loadSums(Value panel, int64_t panels, Value row, int64_t rows) {
    Values sums;
    eachSum(panel, panels, row, [&](size_t, Value t, Value column,
                                    Value lanes) {
      sums.push_back(e.loadRow(out_, t, column, lanes));
    }, rows);
    return sums;
  }

  void finish(Values sums, Value panel, int64_t panels, Value row) {
    Values bias(panels);
    eachSum(panel, panels, row, [&](size_t i, Value t, Value column,
                                    Value lanes) {
      Value result = sums[i];
      if (bias_) {
        Value &ofPanel = bias[i % panels];
        if (!ofPanel)
          ofPanel = lanes ? e.loadMasked(e.vecF(), bias_, column, lanes)
                          : e.loadVec(e.vecF(), bias_, column);
        result = e.addF(result, ofPanel);
      }
      if (residual_)
        result = e.addF(result, e.loadRow(residual_, t, column, lanes));
      e.storeRow(result, out_, t, column, lanes);
    }, sums.size() / panels);
  }

  Emitter &e;
  const KernelContext &c;
  const PanelLayout &panel_;
  PanelDot dot;
  Tile tile_;
  int64_t tileRows_, rows_;
  Value bias_, residual_, work_, out_;
};

} // namespace

/// Unpacking pays where a byte takes more than a shift and a mask, or scales
/// more than a conversion. 512 rows, K = 2048, N = 8192 on Zen 5, share of the
/// peak with and without (2026-11-24): 6 bits of groups of 16 59 and 45 %, 4
/// bits of nested scales 63 and 60, of a codebook 68 and 63; but 4 bits of plain
/// groups of 128 78 and 82, 2 bits of groups of 256 86 and 91.
static bool unpacks(const PanelLayout &panel) {
  const Scheme &scheme = panel.scheme();
  int64_t groupLevels = llvm::count_if(
      scheme.levels, [](const Level &level) { return level.group > 0; });
  return panel.planes().size() > 1 || scheme.kind == CodeKind::Codebook ||
         groupLevels > 1;
}

int64_t linearWork(const PanelLayout &panel, const RowsLayout &layout,
                   const TargetInfo &target) {
  int64_t tiled = tileRows(panel, layout, target);
  if (!tiled && (panel.scheme().isFloat() || layout.bits != 8 ||
                 !unpacks(panel)))
    return 0;
  Tile tile = chooseTile(panel, layout, target);
  // The last block may have fewer panels, of which longer parts fit.
  int64_t most = 0;
  for (int64_t panels = 1; panels <= tile.panels; ++panels)
    most = std::max(
        most, UnpackedParts(panel, panels, target.panelCache, tiled).bytes());
  return most;
}

void emitLinear(Emitter &e, const KernelContext &c, const PanelLayout &panel,
                const RowsLayout &layout, int64_t rows, Value activations,
                Value weights, Value bias, Value residual, Value work,
                Value out) {
  LinearEmitter(e, c, panel, layout, rows, activations, weights, bias, residual,
                work, out)
      .emit();
}

} // namespace lowbit
