//===- Attention.cpp - Attention of rows over rows ------------------------===//
//
// lm.attention on memrefs: what encoders and vision towers compute once for an
// input, and layers that are calibrated. A key head at a time: a worker turns
// its keys so that a vector is 16 keys, then takes a few rows of a query head
// at once: scores, their softmax, the sum of values. A row's result does not
// depend on the rows that it shares a tile with, because its own order of
// operations is the same: rows that it sees in ascending order, by sixteens.
//
// With a row and a score at a time, a calibration of SmolLM2-135M with 24 x 512
// tokens took 49.6 s in place of 42.2 (Zen 5, 1 thread, 2026-11-24).
//
//===----------------------------------------------------------------------===//

#include "lowbit/Conversion/Kernels.h"

#include <algorithm>

using namespace mlir;

namespace lowbit {

namespace {

constexpr int64_t kLanes = Emitter::kLanes;
constexpr int64_t kMostVectors = 4; ///< of keys in a pass over a head
// A finite stand-in for minus infinity: differences stay numbers.
constexpr float kMasked = -1e30f;
constexpr double kLog2E = 1.4426950408889634;

int64_t roundUp(int64_t n, int64_t unit) {
  return (n + unit - 1) / unit * unit;
}

/// What a worker keeps, in f32: the keys of a head, turned; of each query the
/// scores, or probabilities, of all rows.
struct Work {
  int64_t dim, rows, queries;
  /// A pass may go beyond the last rows.
  int64_t stride() const { return roundUp(rows, kMostVectors * kLanes); }
  int64_t scores() const { return roundUp(dim, kLanes) * stride(); }
  int64_t size() const { return scores() + queries * stride(); }
};

class RowAttention {
public:
  RowAttention(Emitter &e, const KernelContext &c, int64_t headDim, float scale,
               bool masked, std::optional<int64_t> window, Value q, Value k,
               Value v, Value memory, Value out)
      : e(e), c(c), factor_(static_cast<float>(scale * kLog2E)),
        masked_(masked), window_(window), q_(q), k_(k), v_(v), memory_(memory),
        out_(out), work_{headDim, cast<MemRefType>(k.getType()).getDimSize(0),
                         c.target->attentionQueries} {}

  /// All items of this worker: tiles of rows of each head, key heads outermost.
  void emit() {
    int64_t keyHeads = headsOf(k_), sharing = headsOf(q_) / keyHeads;
    Value perKey = e.mul(e.ceilDiv(c.count, work_.queries), sharing);
    auto [lo, hi] = e.partition(e.mul(perKey, keyHeads), c.worker, c.workers);
    Value first = lo, last = hi; // lambdas of C++17 do not capture bindings
    e.each(e.index(0), e.index(keyHeads), 1, [&](Value keyHead) {
      Value base = e.mul(keyHead, perKey);
      Value begin = most(e.sub(first, base), e.index(0));
      Value end = e.minIndex(e.sub(last, base), perKey);
      e.ifThen(e.less(begin, end), [&] {
        keyColumn_ = e.mul(keyHead, work_.dim);
        turnKeys();
        e.each(begin, end, 1, [&](Value item) {
          Value head = e.add(e.mul(keyHead, sharing), e.rem(item, sharing));
          tiles(head, e.mul(e.divFloor(item, sharing), work_.queries));
        });
      });
    });
  }

private:
  using Values = Emitter::Values;

  int64_t headsOf(Value matrix) const {
    return cast<MemRefType>(matrix.getType()).getDimSize(1) / work_.dim;
  }
  Value most(Value a, Value b) {
    return arith::MaxSIOp::create(e.b, e.loc, a, b);
  }

  //===- Keys -------------------------------------------------------------===//

  Value keyAt(Value d, Value row) {
    return e.add(e.mul(d, work_.stride()), row);
  }

  /// Element d of row p of the key head to memory at keyAt(d, p).
  void turnKeys() {
    e.each(e.index(0), c.count, kLanes, [&](Value p) {
      e.overVectors(work_.dim, [&](Value d, Value lanes) {
        Values block;
        for (int64_t i = 0; i < kLanes; ++i) {
          Value row = e.minIndex(e.add(p, i), e.add(c.count, -1));
          block.push_back(e.loadRow(k_, row, e.add(keyColumn_, d), lanes));
        }
        block = transposed(block);
        for (int64_t i = 0; i < kLanes; ++i)
          e.storeVec(block[i], memory_, keyAt(e.add(d, i), p));
      });
    });
  }

  /// Sixteen vectors of sixteen: four rounds of interleaving the halves.
  Values transposed(Values block) {
    SmallVector<int64_t> low, high;
    for (int64_t i = 0; i < kLanes / 2; ++i) {
      low.append({i, i + kLanes});
      high.append({i + kLanes / 2, i + kLanes / 2 + kLanes});
    }
    for (int64_t n = 1; n < kLanes; n *= 2) {
      Values next;
      for (int64_t i = 0; i < kLanes / 2; ++i)
        for (ArrayRef<int64_t> order : {low, high})
          next.push_back(vector::ShuffleOp::create(
              e.b, e.loc, block[i], block[i + kLanes / 2], order));
      block = next;
    }
    return block;
  }

  //===- Rows -------------------------------------------------------------===//

  void tiles(Value head, Value first) {
    Value whole = e.lessOrEqual(e.add(first, work_.queries), c.count);
    e.ifThen(whole, [&] { tile(head, first, work_.queries); });
    e.ifThen(e.isNot(whole), [&] {
      e.each(first, c.count, 1, [&](Value row) { tile(head, row, 1); });
    });
  }

  Value beginOf(Value row) {
    if (!window_)
      return e.index(0);
    return most(e.sub(endOf(row), e.index(*window_)), e.index(0));
  }
  Value endOf(Value row) { return masked_ ? e.add(row, 1) : c.count; }

  void tile(Value head, Value first, int64_t rows) {
    column_ = e.mul(head, work_.dim);
    first_ = first;
    rows_ = rows;
    begin_ = e.mul(e.divFloor(beginOf(first), kLanes), kLanes);
    end_ = endOf(e.add(first, rows - 1));
    int64_t vectors = kMostVectors;
    while (vectors > 1 && vectors * rows > c.target->accumulators)
      vectors /= 2;
    e.each(begin_, end_, vectors * kLanes,
           [&](Value p) { scores(p, vectors); });
    Values factors;
    for (int64_t i = 0; i < rows; ++i)
      factors.push_back(softmax(i));
    values(factors);
  }

  Value scoreAt(int64_t i, Value row) {
    return e.add(row, work_.scores() + i * work_.stride());
  }

  /// q k of the tile's rows and `vectors` sixteens of rows from p, to memory.
  void scores(Value p, int64_t vectors) {
    Values sums(rows_ * vectors, e.splatF(0));
    sums = e.loop(e.index(0), e.index(work_.dim), 1, sums,
                  [&](Value d, ValueRange carried) {
                    Values next = llvm::to_vector(carried), keys;
                    for (int64_t j = 0; j < vectors; ++j)
                      keys.push_back(e.loadVec(e.vecF(), memory_,
                                               keyAt(d, e.add(p, j * kLanes))));
                    for (int64_t i = 0; i < rows_; ++i) {
                      Value query = e.splat(
                          e.load(q_, {e.add(first_, i), e.add(column_, d)}));
                      for (int64_t j = 0; j < vectors; ++j)
                        next[i * vectors + j] =
                            e.fma(keys[j], query, next[i * vectors + j]);
                    }
                    return next;
                  });
    for (int64_t i = 0; i < rows_; ++i)
      for (int64_t j = 0; j < vectors; ++j)
        e.storeVec(sums[i * vectors + j], memory_,
                   scoreAt(i, e.add(p, j * kLanes)));
  }

  /// Lanes of the 16 rows from p that row i of the tile sees.
  Value visible(int64_t i, Value p) {
    auto type = e.vec(kLanes, e.b.getI1Type());
    auto below = [&](Value end) -> Value {
      return vector::CreateMaskOp::create(e.b, e.loc, type,
                                          ValueRange{e.sub(end, p)});
    };
    Value row = e.add(first_, i), seen = below(endOf(row));
    if (!window_)
      return seen;
    Value all = arith::ConstantOp::create(e.b, e.loc,
                                          DenseElementsAttr::get(type, true));
    return arith::AndIOp::create(
        e.b, e.loc, seen,
        arith::XOrIOp::create(e.b, e.loc, below(beginOf(row)), all));
  }

  /// Row i's scores to probabilities, 0 where it sees nothing; returns what
  /// they are to be multiplied with. Exponentials have base 2; its logarithm
  /// is part of the scores' factor.
  Value softmax(int64_t i) {
    auto score = [&](Value p) {
      Value s = e.loadVec(e.vecF(), memory_, scoreAt(i, p));
      return e.choose(visible(i, p), e.mulF(s, e.splatF(factor_)),
                      e.splatF(kMasked));
    };
    Value largest = e.loop(begin_, end_, kLanes, e.splatF(kMasked),
                           [&](Value p, ValueRange carried) {
                             return Values{e.maxF(score(p), carried[0])};
                           })[0];
    Value top = e.splat(e.maxLaneF(largest));
    Value sums = e.loop(begin_, end_, kLanes, e.splatF(0),
                        [&](Value p, ValueRange carried) {
                          Value power = e.exp2(e.subF(score(p), top));
                          power = e.choose(visible(i, p), power, e.splatF(0));
                          e.storeVec(power, memory_, scoreAt(i, p));
                          return Values{e.addF(carried[0], power)};
                        })[0];
    return e.splat(e.divF(e.constF(1), e.sumF(sums)));
  }

  /// factors * sum of probability times value, a few vectors of the head at
  /// once.
  void values(ArrayRef<Value> factors) {
    int64_t whole = work_.dim / kLanes;
    int64_t step = std::clamp<int64_t>(c.target->accumulators / rows_, 1,
                                       std::max<int64_t>(whole, 1));
    int64_t steps = whole / step * step;
    if (steps)
      e.each(e.index(0), e.index(steps * kLanes), step * kLanes,
             [&](Value d) { columns(factors, d, step, Value()); });
    if (steps < whole)
      columns(factors, e.index(steps * kLanes), whole - steps, Value());
    if (int64_t rest = work_.dim % kLanes)
      columns(factors, e.index(whole * kLanes), 1, e.index(rest));
  }

  /// `vectors` sixteens of columns from d; of the last one `lanes`.
  void columns(ArrayRef<Value> factors, Value d, int64_t vectors, Value lanes) {
    Values sums(rows_ * vectors, e.splatF(0));
    sums = e.loop(begin_, end_, 1, sums, [&](Value p, ValueRange carried) {
      Values next = llvm::to_vector(carried), row;
      for (int64_t j = 0; j < vectors; ++j)
        row.push_back(
            e.loadRow(v_, p, e.add(e.add(keyColumn_, d), j * kLanes), lanes));
      for (int64_t i = 0; i < rows_; ++i) {
        Value weight = e.splat(e.load(memory_, scoreAt(i, p)));
        for (int64_t j = 0; j < vectors; ++j)
          next[i * vectors + j] = e.fma(weight, row[j], next[i * vectors + j]);
      }
      return next;
    });
    for (int64_t i = 0; i < rows_; ++i)
      for (int64_t j = 0; j < vectors; ++j)
        e.storeRow(e.mulF(sums[i * vectors + j], factors[i]), out_,
                   e.add(first_, i), e.add(e.add(column_, d), j * kLanes),
                   lanes);
  }

  Emitter &e;
  const KernelContext &c;
  float factor_; ///< of scores, log2(e) included
  bool masked_;
  std::optional<int64_t> window_;
  Value q_, k_, v_, memory_, out_;
  Work work_;
  Value keyColumn_, column_, first_, begin_, end_; ///< of a tile
  int64_t rows_ = 1;
};

} // namespace

int64_t attentionWork(int64_t headDim, int64_t rows, const TargetInfo &target) {
  return Work{headDim, rows, target.attentionQueries}.size();
}

void emitAttention(Emitter &e, const KernelContext &c, int64_t headDim,
                   float scale, bool masked, std::optional<int64_t> window,
                   Value q, Value k, Value v, Value work, Value out) {
  RowAttention(e, c, headDim, scale, masked, window, q, k, v, work, out).emit();
}

} // namespace lowbit
