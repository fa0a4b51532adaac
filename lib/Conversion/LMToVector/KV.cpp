//===- KV.cpp - The key/value store in pages ------------------------------===//

#include "KVAccess.h"
#include "lib/Conversion/Narrow.h"
#include "lowbit/Conversion/Kernels.h"

using namespace mlir;

namespace lowbit {

KVLayout kvLayout(lm::KVType type) {
  return {type.getLayers(), type.getHeads(), type.getDim(),
          type.getElement().getIntOrFloatBitWidth() / 8, kPageSize};
}

MemRefType kvMemRef(lm::KVType type) {
  // Its extent is the host's business; 2^46 elements only give it a type.
  return MemRefType::get({int64_t(1) << 46}, type.getElement());
}

MemRefType pageTableMemRef(OpBuilder &b) {
  return MemRefType::get({int64_t(1) << 30}, b.getI32Type());
}

namespace {
/// Appends a head of a row at a position of a page.
class HeadAppender {
public:
  HeadAppender(Emitter &e, const KVLayout &kv, Value store)
      : e(e), kv(kv), store_(store),
        element_(cast<MemRefType>(store.getType()).getElementType()) {}

  /// Keys lie across the page, one element in every row of positions.
  void keys(Value x, Value row, Value column, Value page, Value slot) {
    Value first = e.add(page, slot);
    Value inverse = scale(x, row, column, e.add(page, kv.keyCodes()), slot);
    e.overVectors(kv.dim, [&](Value d, Value lanes) {
      Value kept = keep(e.loadRow(x, row, e.add(column, d), lanes), inverse);
      for (int64_t i = 0; i < (lanes ? kv.dim % 16 : 16); ++i)
        e.store(vector::ExtractOp::create(e.b, e.loc, kept, i), store_,
                e.add(first, e.mul(e.add(d, i), kv.pageSize)));
    });
  }

  void values(Value x, Value row, Value column, Value page, Value slot) {
    Value first = e.add(page, e.mul(slot, kv.paddedDim()));
    Value inverse = scale(x, row, column, e.add(page, kv.valueCodes()), slot);
    e.overVectors(kv.dim, [&](Value d, Value lanes) {
      // Lanes behind the head are zero: the padding of the store.
      Value kept = keep(e.loadRow(x, row, e.add(column, d), lanes), inverse);
      e.storeVec(kept, store_, e.add(first, d));
    });
  }

private:
  /// Stores the head's scale and gives its inverse; null without scales.
  Value scale(Value x, Value row, Value column, Value scales, Value slot) {
    if (!kv.hasScales())
      return Value();
    Value largest = e.overVectors(
        kv.dim, e.splatF(0), [&](Value d, Value lanes, Value carried) {
          Value real = e.loadRow(x, row, e.add(column, d), lanes);
          return e.maxF(math::AbsFOp::create(e.b, e.loc, real), carried);
        });
    auto [scale, inverse] = scaleOfCodes(e, e.maxLaneF(largest));
    Value bytes = vector::BitCastOp::create(
        e.b, e.loc, e.vec(4, e.b.getI8Type()), e.splat(scale, 1));
    e.storeVec(bytes, store_, e.add(scales, e.mul(slot, 4)));
    return e.splat(inverse);
  }

  /// 16 reals as the store has them.
  Value keep(Value reals, Value inverse) {
    if (!inverse)
      return narrow(e, reals, element_);
    return arith::TruncIOp::create(e.b, e.loc, e.vec(16, element_),
                                   codesOf(e, reals, inverse));
  }

  Emitter &e;
  const KVLayout &kv;
  Value store_;
  Type element_;
};
} // namespace

void emitKVAppend(Emitter &e, const KernelContext &c, const KVLayout &kv,
                  Value layer, Value keys, Value values, Value store) {
  HeadAppender append(e, kv, store);
  overRuns(e, c.frame, [&](const Run &run) {
    auto [lo, hi] =
        e.partition(e.mul(run.count, kv.heads), c.worker, c.workers);
    e.each(lo, hi, 1, [&](Value item) {
      Value head = e.rem(item, kv.heads), i = e.divFloor(item, kv.heads);
      Value row = e.add(run.first, i);
      Value position = e.add(run.length, i);
      Value page = pageStart(e, kv, run, e.divFloor(position, kv.pageSize));
      Value slot = e.rem(position, kv.pageSize);
      Value column = e.mul(head, kv.dim);
      append.keys(keys, row, column,
                  e.add(page, keyOffset(e, kv, layer, head)), slot);
      append.values(values, row, column,
                    e.add(page, valueOffset(e, kv, layer, head)), slot);
    });
  });
}

} // namespace lowbit
