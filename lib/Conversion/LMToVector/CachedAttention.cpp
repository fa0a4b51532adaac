//===- CachedAttention.cpp - Attention over the pages of the store --------===//
//
// lm.cached_attention on memrefs, one pass with an online softmax: for each
// page, scores of 64 positions, the new maximum, the sum so far rescaled, and
// the page's values added. A tile shares the loads of keys and values: query
// heads that read the same key/value head, and as many rows as registers allow.
// Work items are (rows of a tile, heads of a tile); a row's result does not
// depend on which tile or worker it falls to, because each row's own order of
// operations is the same: pages ascending, positions ascending.
//
// Exponentials have base 2; its logarithm is part of the scores' factor. Scales
// of a store of codes multiply the sums over a group of a key, and the
// probability of a value, of which there is one for each group then: the inner
// loops see codes alone.
//
//===----------------------------------------------------------------------===//

#include "KVAccess.h"
#include "lib/Conversion/Narrow.h"

using namespace mlir;

namespace lowbit {

namespace {

constexpr int64_t kBlocks = kPageSize / Emitter::kLanes; // vectors of scores
// A finite stand-in for minus infinity: differences stay numbers.
constexpr float kMasked = -1e30f;
constexpr double kLog2E = 1.4426950408889634;

/// Queries that share a pass: `rows` rows of `heads` adjacent heads.
struct Sharing {
  int64_t rows, heads;
  int64_t queries() const { return rows * heads; }
};

/// Of a query for a page.
int64_t probabilities(const KVLayout &kv) {
  return std::max<int64_t>(1, kv.groups()) * kPageSize;
}

Sharing sharing(const TargetInfo &target, int64_t headsPerKey, bool oneRow) {
  int64_t heads = 1;
  for (int64_t h = 2; h <= std::min(headsPerKey, target.attentionQueries); ++h)
    if (headsPerKey % h == 0)
      heads = h;
  return {oneRow ? 1 : target.attentionQueries / heads, heads};
}

class AttentionTile {
public:
  AttentionTile(Emitter &e, const KernelContext &c, const KVLayout &kv,
                Value layer, float scale, std::optional<int64_t> window,
                Value q, Value store, Value visibleEnd, Value work, Value out)
      : e(e), c(c), kv(kv), factor_(static_cast<float>(scale * kLog2E)),
        window_(window), layer_(layer), q_(q), store_(store),
        visibleEnd_(visibleEnd), work_(work), out_(out), dim_(kv.dim),
        queryHeads_(cast<MemRefType>(q.getType()).getDimSize(1) / kv.dim),
        element_(cast<MemRefType>(store.getType()).getElementType()) {}

  /// All items of this worker.
  void emit() {
    Sharing most = sharing(*c.target, queryHeads_ / kv.heads, c.oneRow);
    heads_ = most.heads;
    overRuns(e, c.frame, [&](const Run &run) {
      Value tiles = e.ceilDiv(run.count, most.rows);
      int64_t parts = queryHeads_ / heads_;
      inTurns(run, e.mul(tiles, parts), [&](Value item) {
        Value head = e.mul(e.rem(item, parts), heads_);
        Value first = e.mul(e.divFloor(item, parts), most.rows);
        if (most.rows == 1)
          return tile(run, head, first, 1);
        Value whole = e.lessOrEqual(e.add(first, most.rows), run.count);
        e.ifThen(whole, [&] { tile(run, head, first, most.rows); });
        e.ifThen(e.isNot(whole), [&] {
          e.each(first, run.count, 1,
                 [&](Value row) { tile(run, head, row, 1); });
        });
      });
    });
  }

private:
  using Values = Emitter::Values;

  /// This worker's share of the items [0, count) of a run: workers take turns,
  /// because later rows see more and cost more; another worker begins each run,
  /// because those of a batch may have one item. SmolLM2, pp512, 2 threads of
  /// Zen 5: the prompt takes 5 % less than with halves (2026-11-24).
  void inTurns(const Run &run, Value count,
               llvm::function_ref<void(Value)> body) {
    Value first = e.rem(e.add(c.worker, run.number), c.workers);
    Value turns =
        e.divFloor(e.add(e.sub(e.add(count, c.workers), first), -1), c.workers);
    e.each(e.index(0), turns, 1,
           [&](Value turn) { body(e.add(e.mul(turn, c.workers), first)); });
  }

  /// `rows` rows from `first` of the run, `heads_` heads from `head`.
  void tile(const Run &run, Value head, Value first, int64_t rows) {
    rows_ = rows;
    queries_ = rows * heads_;
    head_ = head;
    firstRow_ = e.add(run.first, first);
    keyHead_ = e.divFloor(head, queryHeads_ / kv.heads);
    e.each(e.index(0), e.index(queries_), 1,
           [&](Value query) { clear(query); });
    auto [begin, last] = visibleToAny();
    Value end = last; // lambdas of C++17 do not capture bindings
    Value pages = e.ceilDiv(end, kv.pageSize);
    e.each(e.divFloor(begin, kv.pageSize), pages, 1, [&](Value page) {
      seen_ =
          e.minIndex(e.index(kPageSize), e.sub(end, e.mul(page, kv.pageSize)));
      onePage(run, page, e.minIndex(e.add(page, 1), e.add(pages, -1)));
    });
    e.each(e.index(0), e.index(queries_), 1,
           [&](Value query) { finish(query); });
  }

  //===- A worker's memory ------------------------------------------------===//
  // Of each query: scores or probabilities of a page (for each group of the
  // values), the sum of values, and its largest score, its sum of
  // probabilities, the factor of a page.

  enum State { Largest, Sum, Shrink };

  Value probabilityAt(Value query, Value group, Value position) {
    return e.add(
        e.add(e.mul(query, probabilities(kv)), e.mul(group, kPageSize)),
        position);
  }
  Value scoreAt(Value query, Value position) {
    return probabilityAt(query, e.index(0), position);
  }
  Value valueAt(Value query, Value d) {
    return e.add(e.add(e.mul(query, kv.paddedDim()), d),
                 c.target->attentionQueries * probabilities(kv));
  }
  Value stateAt(Value query, State state) {
    return e.add(query, c.target->attentionQueries *
                            (probabilities(kv) + kv.paddedDim() + state));
  }
  Value load(Value query, State state) {
    return e.load(work_, stateAt(query, state));
  }
  void store(Value scalar, Value query, State state) {
    e.store(scalar, work_, stateAt(query, state));
  }

  void clear(Value query) {
    store(e.constF(kMasked), query, Largest);
    store(e.constF(0), query, Sum);
    e.each(e.index(0), e.index(kv.paddedDim()), 16,
           [&](Value d) { e.storeVec(e.splatF(0), work_, valueAt(query, d)); });
  }

  //===- Positions --------------------------------------------------------===//

  Value rowOf(Value query) {
    return e.add(firstRow_, e.divFloor(query, heads_));
  }
  Value columnOf(Value query) {
    return e.mul(e.add(head_, e.rem(query, heads_)), dim_);
  }
  Value endOf(Value row) { return e.toIndex(e.load(visibleEnd_, row)); }

  /// Positions that some row of the tile sees.
  std::pair<Value, Value> visibleToAny() {
    Value end = endOf(firstRow_), least = end;
    for (int64_t r = 1; r < rows_; ++r) {
      Value other = endOf(e.add(firstRow_, r));
      end = arith::MaxSIOp::create(e.b, e.loc, end, other);
      least = e.minIndex(least, other);
    }
    Value begin = e.index(0);
    if (window_)
      begin = arith::MaxSIOp::create(e.b, e.loc,
                                     e.sub(least, e.index(*window_)), begin);
    return {begin, end};
  }

  /// Lanes of the 16 positions from `first` that a row with this end sees.
  Value visible(Value end, Value first) {
    Value count = e.sub(end, first);
    auto mask = e.vec(16, e.b.getI1Type());
    auto below = [&](Value n) {
      return vector::CreateMaskOp::create(e.b, e.loc, mask, ValueRange{n})
          .getResult();
    };
    Value seen = below(count);
    if (!window_)
      return seen;
    Value hidden = below(e.sub(count, e.index(*window_)));
    Value all = arith::ConstantOp::create(e.b, e.loc,
                                          DenseElementsAttr::get(mask, true));
    return arith::AndIOp::create(
        e.b, e.loc, seen, arith::XOrIOp::create(e.b, e.loc, hidden, all));
  }

  //===- A page -----------------------------------------------------------===//

  Value keysOf(const Run &run, Value page) {
    return e.add(pageStart(e, kv, run, page),
                 keyOffset(e, kv, layer_, keyHead_));
  }

  /// A share of what is read next: decoding waits for memory, and nothing tells
  /// the CPU where the next page is. `length` elements from `from`, spread over
  /// `count` iterations of which this is number `i`. SmolLM2 on Zen 5 at 900
  /// positions: 1.31x the tokens/s on 1 thread, 1.16x on 2 (2026-11-24).
  void prefetch(Value from, int64_t length, Value i, int64_t count) {
    if (!c.oneRow)
      return;
    int64_t line = 64 / kv.bytes();
    int64_t lines = (length / count + line - 1) / line;
    for (int64_t n = 0; n < lines; ++n)
      memref::PrefetchOp::create(
          e.b, e.loc, store_,
          ValueRange{e.add(e.add(from, e.mul(i, lines * line)), n * line)},
          /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
  }

  void onePage(const Run &run, Value page, Value next) {
    Value start = pageStart(e, kv, run, page);
    Value keys = e.add(start, keyOffset(e, kv, layer_, keyHead_));
    Value values = e.add(start, valueOffset(e, kv, layer_, keyHead_));
    values_ = values;
    keyScales_ = e.add(keys, kv.keyCodes());
    valueScales_ = e.add(values, kv.valueCodes());
    nextKeys_ = keysOf(run, next);
    prefetch(valueScales_, kv.scaleElements(), e.index(0), 1);
    prefetch(e.add(nextKeys_, kv.keyCodes()), kv.scaleElements(), e.index(0),
             1);
    int64_t step = kBlocks;
    while (step > 1 && step * queries_ > c.target->accumulators)
      step /= 2;
    for (int64_t block = 0; block < kBlocks; block += step)
      scores(keys, block, step);
    Value first = e.mul(page, kv.pageSize);
    e.each(e.index(0), e.index(queries_), 1,
           [&](Value query) { softmax(query, first); });
    addValues(values);
  }

  /// What the 16 elements from `at` hold: reals, or codes as reals; of bytes
  /// with two codes the lower ones, then the upper ones.
  Values loadStore(Value at) {
    Value kept = e.loadVec(e.vec(16, element_), store_, at);
    if (!kv.hasScales())
      return {widen(e, kept)};
    auto real = [&](Value codes) -> Value {
      return arith::SIToFPOp::create(e.b, e.loc, e.vecF(), codes);
    };
    kept = arith::ExtSIOp::create(e.b, e.loc, e.vec(16, e.i32()), kept);
    if (kv.bits == 8)
      return {real(kept)};
    Value low = arith::ShLIOp::create(e.b, e.loc, kept, e.splatI(28));
    low = arith::ShRSIOp::create(e.b, e.loc, low, e.splatI(28));
    Value high = arith::ShRSIOp::create(e.b, e.loc, kept, e.splatI(4));
    return {real(low), real(high)};
  }

  /// Of a group at 16 positions, of a head's scales that begin at `scales`.
  Value loadScales(Value scales, Value group, int64_t block) {
    Value at = scaleOffset(e, kv, scales, group, e.index(block * 16));
    Value bytes = e.loadVec(e.vec(16 * kv.scaleBytes, element_), store_, at);
    Type type = kv.scaleBytes == 4 ? e.f32() : Type(e.b.getBF16Type());
    return widen(e,
                 vector::BitCastOp::create(e.b, e.loc, e.vec(16, type), bytes));
  }

  /// Scores of `count` vectors of positions for every query, to memory.
  void scores(Value keys, int64_t block, int64_t count) {
    Values sums(queries_ * count, e.splatF(0));
    int64_t length = kv.hasScales() ? kv.group : dim_;
    int64_t whole = dim_ / length, rest = dim_ % length;
    auto add = [&](Value group, int64_t of, ValueRange carried) {
      return addGroup(keys, group, of, block, count, carried);
    };
    if (whole == 1)
      sums = add(e.index(0), length, sums);
    else if (whole)
      sums = e.loop(e.index(0), e.index(whole), 1, sums,
                    [&](Value group, ValueRange carried) {
                      return add(group, length, carried);
                    });
    if (rest)
      sums = add(e.index(whole), rest, sums);
    for (int64_t i = 0; i < queries_; ++i)
      for (int64_t j = 0; j < count; ++j)
        e.storeVec(sums[i * count + j], work_,
                   scoreAt(e.index(i), e.index((block + j) * 16)));
  }

  /// The sums with those over the `length` elements of a group.
  Values addGroup(Value keys, Value group, int64_t length, int64_t block,
                  int64_t count, ValueRange carried) {
    int64_t codes = kv.codesOfElement();
    Value first = e.mul(group, kv.group / codes);
    Values sums(queries_ * count, e.splatF(0));
    sums = e.loop(first, e.add(first, length / codes), 1, sums,
                  [&](Value row, ValueRange sums) {
                    return addKeyRow(keys, row, block, count, sums);
                  });
    if (!kv.hasScales())
      return sums;
    for (int64_t j = 0; j < count; ++j) {
      Value scale = loadScales(keyScales_, group, block + j);
      for (int64_t i = 0; i < queries_; ++i) {
        Value &sum = sums[i * count + j];
        sum = e.fma(sum, scale, carried[i * count + j]);
      }
    }
    return sums;
  }

  /// One row of a page's keys: an element of each, or two.
  Values addKeyRow(Value keys, Value row, int64_t block, int64_t count,
                   ValueRange carried) {
    Values next = llvm::to_vector(carried);
    Value at = e.add(keys, e.mul(row, kv.pageSize));
    Value d = e.mul(row, kv.codesOfElement());
    prefetch(values_, kv.valueCodes(), row, kv.keyRows());
    llvm::SmallVector<Values> k;
    for (int64_t j = 0; j < count; ++j)
      k.push_back(loadStore(e.add(at, (block + j) * 16)));
    for (int64_t i = 0; i < queries_; ++i) {
      Value queryRow = e.add(firstRow_, i / heads_);
      Value column = e.mul(e.add(head_, i % heads_), dim_);
      for (int64_t part = 0; part < kv.codesOfElement(); ++part) {
        Value at = e.add(e.add(column, d), part);
        Value q = e.splat(e.load(q_, {queryRow, at}));
        for (int64_t j = 0; j < count; ++j)
          next[i * count + j] = e.fma(k[j][part], q, next[i * count + j]);
      }
    }
    return next;
  }

  /// Scores to probabilities, unnormalized; the sums so far shrink by a factor.
  void softmax(Value query, Value first) {
    Value end = endOf(rowOf(query)), largest = e.splatF(kMasked);
    Values masks, scores;
    for (int64_t block = 0; block < kBlocks; ++block) {
      masks.push_back(visible(end, e.add(first, block * 16)));
      Value s = e.loadVec(e.vecF(), work_, scoreAt(query, e.index(block * 16)));
      s = e.mulF(s, e.splatF(factor_));
      s = e.choose(masks[block], s, e.splatF(kMasked));
      largest = e.maxF(largest, s);
      scores.push_back(s);
    }
    Value before = load(query, Largest);
    Value maximum = e.maxF(before, e.maxLaneF(largest));
    Value total = e.splatF(0);
    for (int64_t block = 0; block < kBlocks; ++block) {
      Value p = e.exp2(e.subF(scores[block], e.splat(maximum)));
      p = e.choose(masks[block], p, e.splatF(0));
      total = e.addF(total, p);
      storeProbabilities(query, block, p, masks[block]);
    }
    Value shrink = vector::ExtractOp::create(
        e.b, e.loc, e.exp2(e.splat(e.subF(before, maximum))), 0);
    store(maximum, query, Largest);
    store(shrink, query, Shrink);
    store(e.addF(e.mulF(load(query, Sum), shrink), e.sumF(total)), query, Sum);
  }

  /// Of 16 positions, times the scales of each group of their values.
  void storeProbabilities(Value query, int64_t block, Value p, Value mask) {
    Value position = e.index(block * 16);
    if (!kv.hasScales())
      return e.storeVec(p, work_, scoreAt(query, position));
    for (int64_t g = 0; g < kv.groups(); ++g) {
      Value scaled = e.mulF(p, loadScales(valueScales_, e.index(g), block));
      // Scales may be anything where nothing was appended yet.
      e.storeVec(e.choose(mask, scaled, e.splatF(0)), work_,
                 probabilityAt(query, e.index(g), position));
    }
  }

  /// values = values * shrink + p V, a few vectors of d at a time.
  void addValues(Value values) {
    int64_t vectors = kv.paddedDim() / 16, unit = kv.codesOfElement();
    int64_t most = kv.groups() > 1 ? kv.group / 16 : vectors; // of one group
    int64_t step = std::min(most, c.target->accumulators / queries_);
    step = std::max(unit, step / unit * unit);
    int64_t whole = vectors / step * step;
    e.each(e.index(0), e.index(whole * 16), step * 16,
           [&](Value d) { addColumns(values, d, step); });
    if (whole < vectors)
      addColumns(values, e.index(whole * 16), vectors - whole);
  }

  void addColumns(Value values, Value d, int64_t vectors) {
    Values sums;
    int64_t codes = kv.codesOfElement();
    Value group = kv.groups() > 1 ? e.divFloor(d, kv.group) : e.index(0);
    auto place = [&](int64_t query, int64_t v) {
      return valueAt(e.index(query), e.add(d, v * 16));
    };
    for (int64_t i = 0; i < queries_; ++i) {
      Value shrink = e.splat(load(e.index(i), Shrink));
      for (int64_t v = 0; v < vectors; ++v)
        sums.push_back(e.mulF(e.loadVec(e.vecF(), work_, place(i, v)), shrink));
    }
    sums = e.loop(
        e.index(0), seen_, 1, sums, [&](Value position, ValueRange carried) {
          Values next = llvm::to_vector(carried), value;
          Value at = e.add(e.add(values, e.mul(position, kv.valueRow())),
                           e.divFloor(d, codes));
          prefetch(nextKeys_, kv.keyCodes(), position, kPageSize);
          for (int64_t v = 0; v < vectors; v += codes)
            llvm::append_range(value, loadStore(e.add(at, v / codes * 16)));
          for (int64_t i = 0; i < queries_; ++i) {
            Value p = e.splat(
                e.load(work_, probabilityAt(e.index(i), group, position)));
            for (int64_t v = 0; v < vectors; ++v)
              next[i * vectors + v] = e.fma(p, value[v], next[i * vectors + v]);
          }
          return next;
        });
    for (int64_t i = 0; i < queries_; ++i)
      for (int64_t v = 0; v < vectors; ++v)
        e.storeVec(sums[i * vectors + v], work_, place(i, v));
  }

  void finish(Value query) {
    Value factor = e.splat(e.divF(e.constF(1), load(query, Sum)));
    Value row = rowOf(query), column = columnOf(query);
    e.overVectors(dim_, [&](Value d, Value lanes) {
      Value sum = e.loadVec(e.vecF(), work_, valueAt(query, d));
      e.storeRow(e.mulF(sum, factor), out_, row, e.add(column, d), lanes);
    });
  }

  Emitter &e;
  const KernelContext &c;
  const KVLayout &kv;
  float factor_; ///< of scores, log2(e) included
  std::optional<int64_t> window_;
  Value layer_, q_, store_, visibleEnd_, work_, out_;
  int64_t dim_, queryHeads_;
  Type element_;
  int64_t heads_ = 1, rows_ = 1, queries_ = 1;
  Value head_, keyHead_, firstRow_;
  Value seen_; ///< positions of a page that some row sees
  Value values_, nextKeys_, keyScales_, valueScales_; ///< of a page
};

} // namespace

int64_t attentionWork(const KVLayout &kv, const TargetInfo &target) {
  return target.attentionQueries * (probabilities(kv) + kv.paddedDim() + 3);
}

void emitCachedAttention(Emitter &e, const KernelContext &c, const KVLayout &kv,
                         Value layer, float scale,
                         std::optional<int64_t> window, Value q, Value store,
                         Value visibleEnd, Value work, Value out) {
  AttentionTile(e, c, kv, layer, scale, window, q, store, visibleEnd, work, out)
      .emit();
}

} // namespace lowbit
