//===- RtOps.cpp - Verifiers of the rt dialect ----------------------------===//

#include "dialects/Rt/IR/RtOps.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace lowbit::rt {

static LogicalResult expectField(Operation *op, StringRef field,
                                 ArrayRef<StringRef> known) {
  if (llvm::is_contained(known, field))
    return success();
  return op->emitOpError("field must be one of ")
         << llvm::join(known, ", ") << ", but got " << field;
}

LogicalResult TextOp::verify() {
  return expectField(*this, getField(),
                     {"tokens", "embeddings", "positions", "visible_end",
                      "out_rows", "out_first", "token_types", "logits",
                      "probes", "kv"}); // C1
}

LogicalResult TextSizeOp::verify() {
  return expectField(*this, getField(), {"rows", "n_runs", "n_out"}); // C1
}

} // namespace lowbit::rt

#define GET_OP_CLASSES
#include "dialects/Rt/IR/RtOps.cpp.inc"
