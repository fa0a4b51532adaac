//===- KV.cpp - The key/value store in pages ------------------------------===//

#include "lowbit/Conversion/Kernels.h"
#include "KVAccess.h"

using namespace mlir;

namespace lowbit {

KVLayout kvLayout(lm::KVType type) {
  return {type.getLayers(), type.getHeads(), type.getDim(),
          type.getElement().getWidth() / 8, kPageSize};
}

MemRefType kvMemRef(lm::KVType type) {
  // Its extent is the host's business; 2^46 elements only give it a type.
  return MemRefType::get({int64_t(1) << 46}, type.getElement());
}

MemRefType pageTableMemRef(OpBuilder &b) {
  return MemRefType::get({int64_t(1) << 30}, b.getI32Type());
}

void emitKVAppend(Emitter &e, const KernelContext &c, const KVLayout &kv,
                  Value layer, Value keys, Value values, Value store) {
  Type element = cast<MemRefType>(store.getType()).getElementType();
  auto narrow = [&](Value v) -> Value {
    if (element == e.f32())
      return v;
    Type type = element;
    if (auto vector = dyn_cast<VectorType>(v.getType()))
      type = vector.clone(element);
    return arith::TruncFOp::create(e.b, e.loc, type, v);
  };
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
      // Keys lie across the page, one element in every row of positions.
      Value key = e.add(e.add(page, keyOffset(e, kv, layer, head)), slot);
      e.each(e.index(0), e.index(kv.dim), 1, [&](Value d) {
        e.store(narrow(e.load(keys, {row, e.add(column, d)})), store,
                e.add(key, e.mul(d, kv.pageSize)));
      });
      Value value = e.add(e.add(page, valueOffset(e, kv, layer, head)),
                          e.mul(slot, kv.paddedDim()));
      e.overVectors(kv.dim, [&](Value d, Value lanes) {
        // Lanes behind the head are zero: the padding of the store.
        Value v = e.loadRow(values, row, e.add(column, d), lanes);
        e.storeVec(narrow(v), store, e.add(value, d));
      });
    });
  });
}

} // namespace lowbit
