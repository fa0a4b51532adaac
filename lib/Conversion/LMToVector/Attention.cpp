//===- Attention.cpp - Attention of rows over rows ------------------------===//
//
// lm.attention on memrefs: what encoders and vision towers compute once for an
// input. Work items are (row, head); a worker keeps the probabilities of one
// item. Scores first, then their softmax, then the sum of values: three walks
// over the rows that a row sees.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Conversion/Kernels.h"

#include <limits>

using namespace mlir;

namespace lowbit {

namespace {

class RowAttention {
public:
  RowAttention(Emitter &e, int64_t headDim, float scale, Value q, Value k,
               Value v, Value work, Value out)
      : e(e), dim_(headDim), scale_(scale), q_(q), k_(k), v_(v), work_(work),
        out_(out) {}

  /// Head `head` of row `row` over the rows [begin, end), one at least.
  void emit(Value row, Value head, Value keyHead, Value begin, Value end) {
    row_ = row;
    begin_ = begin;
    column_ = e.mul(head, dim_);
    keyColumn_ = e.mul(keyHead, dim_);
    Value largest = scores(end);
    Value sum = softmax(end, largest);
    values(end, e.splat(e.divF(e.constF(1), sum)));
  }

private:
  /// scale * q k to memory; returns the largest.
  Value scores(Value end) {
    Value lowest = e.constF(-std::numeric_limits<float>::infinity());
    return e.loop(begin_, end, 1, lowest, [&](Value p, ValueRange most) {
      Value products = e.overVectors(
          dim_, e.splatF(0), [&](Value d, Value lanes, Value sum) {
            Value a = e.loadRow(q_, row_, e.add(column_, d), lanes);
            Value b = e.loadRow(k_, p, e.add(keyColumn_, d), lanes);
            return e.fma(a, b, sum);
          });
      Value score = e.mulF(e.sumF(products), e.constF(scale_));
      e.store(score, work_, p);
      return Emitter::Values{e.maxF(score, most[0])};
    })[0];
  }

  /// exp(score - largest) in place; returns their sum.
  Value softmax(Value end, Value largest) {
    Value top = e.splat(largest);
    Value sums =
        e.loop(begin_, end, 16, e.splatF(0), [&](Value p, ValueRange carried) {
          Value lanes = e.sub(end, p);
          Value mask = vector::CreateMaskOp::create(
              e.b, e.loc, e.vec(16, e.b.getI1Type()), ValueRange{lanes});
          Value score = e.loadMasked(e.vecF(), work_, p, lanes);
          Value power = math::ExpOp::create(e.b, e.loc, e.subF(score, top));
          power = arith::SelectOp::create(e.b, e.loc, mask, power, e.splatF(0));
          e.storeVec(power, work_, p);
          return Emitter::Values{e.addF(carried[0], power)};
        })[0];
    return e.sumF(sums);
  }

  /// factor * sum of probability times value, 16 elements of the head at once.
  void values(Value end, Value factor) {
    e.overVectors(dim_, [&](Value d, Value lanes) {
      Value sum =
          e.loop(begin_, end, 1, e.splatF(0), [&](Value p, ValueRange carried) {
            Value value = e.loadRow(v_, p, e.add(keyColumn_, d), lanes);
            Value weight = e.splat(e.load(work_, p));
            return Emitter::Values{e.fma(weight, value, carried[0])};
          })[0];
      e.storeRow(e.mulF(sum, factor), out_, row_, e.add(column_, d), lanes);
    });
  }

  Emitter &e;
  int64_t dim_;
  float scale_;
  Value q_, k_, v_, work_, out_;
  Value row_, begin_, column_, keyColumn_;
};

} // namespace

// Vectors begin anywhere in a window.
int64_t attentionWork(int64_t rows) { return rows + 15; }

void emitAttention(Emitter &e, const KernelContext &c, int64_t headDim,
                   float scale, bool masked, std::optional<int64_t> window,
                   Value q, Value k, Value v, Value work, Value out) {
  auto heads = [&](Value matrix) {
    return cast<MemRefType>(matrix.getType()).getDimSize(1) / headDim;
  };
  RowAttention attention(e, headDim, scale, q, k, v, work, out);
  auto [lo, hi] = e.partition(e.mul(c.count, heads(q)), c.worker, c.workers);
  e.each(lo, hi, 1, [&](Value item) {
    Value row = e.divFloor(item, heads(q)), head = e.rem(item, heads(q));
    Value keyHead = e.divFloor(head, heads(q) / heads(k));
    Value end = masked ? e.add(row, 1) : c.count;
    Value begin = e.index(0);
    if (window)
      begin = arith::MaxSIOp::create(e.b, e.loc, begin,
                                     e.sub(end, e.index(*window)));
    attention.emit(row, head, keyHead, begin, end);
  });
}

} // namespace lowbit
