//===- Embed.cpp - Rows out of panels -------------------------------------===//
//
// pack.embed on memrefs. A lane of a panel is a row of the table; 16 rows are
// decoded and one lane is kept: a few thousand instructions a token, beside the
// millions of its matrix products.
//
//===----------------------------------------------------------------------===//

#include "PanelDot.h"

#include "lowbit/Conversion/Kernels.h"

using namespace mlir;

namespace lowbit {

void emitEmbed(Emitter &e, const KernelContext &c, const PanelLayout &panel,
               float scale, Value tokens, Value table, Value permutation,
               Value embeddings, Value out) {
  RowsLayout unused{panel.columns(), 32, 0, 0};
  PanelDot walk(e, panel, unused, *c.target, table, Value());
  auto [lo, hi] = e.partition(c.count, c.worker, c.workers);
  e.each(lo, hi, 1, [&](Value row) {
    Value token = e.load(tokens, row);
    Value known = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::sge,
                                        token, e.constI(0));
    e.ifThen(known, [&] {
      Value id = e.toIndex(token);
      Value lane = e.rem(id, 16);
      walk.decode(e.divFloor(id, 16), [&](Value column, Value weights) {
        Value one = vector::ExtractOp::create(e.b, e.loc, weights,
                                              OpFoldResult(lane));
        if (scale != 1)
          one = e.mulF(one, e.constF(scale));
        Value to = column;
        if (permutation)
          to = e.toIndex(e.load(permutation, column));
        e.store(one, out, {row, to});
      });
    });
    if (!embeddings)
      return;
    Value given = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::slt,
                                        token, e.constI(0));
    e.ifThen(given, [&] {
      e.overVectors(panel.columns(), [&](Value k, Value lanes) {
        e.storeRow(e.loadRow(embeddings, row, k, lanes), out, row, k, lanes);
      });
    });
  });
}

} // namespace lowbit
