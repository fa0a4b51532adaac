//===- CachedAttention.cpp - Attention over the pages of the store --------===//
//
// lm.cached_attention on memrefs, one pass with an online softmax: for each
// page, scores of 64 positions, the new maximum, the sum so far rescaled, and
// the page's values added. A tile of query rows shares the loads of keys and
// values. Work items are (tile, head); a row's result does not depend on which
// tile or worker it falls to, because each row's own order of operations is the
// same: pages ascending, positions ascending.
//
//===----------------------------------------------------------------------===//

#include "KVAccess.h"

#include <limits>

using namespace mlir;

namespace lowbit {

namespace {

constexpr int64_t kBlocks = kPageSize / Emitter::kLanes; // vectors of scores
// A finite stand-in for minus infinity: differences stay numbers.
constexpr float kMasked = -1e30f;

class AttentionTile {
public:
  AttentionTile(Emitter &e, const KernelContext &c, const KVLayout &kv,
                Value layer, float scale, std::optional<int64_t> window,
                Value q, Value store, Value visibleEnd, Value work, Value out)
      : e(e), c(c), kv(kv), scale_(scale), window_(window),
        layer_(layer), q_(q), store_(store), visibleEnd_(visibleEnd), work_(work), out_(out) {
    dim_ = kv.dim;
    queryHeads_ = cast<MemRefType>(q.getType()).getDimSize(1) / dim_;
    element_ = cast<MemRefType>(store.getType()).getElementType();
  }

  /// All items of this worker.
  void emit() {
    overRuns(e, c.frame, [&](const Run &run) {
      int64_t most = c.oneRow ? 1 : c.target->attentionRows;
      Value tiles = e.ceilDiv(run.count, most);
      auto [lo, hi] =
          e.partition(e.mul(tiles, queryHeads_), c.worker, c.workers);
      e.each(lo, hi, 1, [&](Value item) {
        Value tile = e.divFloor(item, queryHeads_);
        Value head = e.rem(item, queryHeads_);
        Value first = e.mul(tile, most);
        if (most == 1)
          return rows(run, head, first, 1);
        Value whole = arith::CmpIOp::create(
            e.b, e.loc, arith::CmpIPredicate::sle, e.add(first, most),
            run.count);
        e.ifThen(whole, [&] { rows(run, head, first, most); });
        Value partial = arith::CmpIOp::create(
            e.b, e.loc, arith::CmpIPredicate::sgt, e.add(first, most),
            run.count);
        e.ifThen(partial, [&] {
          e.each(first, run.count, 1,
                 [&](Value row) { rows(run, head, row, 1); });
        });
      });
    });
  }

private:
  using Values = Emitter::Values;

  void rows(const Run &run, Value head, Value first, int64_t count) {
    count_ = count;
    head_ = head;
    kvHead_ = e.divFloor(head, queryHeads_ / kv.heads);
    rowIndex_.clear();
    ends_.clear();
    for (int64_t r = 0; r < count; ++r) {
      rowIndex_.push_back(e.add(e.add(run.first, first), r));
      ends_.push_back(e.toIndex(e.load(visibleEnd_, rowIndex_[r])));
    }
    clearSums();
    Value end = ends_[0], begin = e.index(0);
    for (Value other : llvm::drop_begin(ends_))
      end = arith::MaxSIOp::create(e.b, e.loc, end, other);
    if (window_) {
      Value least = ends_[0];
      for (Value other : llvm::drop_begin(ends_))
        least = e.minIndex(least, other);
      Value start = e.sub(least, e.index(*window_));
      begin = arith::MaxSIOp::create(e.b, e.loc, start, begin);
    }
    Values state;
    for (int64_t r = 0; r < count; ++r)
      state.push_back(e.constF(kMasked)); // maxima
    for (int64_t r = 0; r < count; ++r)
      state.push_back(e.constF(0)); // sums
    state = e.loop(e.divFloor(begin, kv.pageSize), e.ceilDiv(end, kv.pageSize),
                   1, state, [&](Value page, ValueRange carried) {
                     return onePage(run, page, llvm::to_vector(carried));
                   });
    finish(state);
  }

  // Memory of the worker: probabilities [rows][64], sums of values
  // [rows][paddedDim].
  Value probability(int64_t row, Value position) {
    return e.add(position, row * kPageSize);
  }
  Value sumAt(int64_t row, Value d) {
    return e.add(d, c.target->attentionRows * kPageSize +
                        row * kv.paddedDim());
  }

  void clearSums() {
    for (int64_t r = 0; r < count_; ++r)
      e.each(e.index(0), e.index(kv.paddedDim()), 16, [&](Value d) {
        e.storeVec(e.splatF(0), work_, sumAt(r, d));
      });
  }

  Value widen(Value narrow) {
    if (element_ == e.f32())
      return narrow;
    return arith::ExtFOp::create(e.b, e.loc, e.vecF(), narrow);
  }
  Value loadStore(Value at) {
    return widen(e.loadVec(e.vec(16, element_), store_, at));
  }

  Values onePage(const Run &run, Value page, Values state) {
    Value start = pageStart(e, kv, run, page);
    Value keys = e.add(start, keyOffset(e, kv, layer_, kvHead_));
    Value values = e.add(start, valueOffset(e, kv, layer_, kvHead_));
    Values scores = scoresOf(keys);
    Value first = e.mul(page, kv.pageSize);
    Values rescale;
    for (int64_t r = 0; r < count_; ++r) {
      Values mine(scores.begin() + r * kBlocks,
                  scores.begin() + (r + 1) * kBlocks);
      rescale.push_back(softmaxStep(r, first, mine, state));
    }
    addValues(values, rescale);
    return state;
  }

  /// Scores of 64 positions for every row: rows x 4 accumulators over d.
  Values scoresOf(Value keys) {
    Values zero(count_ * kBlocks, e.splatF(0));
    Value column = e.mul(head_, dim_);
    return e.loop(e.index(0), e.index(dim_), 1, zero,
                  [&](Value d, ValueRange carried) {
                    Values next = llvm::to_vector(carried);
                    Values q;
                    for (int64_t r = 0; r < count_; ++r)
                      q.push_back(e.splat(
                          e.load(q_, {rowIndex_[r], e.add(column, d)})));
                    Value at = e.add(keys, e.mul(d, kv.pageSize));
                    for (int64_t block = 0; block < kBlocks; ++block) {
                      Value k = loadStore(e.add(at, block * 16));
                      for (int64_t r = 0; r < count_; ++r) {
                        Value &sum = next[r * kBlocks + block];
                        sum = e.fma(k, q[r], sum);
                      }
                    }
                    return next;
                  });
  }

  /// Lanes of `block` that row r may see.
  Value visible(int64_t r, Value first, int64_t block) {
    Value count = e.sub(ends_[r], e.add(first, block * 16));
    auto mask = e.vec(16, e.b.getI1Type());
    Value seen =
        vector::CreateMaskOp::create(e.b, e.loc, mask, ValueRange{count});
    if (!window_)
      return seen;
    Value hidden = vector::CreateMaskOp::create(
        e.b, e.loc, mask, ValueRange{e.sub(count, e.index(*window_))});
    Value all = arith::ConstantOp::create(e.b, e.loc,
                                          DenseElementsAttr::get(mask, true));
    return arith::AndIOp::create(
        e.b, e.loc, seen, arith::XOrIOp::create(e.b, e.loc, hidden, all));
  }

  /// Probabilities of a page, unnormalized, to memory; returns the factor by
  /// which the sums so far shrink.
  Value softmaxStep(int64_t r, Value first, Values scores, Values &state) {
    Value largest = e.splatF(kMasked);
    Values masks;
    for (int64_t block = 0; block < kBlocks; ++block) {
      masks.push_back(visible(r, first, block));
      Value s = e.mulF(scores[block], e.splatF(scale_));
      scores[block] = arith::SelectOp::create(e.b, e.loc, masks[block], s,
                                              e.splatF(kMasked));
      largest = e.maxF(largest, scores[block]);
    }
    Value maximum = e.maxF(state[r], e.maxLaneF(largest));
    Value total = e.splatF(0);
    for (int64_t block = 0; block < kBlocks; ++block) {
      Value p = math::ExpOp::create(
          e.b, e.loc, e.subF(scores[block], e.splat(maximum)));
      p = arith::SelectOp::create(e.b, e.loc, masks[block], p, e.splatF(0));
      e.storeVec(p, work_, probability(r, e.index(block * 16)));
      total = e.addF(total, p);
    }
    // One vector lane: math.exp of a scalar would be a call.
    Value shrink = math::ExpOp::create(
        e.b, e.loc, e.splat(e.subF(state[r], maximum)));
    Value factor = vector::ExtractOp::create(e.b, e.loc, shrink, 0);
    Value &sum = state[count_ + r];
    sum = e.addF(e.mulF(sum, factor), e.sumF(total));
    state[r] = maximum;
    return shrink;
  }

  /// sums = sums * rescale + p V, a few vectors of d at a time.
  void addValues(Value values, Values rescale) {
    int64_t vectors = kv.paddedDim() / 16;
    int64_t step = std::max<int64_t>(
        1, std::min(vectors, c.target->accumulators / count_));
    int64_t whole = vectors / step * step;
    e.each(e.index(0), e.index(whole * 16), step * 16, [&](Value d) {
      addColumns(values, d, step, rescale);
    });
    if (whole < vectors)
      addColumns(values, e.index(whole * 16), vectors - whole, rescale);
  }

  void addColumns(Value values, Value d, int64_t vectors, Values rescale) {
    Values sums;
    for (int64_t r = 0; r < count_; ++r)
      for (int64_t v = 0; v < vectors; ++v) {
        Value sum = e.loadVec(e.vecF(), work_, sumAt(r, e.add(d, v * 16)));
        sums.push_back(e.mulF(sum, rescale[r]));
      }
    sums = e.loop(
        e.index(0), e.index(kPageSize), 1, sums,
        [&](Value position, ValueRange carried) {
          Values next = llvm::to_vector(carried);
          Value at =
              e.add(e.add(values, e.mul(position, kv.paddedDim())), d);
          Values p;
          for (int64_t r = 0; r < count_; ++r)
            p.push_back(e.splat(e.load(work_, probability(r, position))));
          for (int64_t v = 0; v < vectors; ++v) {
            Value value = loadStore(e.add(at, v * 16));
            for (int64_t r = 0; r < count_; ++r) {
              Value &sum = next[r * vectors + v];
              sum = e.fma(p[r], value, sum);
            }
          }
          return next;
        });
    for (int64_t r = 0; r < count_; ++r)
      for (int64_t v = 0; v < vectors; ++v)
        e.storeVec(sums[r * vectors + v], work_,
                   sumAt(r, e.add(d, v * 16)));
  }

  void finish(Values state) {
    Value column = e.mul(head_, dim_);
    for (int64_t r = 0; r < count_; ++r) {
      Value factor = e.splat(e.divF(e.constF(1), state[count_ + r]));
      e.overVectors(dim_, [&](Value d, Value lanes) {
        Value sum = e.loadVec(e.vecF(), work_, sumAt(r, d));
        e.storeRow(e.mulF(sum, factor), out_, rowIndex_[r], e.add(column, d),
                   lanes);
      });
    }
  }

  Emitter &e;
  const KernelContext &c;
  const KVLayout &kv;
    float scale_;
  std::optional<int64_t> window_;
  Value layer_, q_, store_, visibleEnd_, work_, out_;
  int64_t dim_, queryHeads_, count_ = 1;
  Type element_;
  Value head_, kvHead_;
  Values rowIndex_, ends_;
};

} // namespace

int64_t attentionWork(const KVLayout &kv, const TargetInfo &target) {
  return target.attentionRows * (kPageSize + kv.paddedDim());
}

void emitCachedAttention(Emitter &e, const KernelContext &c, const KVLayout &kv,
                         Value layer, float scale,
                         std::optional<int64_t> window, Value q, Value store,
                         Value visibleEnd, Value work, Value out) {
  AttentionTile(e, c, kv, layer, scale, window, q, store, visibleEnd, work, out)
      .emit();
}

} // namespace lowbit
