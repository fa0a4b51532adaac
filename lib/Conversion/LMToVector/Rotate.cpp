//===- Rotate.cpp - Hadamard transforms of rows ---------------------------===//
//
// lm.rotate along columns, on memrefs. A block of m 2^k elements is mixed by
// the matrix of order m first, in vectors of the m parts; then the stages of up
// to 16 elements happen in a register, the others between the vectors of the
// row written so far.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Conversion/Kernels.h"
#include "lowbit/Support/HadamardMatrix.h"

#include <cmath>

using namespace mlir;

namespace lowbit {

namespace {

class RowRotation {
public:
  RowRotation(Emitter &e, int64_t block, Value x, Value out)
      : e(e), base_(hadamardBase(block)), power_(block / base_), x_(x),
        out_(out), columns_(cast<MemRefType>(x.getType()).getShape().back()) {}

  void emit(Value row) {
    Value scale = e.splatF(1 / std::sqrt(static_cast<float>(base_ * power_)));
    if (base_ > 1)
      e.each(e.index(0), e.index(columns_), base_ * power_, [&](Value first) {
        e.each(first, e.add(first, power_), Emitter::kLanes,
               [&](Value k) { mixParts(row, k); });
      });
    Value from = base_ > 1 ? out_ : x_;
    e.overVectors(columns_, [&](Value k, Value lanes) {
      Value v = e.mulF(e.loadRow(from, row, k, lanes), scale);
      for (int64_t half = 1; half < std::min(power_, Emitter::kLanes);
           half *= 2)
        v = withinVector(v, half);
      e.storeRow(v, out_, row, k, lanes);
    });
    for (int64_t half = Emitter::kLanes; half < power_; half *= 2)
      betweenVectors(row, half);
  }

private:
  /// Sums and differences of the 16 elements from k of each of the m parts, a
  /// few at a time. For 576 = 36 * 16 these are 1296 additions of vectors, a
  /// sixteenth of what a matrix of 576 x 576 takes.
  void mixParts(Value row, Value k) {
    std::vector<int8_t> signs = hadamardMatrix(base_);
    auto part = [&](int64_t i) { return e.add(k, i * power_); };
    for (int64_t first = 0; first < base_; first += kSums) {
      Emitter::Values sums(std::min(kSums, base_ - first), e.splatF(0));
      for (int64_t i = 0; i < base_; ++i) {
        Value v = e.loadRow(x_, row, part(i), Value());
        for (auto [j, sum] : llvm::enumerate(sums))
          sum = signs[size_t(i * base_ + first + int64_t(j))] > 0
                    ? e.addF(sum, v)
                    : e.subF(sum, v);
      }
      for (auto [j, sum] : llvm::enumerate(sums))
        e.storeRow(sum, out_, row, part(first + int64_t(j)), Value());
    }
  }

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
  static constexpr int64_t kSums = 12; ///< registers that take sums
  int64_t base_, power_;               ///< m and 2^k
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
