//===- Linear.cpp - Rows times panels -------------------------------------===//
//
// pack.linear on memrefs: a worker takes a range of panels.
//
// One row (decoding): panel by panel, each read once, prefetched as one stream.
// Up to fewRows: the same, with as many rows at a time as registers allow; the
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

/// Tiles that pass over all rows together. Those of pack.tile_dot have their
/// products behind them, in the only row of memory.
int64_t tilesOfBlock(const PanelLayout &panel, const RowsLayout &layout,
                     const LinearPlan &plan) {
  if (plan.blockRows)
    return 1;
  int64_t bytes = plan.unpacks
                      ? UnpackedParts(panel, layout, plan.tilePanels,
                                      plan.unpackedBytes, 0)
                            .bytes()
                      : plan.tilePanels * panel.panelBytes();
  return std::max<int64_t>(1, plan.blockBytes / bytes);
}

/// Groups of bf16 up to so many elements overlap in the processor.
constexpr int64_t kShortChain = 64;

class LinearEmitter {
  using Values = Emitter::Values;

public:
  LinearEmitter(Emitter &e, const KernelContext &c, const PanelLayout &panel,
                const RowsLayout &layout, const LinearPlan &plan, int64_t rows,
                Value activations, Value weights, Value bias, Value residual,
                Value work, Value out)
      : e(e), c(c), panel_(panel), layout_(layout),
        dot(e, panel, layout, *c.target, weights, activations),
        plan_(plan), rows_(rows), bias_(bias),
        residual_(residual), work_(work), out_(out) {}

  void emit() {
    if (c.oneRow)
      return decode();
    Value few = e.lessOrEqual(c.count, e.index(plan_.fewRows));
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

  /// Bytes from a panel to that of the next pass over `panels`.
  int64_t ofNext(int64_t panels) const { return panels * panel_.panelBytes(); }

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
      int64_t ahead = count == 1 ? plan_.decodeAhead : ofNext(count);
      e.each(e.index(0), c.count, 1,
             [&](Value row) { tile(panel, count, row, 1, ahead); });
    });
  }

  void fewRows() {
    Value once = e.lessOrEqual(c.count, e.index(plan_.onceRows));
    e.ifThen(once, [&] { fewRows(plan_.onceRows); });
    e.ifThen(e.isNot(once), [&] { fewRows(plan_.streamRows); });
  }

  void fewRows(int64_t most) {
    auto [lo, hi] = e.partition(e.index(panels()), c.worker, c.workers);
    overPanels(lo, hi, panelsBeside(1), [&](Value first, int64_t panels) {
      overRows(e.index(0), most, [&](Value row, int64_t count) {
        int64_t step = std::min(panels, panelsBeside(count));
        e.each(first, e.add(first, panels), step, [&](Value panel) {
          tile(panel, step, row, count, ofNext(panels));
        });
      });
    });
  }

  void manyRows() {
    int64_t whole = panels() / plan_.tilePanels,
            rest = panels() % plan_.tilePanels;
    auto [lo, hi] =
        e.partition(e.index(whole + (rest > 0)), c.worker, c.workers);
    if (whole)
      overTiles(lo, e.minIndex(hi, e.index(whole)), plan_.tilePanels);
    if (!rest)
      return;
    Value mine = e.both(e.lessOrEqual(lo, e.index(whole)),
                        e.less(e.index(whole), hi));
    e.ifThen(mine, [&] {
      block({e.index(1), e.index(whole * plan_.tilePanels), rest});
    });
  }

  /// Tiles side by side, of `panels` panels each, from `panel` on.
  struct Block {
    Value tiles, panel;
    int64_t panels;
  };

  /// As many tiles as stay in the second-level cache pass over all rows
  /// together: rows are read, and results written, less often and in longer
  /// pieces.
  void overTiles(Value lo, Value hi, int64_t panels) {
    int64_t tiles = tilesOfBlock(panel_, layout_, plan_);
    e.each(lo, hi, tiles, [&](Value first) {
      Value last = e.minIndex(e.add(first, tiles), hi);
      block({e.sub(last, first), e.mul(first, panels), panels});
    });
  }

  void overBlock(const Block &of,
                 llvm::function_ref<void(Value slot, Value panel)> body) {
    e.each(e.index(0), of.tiles, 1, [&](Value slot) {
      body(slot, e.add(of.panel, e.mul(slot, of.panels)));
    });
  }

  /// All rows times a block.
  void block(const Block &of) {
    if (work_)
      return unpackedBlock(of);
    overRows(e.index(0), plan_.tileRows, [&](Value row, int64_t rows) {
      overBlock(of, [&](Value, Value panel) {
        tile(panel, of.panels, row, rows, 0);
      });
    });
  }

  void unpackedBlock(const Block &of) {
    UnpackedParts parts(panel_, layout_, of.panels, plan_.unpackedBytes,
                        plan_.blockRows);
    int64_t before = parts.partsBeforeLast();
    if (before)
      e.each(e.index(0), e.index(before), 1, [&](Value part) {
        onePart(of, {of.panel, of.panels, parts, e.mul(part, parts.perPart),
                     parts.perPart, /*tail=*/false, work_, {}});
      });
    onePart(of, {of.panel, of.panels, parts, e.index(before * parts.perPart),
                 parts.pieces - before * parts.perPart, /*tail=*/true, work_,
                 {}});
  }

  /// A part of every tile of a block.
  void overParts(const Block &of, UnpackedPart part,
                 llvm::function_ref<void(const UnpackedPart &)> body) {
    overBlock(of, [&](Value slot, Value panel) {
      part.slot = slot;
      part.panel = panel;
      body(part);
    });
  }

  void onePart(const Block &of, const UnpackedPart &part) {
    overParts(of, part, [&](const UnpackedPart &of) { dot.unpack(of); });
    Value done = e.index(0);
    if (int64_t most = plan_.blockRows) {
      done = e.mul(e.divFloor(c.count, most), most);
      e.each(e.index(0), done, most, [&](Value row) {
        overParts(of, part,
                  [&](const UnpackedPart &of) { tiledRows(of, row); });
      });
    }
    overRows(done, plan_.tileRows, [&](Value row, int64_t rows) {
      overParts(of, part, [&](const UnpackedPart &of) {
        addPart(of, row, rows, /*tiled=*/{});
      });
    });
  }

  /// A block of rows by pack.tile_dot.
  void tiledRows(const UnpackedPart &part, Value row) {
    dot.tileProducts(part, row);
    int64_t few = llvm::bit_floor(uint64_t(plan_.tileRows));
    e.each(e.index(0), e.index(plan_.blockRows), few, [&](Value i) {
      addPart(part, e.add(row, i), few, i);
    });
  }

  /// To the sums of a few rows.
  void addPart(const UnpackedPart &part, Value row, int64_t rows,
               Value tiled) {
    Values sums = dot.addPart(part, row, rows, sumsBefore(part, row, rows),
                              tiled);
    if (part.tail)
      return finish(sums, part.panel, part.panels, row);
    eachSum(part.panel, part.panels, row,
            [&](size_t i, Value t, Value column, Value lanes) {
              e.storeRow(sums[i], out_, t, column, lanes);
            },
            rows);
  }

  /// What a part adds to: the beginning, or what waits in the result.
  Values sumsBefore(const UnpackedPart &part, Value row, int64_t rows) {
    if (!part.parts.partsBeforeLast())
      return dot.unpackedStart(part, row, rows);
    Values old = loadSums(part.panel, part.panels, row, rows);
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

  void tile(Value panel, int64_t panels, Value row, int64_t rows,
            int64_t prefetch) {
    Values sums = dot.emit(panel, panels, row, rows, prefetch);
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
  const LinearPlan &plan_;
  int64_t rows_;
  Value bias_, residual_, work_, out_;
};

} // namespace

std::pair<int64_t, int64_t> linearWork(const PanelLayout &panel,
                                       const RowsLayout &layout,
                                       const LinearPlan &plan) {
  if (!plan.unpacks)
    return {0, 0};
  // The last block may have fewer panels, of which longer parts fit.
  int64_t most = 0;
  for (int64_t panels = 1; panels <= plan.tilePanels; ++panels)
    most = std::max(
        most, UnpackedParts(panel, layout, panels, plan.unpackedBytes,
                            plan.blockRows)
                  .bytes());
  return {tilesOfBlock(panel, layout, plan), most};
}

void emitLinear(Emitter &e, const KernelContext &c, const PanelLayout &panel,
                const RowsLayout &layout, const LinearPlan &plan, int64_t rows,
                Value activations, Value weights, Value bias, Value residual,
                Value work, Value out) {
  LinearEmitter(e, c, panel, layout, plan, rows, activations, weights, bias,
                residual, work, out)
      .emit();
}

} // namespace lowbit
