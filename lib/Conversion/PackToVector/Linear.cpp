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
// wait in the result.
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

/// Groups of bf16 up to so many elements overlap in the processor.
constexpr int64_t kShortChain = 64;

struct Tile {
  int64_t rows, panels;
};

/// As many sums as there are registers. Three panels share a row's broadcast,
/// so that loads do not limit the dot products: 4 x 3 needs 7 loads for 12.
/// Where weights are decoded to floats, decoding costs more than loading: all
/// rows on one panel.
Tile chooseTile(const PanelLayout &panel, const RowsLayout &layout,
                const TargetInfo &target) {
  bool isFloat = panel.scheme().isFloat();
  // Sums of groups need an accumulator beside that of the row.
  int64_t sums = target.tileSums;
  if (!isFloat && panel.groups() > 1)
    sums /= 2;
  bool isDecoded = !isFloat && layout.bits != 1 && !usesDots(layout, target);
  int64_t panels = sums % 3 == 0 && !isDecoded ? 3 : 1;
  return {sums / panels, panels};
}

class LinearEmitter {
  using Values = Emitter::Values;

public:
  LinearEmitter(Emitter &e, const KernelContext &c, const PanelLayout &panel,
                const RowsLayout &layout, int64_t rows, Value activations,
                Value weights, Value bias, Value residual, Value work,
                Value out)
      : e(e), c(c), panel_(panel), layout_(layout),
        dot(e, panel, layout, *c.target, weights, activations),
        tile_(chooseTile(panel, layout, *c.target)), rows_(rows), bias_(bias),
        residual_(residual), work_(work), out_(out) {}

  void emit() {
    if (c.oneRow)
      return decode();
    Value few = e.lessOrEqual(c.count, e.index(kFewRows));
    e.ifThen(few, [&] { fewRows(); });
    e.ifThen(e.isNot(few), [&] { manyRows(); });
  }

private:
  int64_t panels() const { return (rows_ + 15) / 16; }

  /// Panels side by side with few rows. One stream from memory is the fastest;
  /// but a long group of bf16 is a chain of sums of 6 cycles each, and several
  /// panels hide that. Several accumulators of a sum would too, but then the
  /// order of a row's sum would depend on how many rows there are.
  int64_t panelsBeside(int64_t rows) const {
    bool isChain = layout_.bits == 16 && usesDots(layout_, *c.target) &&
                   !panel_.scheme().isFloat() && panel_.group() > kShortChain;
    return !isChain || rows > 4 ? 1 : rows > 2 ? 2 : 4;
  }

  /// Panels [lo, hi), `most` at a time and the last ones one by one.
  void overPanels(Value lo, Value hi, int64_t most,
                  llvm::function_ref<void(Value panel, int64_t count)> body) {
    if (most == 1)
      return e.each(lo, hi, 1, [&](Value panel) { body(panel, 1); });
    Value whole = e.mul(e.divFloor(e.sub(hi, lo), most), most);
    Value done = e.add(lo, whole);
    e.each(lo, done, most, [&](Value panel) { body(panel, most); });
    e.each(done, hi, 1, [&](Value panel) { body(panel, 1); });
  }

  void decode() {
    auto [lo, hi] = e.partition(e.index(panels()), c.worker, c.workers);
    overPanels(lo, hi, panelsBeside(1), [&](Value panel, int64_t count) {
      e.each(e.index(0), c.count, 1,
             [&](Value row) { tile(panel, count, row, 1, kPrefetch); });
    });
  }

  void fewRows() {
    int64_t most = c.target->tileSums / 2; // of groups and of the row
    auto [lo, hi] = e.partition(e.index(panels()), c.worker, c.workers);
    overPanels(lo, hi, panelsBeside(1), [&](Value first, int64_t panels) {
      overRows(most, [&](Value row, int64_t count) {
        int64_t step = std::min(panels, panelsBeside(count));
        e.each(first, e.add(first, panels), step, [&](Value panel) {
          tile(panel, step, row, count, panel_.panelBytes());
        });
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
      return overRows(tile_.rows, [&](Value row, int64_t rows) {
        tile(panel, count, row, rows, 0);
      });
    UnpackedParts parts(panel_, layout_, count, c.target->panelCache);
    int64_t before = parts.partsBeforeLast();
    if (before)
      e.each(e.index(0), e.index(before), 1, [&](Value part) {
        Value first = e.mul(part, parts.perPart);
        onePart(panel, count, parts, first, parts.perPart, /*last=*/false);
      });
    onePart(panel, count, parts, e.index(before * parts.perPart),
            parts.pieces - before * parts.perPart, /*last=*/true);
  }

  void onePart(Value panel, int64_t count, const UnpackedParts &parts,
               Value first, int64_t pieces, bool last) {
    Values panels = panelsFrom(panel, count);
    dot.unpack(panels, parts, first, pieces, last, work_);
    overRows(tile_.rows, [&](Value row, int64_t rows) {
      Values sums = sumsBefore(panels, parts, first, last, row, rows);
      sums = dot.unpackedPart(panels, parts, row, rows, first, pieces, last,
                              work_, sums);
      if (last)
        return finish(sums, panel, count, row);
      eachSum(panel, count, row, [&](size_t i, Value t, Value column,
                                     Value lanes) {
        e.storeRow(sums[i], out_, t, column, lanes);
      }, rows);
    });
  }

  /// What a part adds to: the beginning, or what waits in the result.
  Values sumsBefore(Values panels, const UnpackedParts &parts, Value first,
                    bool last, Value row, int64_t rows) {
    if (!parts.partsBeforeLast())
      return dot.unpackedStart(panels, parts, row, rows);
    Values old = loadSums(panels[0], panels.size(), row, rows);
    if (last)
      return old;
    Value begins = e.lessOrEqual(first, e.index(0));
    for (auto [i, start] :
         llvm::enumerate(dot.unpackedStart(panels, parts, row, rows)))
      old[i] = e.choose(begins, start, old[i]);
    return old;
  }

  /// Rows in tiles of `most`, the last ones by powers of two.
  void overRows(int64_t most,
                llvm::function_ref<void(Value row, int64_t count)> body) {
    Value done = e.mul(e.divFloor(c.count, most), most);
    e.each(e.index(0), done, most, [&](Value row) { body(row, most); });
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
  const RowsLayout &layout_;
  PanelDot dot;
  Tile tile_;
  int64_t rows_;
  Value bias_, residual_, work_, out_;
};

} // namespace

/// Unpacking pays where a byte takes more than a shift and a mask, or scales
/// more than a conversion. 512 rows, K = 2048, N = 8192 on Zen 5, share of the
/// peak with and without (2026-11-24): 6 bits of groups of 16 59 and 45 %, 4
/// bits of nested scales 63 and 60, of a codebook 68 and 63; but 4 bits of plain
/// groups of 128 78 and 82, 2 bits of groups of 256 86 and 91.
/// Codes to bf16 take more of all of these: always.
static bool unpacks(const PanelLayout &panel, const RowsLayout &layout) {
  if (layout.bits == 16)
    return true;
  const Scheme &scheme = panel.scheme();
  int64_t groupLevels = llvm::count_if(
      scheme.levels, [](const Level &level) { return level.group > 0; });
  return panel.planes().size() > 1 || scheme.kind == CodeKind::Codebook ||
         groupLevels > 1;
}

int64_t linearWork(const PanelLayout &panel, const RowsLayout &layout,
                   const TargetInfo &target) {
  if (panel.scheme().isFloat() || !usesDots(layout, target) ||
      !unpacks(panel, layout))
    return 0;
  Tile tile = chooseTile(panel, layout, target);
  // The last block may have fewer panels, of which longer parts fit.
  int64_t most = 0;
  for (int64_t panels = 1; panels <= tile.panels; ++panels)
    most = std::max(
        most, UnpackedParts(panel, layout, panels, target.panelCache).bytes());
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
