//===- Linear.cpp - Rows times panels -------------------------------------===//
//
// pack.linear on memrefs: a worker takes a range of panels; for each panel, tiles
// of rows. The panel stays in the first-level cache while the rows pass.
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

class LinearEmitter {
public:
  LinearEmitter(Emitter &e, const KernelContext &c, const PanelLayout &panel,
                const RowsLayout &layout, int64_t rows, Value activations,
                Value weights, Value bias, Value residual, Value out)
      : e(e), c(c), dot(e, panel, layout, *c.target, weights, activations),
        rows_(rows), bias_(bias), residual_(residual), out_(out) {}

  void emit() {
    int64_t panels = (rows_ + 15) / 16;
    auto [lo, hi] = e.partition(e.index(panels), c.worker, c.workers);
    e.each(lo, hi, 1, [&](Value panel) {
      if (c.oneRow) {
        e.each(e.index(0), c.count, 1,
               [&](Value row) { tile(panel, row, 1, kPrefetch); });
        return;
      }
      int64_t most = c.target->tileRows;
      Value full = e.mul(e.divFloor(c.count, most), most);
      e.each(e.index(0), full, most,
             [&](Value row) { tile(panel, row, most, 0); });
      rest(panel, full, most);
    });
  }

private:
  /// The last rows, fewer than `most`, by powers of two.
  void rest(Value panel, Value done, int64_t most) {
    int64_t size = 1;
    while (size * 2 < most)
      size *= 2;
    Value left = e.sub(c.count, done);
    for (; size >= 1; size /= 2) {
      Value here = done;
      Value bit = e.mul(e.rem(e.divFloor(left, size), 2), size);
      Value wanted = arith::CmpIOp::create(
          e.b, e.loc, arith::CmpIPredicate::ne, bit, e.index(0));
      e.ifThen(wanted, [&] { tile(panel, here, size, 0); });
      done = e.add(done, bit);
    }
  }

  void tile(Value panel, Value row, int64_t count, int64_t prefetch) {
    Emitter::Values sums = dot.emit(panel, row, count, prefetch);
    Value column = e.mul(panel, 16);
    int64_t last = rows_ / 16;
    if (rows_ % 16 == 0)
      return finish(sums, row, column, Value());
    if (last == 0)
      return finish(sums, row, column, e.index(rows_));
    // Lanes past the last row of the weight are masked; the mask is all ones in
    // the other panels.
    Value lanes = e.minIndex(e.sub(e.index(rows_), column), e.index(16));
    finish(sums, row, column, lanes);
  }

  void finish(Emitter::Values sums, Value row, Value column, Value lanes) {
    Value bias;
    if (bias_)
      bias = lanes ? e.loadMasked(e.vecF(), bias_, column, lanes)
                   : e.loadVec(e.vecF(), bias_, column);
    for (auto [m, sum] : llvm::enumerate(sums)) {
      Value t = e.add(row, m);
      Value result = sum;
      if (bias)
        result = e.addF(result, bias);
      if (residual_)
        result = e.addF(result, e.loadRow(residual_, t, column, lanes));
      e.storeRow(result, out_, t, column, lanes);
    }
  }

  Emitter &e;
  const KernelContext &c;
  PanelDot dot;
  int64_t rows_;
  Value bias_, residual_, out_;
};

} // namespace

void emitLinear(Emitter &e, const KernelContext &c, const PanelLayout &panel,
                const RowsLayout &layout, int64_t rows, Value activations,
                Value weights, Value bias, Value residual, Value out) {
  LinearEmitter(e, c, panel, layout, rows, activations, weights, bias, residual,
                out)
      .emit();
}

} // namespace lowbit
