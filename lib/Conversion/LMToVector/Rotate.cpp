//===- Rotate.cpp - Walsh-Hadamard transforms of rows ---------------------===//
//
// lm.rotate along columns, on memrefs. The stages of up to 16 elements happen
// in a register, the others between the vectors of the row written so far.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Conversion/Kernels.h"

#include <cmath>

using namespace mlir;

namespace lowbit {

namespace {

class RowRotation {
public:
  RowRotation(Emitter &e, int64_t block, Value x, Value out)
      : e(e), block_(block), x_(x), out_(out),
        columns_(cast<MemRefType>(x.getType()).getShape().back()) {}

  void emit(Value row) {
    Value scale = e.splatF(1 / std::sqrt(static_cast<float>(block_)));
    e.overVectors(columns_, [&](Value k, Value lanes) {
      Value v = e.mulF(e.loadRow(x_, row, k, lanes), scale);
      for (int64_t half = 1; half < std::min(block_, Emitter::kLanes);
           half *= 2)
        v = withinVector(v, half);
      e.storeRow(v, out_, row, k, lanes);
    });
    for (int64_t half = Emitter::kLanes; half < block_; half *= 2)
      betweenVectors(row, half);
  }

private:
  /// Lane i becomes v[i] + v[i + half], or v[i - half] - v[i].
  Value withinVector(Value v, int64_t half) {
    llvm::SmallVector<int64_t> partner;
    llvm::SmallVector<float> signs;
    for (int64_t lane = 0; lane < Emitter::kLanes; ++lane) {
      partner.push_back(lane ^ half);
      signs.push_back(lane & half ? -1 : 1);
    }
    Value other = vector::ShuffleOp::create(e.b, e.loc, v, v, partner);
    Value sign = arith::ConstantOp::create(
        e.b, e.loc,
        DenseElementsAttr::get(cast<VectorType>(e.vecF()),
                               llvm::ArrayRef<float>(signs)));
    return e.fma(v, sign, other);
  }

  void betweenVectors(Value row, int64_t half) {
    e.each(e.index(0), e.index(columns_), 2 * half, [&](Value first) {
      e.each(e.index(0), e.index(half), Emitter::kLanes, [&](Value i) {
        Value low = e.add(first, i), high = e.add(low, half);
        Value a = e.loadRow(out_, row, low, Value());
        Value b = e.loadRow(out_, row, high, Value());
        e.storeRow(e.addF(a, b), out_, row, low, Value());
        e.storeRow(e.subF(a, b), out_, row, high, Value());
      });
    });
  }

  Emitter &e;
  int64_t block_;
  Value x_, out_;
  int64_t columns_;
};

} // namespace

void emitRotate(Emitter &e, const KernelContext &c, int64_t block, Value x,
                Value out) {
  RowRotation rotation(e, block, x, out);
  auto [lo, hi] = e.partition(c.count, c.worker, c.workers);
  e.each(lo, hi, 1, [&](Value row) { rotation.emit(row); });
}

} // namespace lowbit
