//===- KVAccess.h - Addresses in the key/value store ------------*- C++ -*-===//

#ifndef LOWBIT_LIB_CONVERSION_LMTOVECTOR_KVACCESS_H
#define LOWBIT_LIB_CONVERSION_LMTOVECTOR_KVACCESS_H

#include "dialects/Rt/IR/RtOps.h"
#include "lowbit/Conversion/Kernels.h"

namespace lowbit {

/// Rows of one sequence of the batch: see qrt_run.
struct Run {
  mlir::Value number, first, count, length, pages;
};

mlir::MemRefType pageTableMemRef(mlir::OpBuilder &b);

inline void overRuns(Emitter &e, mlir::Value frame,
                     llvm::function_ref<void(const Run &)> body) {
  mlir::Value runs =
      rt::TextSizeOp::create(e.b, e.loc, e.b.getIndexType(), frame, "n_runs");
  e.each(e.index(0), runs, 1, [&](mlir::Value i) {
    mlir::Type index = e.b.getIndexType();
    auto op = rt::RunOp::create(e.b, e.loc, index, index, index,
                                pageTableMemRef(e.b), frame, i);
    body({i, op.getFirst(), op.getCount(), op.getKvLength(), op.getPages()});
  });
}

/// Element at which page `page` of a run begins.
inline mlir::Value pageStart(Emitter &e, const KVLayout &kv, const Run &run,
                             mlir::Value page) {
  return e.mul(e.toIndex(e.load(run.pages, page)), kv.pageElements());
}

/// From a page's start to the keys or values of one head of one layer.
inline mlir::Value keyOffset(Emitter &e, const KVLayout &kv, mlir::Value layer,
                             mlir::Value head) {
  return e.add(e.mul(head, kv.keyElements()), e.mul(layer, kv.layerElements()));
}
inline mlir::Value valueOffset(Emitter &e, const KVLayout &kv,
                               mlir::Value layer, mlir::Value head) {
  return e.add(
      e.mul(head, kv.valueElements()),
      e.add(e.mul(layer, kv.layerElements()), kv.heads * kv.keyElements()));
}

/// Byte of the scale of a group at a position; `scales` begins a head's.
/// A group's scales of all positions lie side by side.
inline mlir::Value scaleOffset(Emitter &e, const KVLayout &kv,
                               mlir::Value scales, mlir::Value group,
                               mlir::Value position) {
  return e.add(e.add(scales, e.mul(group, kv.pageSize * kv.scaleBytes)),
               e.mul(position, kv.scaleBytes));
}

} // namespace lowbit

#endif // LOWBIT_LIB_CONVERSION_LMTOVECTOR_KVACCESS_H
