//===- KV.cpp - The key/value store in pages ------------------------------===//

#include "KVAccess.h"
#include "lib/Conversion/Narrow.h"
#include "lib/Conversion/PackToVector/PackQuantized.h"
#include "lowbit/Conversion/Kernels.h"
#include "lowbit/Support/KVElement.h"

using namespace mlir;

namespace lowbit {

/// Of elements that are integers.
static KVElement codedAs(Type element) {
  return element.isInteger(4) ? KVElement::Q4 : KVElement::Q8;
}

KVLayout kvLayout(lm::KVType type) {
  Type element = type.getElement();
  KVLayout kv{type.getLayers(), type.getHeads(), type.getDim(),
              element.getIntOrFloatBitWidth(), kPageSize};
  if (isa<FloatType>(element))
    return kv;
  Level level = kvCodes(codedAs(element))->scheme.levels[0];
  kv.group = level.group > 0 ? level.group : kv.dim;
  kv.scaleBytes = level.components[0].type.bits / 8;
  return kv;
}

MemRefType kvMemRef(lm::KVType type) {
  Type element = type.getElement();
  if (isa<IntegerType>(element)) // codes lie in bytes
    element = IntegerType::get(type.getContext(), 8);
  // Its extent is the host's business; 2^46 elements only give it a type.
  return MemRefType::get({int64_t(1) << 46}, element);
}

MemRefType pageTableMemRef(OpBuilder &b) {
  return MemRefType::get({int64_t(1) << 30}, b.getI32Type());
}

namespace {
/// Appends a head of a row at a position of a page, group after group: floats
/// are one group without a scale.
class HeadAppender {
public:
  HeadAppender(Emitter &e, const KVLayout &kv, Value store)
      : e(e), kv(kv), store_(store),
        element_(cast<MemRefType>(store.getType()).getElementType()),
        codes_(kvCodes(kv.bits == 4 ? KVElement::Q4 : KVElement::Q8)) {}

  /// Keys lie across the page, one element in every row of positions.
  void keys(Value x, Value row, Value column, Value page, Value slot) {
    Value first = e.add(page, slot), scales = e.add(page, kv.keyCodes());
    overGroups([&](Value group, int64_t length) {
      Value base = firstOf(group), begin = e.add(column, base);
      Factor factor = scale(x, row, begin, length, scales, group, slot);
      e.overVectors(length, [&](Value d, Value lanes) {
        Value kept = keep(e.loadRow(x, row, e.add(begin, d), lanes), factor);
        int64_t count = lanes ? length % 16 : 16;
        if (kv.bits == 4) {
          kept = neighbours(kept);
          count /= 2;
        }
        Value at = divided(e.add(base, d));
        for (int64_t i = 0; i < count; ++i)
          e.store(vector::ExtractOp::create(e.b, e.loc, kept, i), store_,
                  e.add(first, e.mul(e.add(at, i), kv.pageSize)));
      });
    });
  }

  void values(Value x, Value row, Value column, Value page, Value slot) {
    Value first = e.add(page, e.mul(slot, kv.valueRow()));
    Value scales = e.add(page, kv.valueCodes());
    overGroups([&](Value group, int64_t length) {
      Value base = firstOf(group), begin = e.add(column, base);
      Factor factor = scale(x, row, begin, length, scales, group, slot);
      if (kv.bits == 4)
        return e.storeVec(halves(x, row, begin, length, factor), store_,
                          e.add(first, divided(base)));
      e.overVectors(length, [&](Value d, Value lanes) {
        // Lanes behind the head are zero: the padding of the store.
        Value kept = keep(e.loadRow(x, row, e.add(begin, d), lanes), factor);
        e.storeVec(kept, store_, e.add(first, e.add(base, d)));
      });
    });
  }

private:
  /// What reals are multiplied by to become codes, in every lane; null: floats.
  using Factor = Value;

  /// body(group, its length).
  void overGroups(llvm::function_ref<void(Value, int64_t)> body) {
    int64_t length = kv.hasScales() ? kv.group : kv.dim;
    int64_t whole = kv.dim / length;
    if (whole == 1)
      body(e.index(0), length);
    else if (whole)
      e.each(e.index(0), e.index(whole), 1,
             [&](Value group) { body(group, length); });
    if (kv.dim % length)
      body(e.index(whole), kv.dim % length);
  }

  /// The element of a head with which a group begins.
  Value firstOf(Value group) {
    return e.mul(group, kv.hasScales() ? kv.group : 0);
  }
  /// Of an element of a head: the row of keys or element of values it is in.
  Value divided(Value d) { return kv.bits == 4 ? e.divFloor(d, 2) : d; }

  /// Stores a group's scale.
  Factor scale(Value x, Value row, Value begin, int64_t length, Value scales,
               Value group, Value slot) {
    if (!kv.hasScales())
      return Value();
    auto over = [&](Value start, llvm::function_ref<Value(Value, Value)> step) {
      return e.overVectors(
          length, start, [&](Value d, Value lanes, Value carried) {
            return step(carried, e.loadRow(x, row, e.add(begin, d), lanes));
          });
    };
    Value at = scaleOffset(e, kv, scales, group, slot);
    if (!codes_->quantizer) {
      Value largest = over(e.splatF(0), [&](Value carried, Value reals) {
        return e.maxF(math::AbsFOp::create(e.b, e.loc, reals), carried);
      });
      auto [scale, inverse] = scaleOfCodes(e, e.maxLaneF(largest));
      storeScale(scale, e.f32(), at);
      return e.splat(inverse);
    }
    QuantizedPacker packer(e, *codes_->quantizer, /*hasDivisor=*/false,
                           /*storesBF16=*/true);
    Value largest =
        over(packer.largestStart(), [&](Value carried, Value reals) {
          return packer.larger(carried, reals);
        });
    auto [scale, factor] = packer.scaleAndFactor(largest);
    storeScale(scale, e.b.getBF16Type(), at);
    return e.splat(factor);
  }

  void storeScale(Value scale, Type type, Value at) {
    Value kept = narrow(e, e.splat(scale), type);
    Value bytes = vector::BitCastOp::create(
        e.b, e.loc, e.vec(16 * kv.scaleBytes, e.b.getI8Type()), kept);
    bytes = vector::ExtractStridedSliceOp::create(
        e.b, e.loc, bytes, ArrayRef<int64_t>{0},
        ArrayRef<int64_t>{kv.scaleBytes}, ArrayRef<int64_t>{1});
    e.storeVec(bytes, store_, at);
  }

  /// 16 reals as the store has them; codes of 4 bits still as words.
  Value keep(Value reals, Factor factor) {
    if (!factor)
      return narrow(e, reals, element_);
    if (kv.bits == 4)
      return QuantizedPacker(e, *codes_->quantizer, /*hasDivisor=*/false)
          .codes(reals, factor);
    return arith::TruncIOp::create(e.b, e.loc, e.vec(16, element_),
                                   codesOf(e, reals, factor));
  }

  /// Bytes of two codes each, of words.
  Value pairs(Value low, Value high, int64_t count) {
    auto splat = [&](int32_t value) { return e.splat(e.constI(value), count); };
    low = arith::AndIOp::create(e.b, e.loc, low, splat(15));
    high = arith::ShLIOp::create(e.b, e.loc, high, splat(4));
    return arith::TruncIOp::create(e.b, e.loc, e.vec(count, element_),
                                   arith::OrIOp::create(e.b, e.loc, low, high));
  }

  /// 16 codes of a key: neighbours share a byte, so that no two positions do,
  /// which different workers write.
  Value neighbours(Value codes) {
    const int64_t even[] = {0, 2, 4, 6, 8, 10, 12, 14};
    const int64_t odd[] = {1, 3, 5, 7, 9, 11, 13, 15};
    auto take = [&](ArrayRef<int64_t> lanes) {
      return vector::ShuffleOp::create(e.b, e.loc, codes, codes, lanes);
    };
    return pairs(take(even), take(odd), 8);
  }

  /// Up to 32 codes of a value: the first 16 lie below the others, as
  /// attention takes them apart without a shuffle.
  Value halves(Value x, Value row, Value begin, int64_t length, Factor factor) {
    auto part = [&](int64_t first) -> Value {
      int64_t count = std::min<int64_t>(16, length - first);
      if (count <= 0)
        return e.splatI(0);
      Value lanes = count < 16 ? e.index(count) : Value();
      return keep(e.loadRow(x, row, e.add(begin, first), lanes), factor);
    };
    return pairs(part(0), part(16), 16);
  }

  Emitter &e;
  const KVLayout &kv;
  Value store_;
  Type element_;
  std::optional<KVCodes> codes_; ///< of a store with scales
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
      append.keys(keys, row, column, e.add(page, keyOffset(e, kv, layer, head)),
                  slot);
      append.values(values, row, column,
                    e.add(page, valueOffset(e, kv, layer, head)), slot);
    });
  });
}

} // namespace lowbit
