//===- PackRows.cpp - Quantize activations into a weight's order ----------===//
//
// pack.pack_rows on memrefs. Codes, scales and bf16 are those of
// docs/Numerics.md N2, bit for bit; the sums serve biased codes, minima and
// zero points.
//
//===----------------------------------------------------------------------===//

#include "PackQuantized.h"
#include "PackSigns.h"
#include "PanelCodes.h"

#include "lib/Conversion/Narrow.h"
#include "lowbit/Conversion/Kernels.h"

using namespace mlir;

namespace lowbit {

namespace {

/// Powers of two as scales stay within 2^-60 .. 2^60: their product with a
/// weight's scale is then a matter of adding exponents (PanelDot).
constexpr int32_t kExponents = 60;
/// Groups up to this long are unrolled.
constexpr int64_t kUnrolled = 128;

class RowPacker {
public:
  RowPacker(Emitter &e, const RowsLayout &layout,
            const RowsQuantizer &quantizer, Value x, Value permutation,
            Value out)
      : e(e), layout_(layout), x_(x), permutation_(permutation), out_(out) {
    if (quantizer.quantizer)
      quantized_.emplace(e, *quantizer.quantizer, quantizer.hasDivisor);
  }

  void pack(Value row) {
    row_ = row;
    if (layout_.bits == 1)
      return packSigns(e, layout_, out_, row, [&](Value column, Value lanes) {
        return load(column, lanes);
      });
    int64_t span = scaleSpan();
    int64_t full = layout_.columns / span, rest = layout_.columns % span;
    int64_t groups = span / layout_.groupLength();
    if (full > 1)
      e.each(e.index(0), e.index(full), 1, [&](Value i) {
        scaleGroup(i, e.mul(i, groups), e.mul(i, span), span);
      });
    else if (full == 1)
      scaleGroup(e.index(0), e.index(0), e.index(0), span);
    if (rest)
      scaleGroup(e.index(full), e.index(full * groups), e.index(full * span),
                 rest);
  }

private:
  int64_t scaleSpan() const {
    if (layout_.scaleGroups == 0)
      return layout_.columns;
    return layout_.scaleGroups * layout_.groupLength();
  }

  /// Over `length` elements from column `column`, 16 at a time, carrying a
  /// vector; the offset is from `column`.
  Value over(int64_t length, Value carried,
             llvm::function_ref<Value(Value offset, Value lanes, Value)> body) {
    if (length > kUnrolled)
      return e.overVectors(length, carried, body);
    for (int64_t k = 0; k < length; k += 16) {
      Value lanes = length - k < 16 ? e.index(length - k) : Value();
      carried = body(e.index(k), lanes, carried);
    }
    return carried;
  }

  /// Gathering costs 1 us more for a row of 4096 than loading (1 thread, EPYC
  /// with AVX-512, a layer of 4096 x 16: 1.1 to 2.0 us, 2026-11-24).
  Value load(Value column, Value lanes) {
    if (permutation_)
      return e.gatherRow(x_, row_, permutation_, column, lanes);
    return e.loadRow(x_, row_, column, lanes);
  }

  void storeScale(Value scale, Value index) {
    e.storeBytes(scale, out_, row_,
                 e.add(e.mul(index, 4), layout_.scalesOffset()));
  }

  void scaleGroup(Value index, Value group, Value column, int64_t length) {
    Value scale, inverse;
    if (quantized_) {
      Value largest = over(
          length, quantized_->largestStart(),
          [&](Value k, Value lanes, Value carried) {
            return quantized_->larger(carried, load(e.add(column, k), lanes));
          });
      std::tie(scale, inverse) = quantized_->scaleAndFactor(largest);
      storeScale(scale, index);
      inverse = e.splat(inverse);
    } else if (layout_.bits == 8) {
      Value largest = over(length, e.splatF(0), [&](Value k, Value lanes,
                                                    Value carried) {
        Value v = math::AbsFOp::create(e.b, e.loc,
                                       load(e.add(column, k), lanes));
        return e.maxF(carried, v);
      });
      Value a = e.maxLaneF(largest);
      std::tie(scale, inverse) =
          layout_.pow2 ? powerOfTwo(a) : scaleOfCodes(e, a);
      storeScale(scale, index);
      inverse = e.splat(inverse);
    }
    int64_t g = layout_.groupLength();
    for (int64_t i = 0; i * g < length; ++i)
      oneGroup(e.add(group, i), e.add(column, i * g),
               std::min(g, length - i * g), scale, inverse);
  }

  /// The least 2^e with a <= 127 * 2^e. 127 is 2^6 * 1.984375: the exponent of
  /// a minus 6, one more where a's mantissa is above that.
  std::pair<Value, Value> powerOfTwo(Value a) {
    auto clamp = [&](Value v, arith::CmpIPredicate when, int32_t limit) {
      Value beyond =
          arith::CmpIOp::create(e.b, e.loc, when, v, e.constI(limit));
      return e.choose(beyond, e.constI(limit), v);
    };
    auto toFloat = [&](Value biased) {
      Value bits =
          arith::ShLIOp::create(e.b, e.loc, biased, e.constI(23));
      return arith::BitcastOp::create(e.b, e.loc, e.f32(), bits).getResult();
    };
    Value bits = arith::BitcastOp::create(e.b, e.loc, e.i32(), a);
    bits = arith::AddIOp::create(e.b, e.loc, bits, e.constI(0x1ffff));
    Value biased = arith::ShRUIOp::create(e.b, e.loc, bits, e.constI(23));
    biased = arith::SubIOp::create(e.b, e.loc, biased, e.constI(6));
    biased = clamp(biased, arith::CmpIPredicate::slt, 127 - kExponents);
    biased = clamp(biased, arith::CmpIPredicate::sgt, 127 + kExponents);
    Value mirrored =
        arith::SubIOp::create(e.b, e.loc, e.constI(254), biased);
    return {toFloat(biased), toFloat(mirrored)};
  }

  void oneGroup(Value group, Value column, int64_t length, Value scale,
                Value inverse) {
    Value base =
        e.mul(group, layout_.paddedGroup() * layout_.elementBytes());
    Value sum =
        over(length, layout_.bits == 8 ? e.splatI(0) : e.splatF(0),
             [&](Value k, Value lanes, Value carried) {
               Value v = load(e.add(column, k), lanes);
               Value at = e.add(base, e.mul(k, layout_.elementBytes()));
               return layout_.bits == 8 ? codes(v, inverse, at, lanes, carried)
                      : layout_.bits == 16 ? halves(v, at, lanes, carried)
                                           : reals(v, at, lanes, carried);
             });
    if (layout_.bits != 16)
      zeroPadding(base, length);
    storeSums(group, sum, scale);
  }

  Value codes(Value v, Value inverse, Value at, Value lanes, Value sum) {
    Value wide = quantized_ ? quantized_->codes(v, inverse)
                            : codesOf(e, v, inverse);
    Value bytes = arith::TruncIOp::create(e.b, e.loc,
                                          e.vec(16, e.b.getI8Type()), wide);
    if (lanes)
      e.storeMasked(bytes, out_, {row_, at}, lanes);
    else
      e.storeVec(bytes, out_, {row_, at});
    return arith::AddIOp::create(e.b, e.loc, sum, wide);
  }

  Value reals(Value v, Value at, Value lanes, Value sum) {
    Value bytes = vector::BitCastOp::create(
        e.b, e.loc, e.vec(64, e.b.getI8Type()), v);
    if (lanes)
      e.storeMasked(bytes, out_, {row_, at}, e.mul(lanes, 4));
    else
      e.storeVec(bytes, out_, {row_, at});
    return e.addF(sum, v);
  }

  /// Below 2^-126 a value counts as zero: vdpbf16ps takes it as that. A last quad
  /// is stored whole: what pads it was read as zero.
  Value halves(Value v, Value at, Value lanes, Value sum) {
    Value isSmall = arith::CmpFOp::create(
        e.b, e.loc, arith::CmpFPredicate::OLT,
        math::AbsFOp::create(e.b, e.loc, v), e.splatF(0x1p-126f));
    Value bits = e.choose(isSmall, e.splatI(0), roundToBF16(e, v));
    Value narrow = upperHalves(e, bits);
    llvm::SmallVector<int64_t> order;
    for (int64_t k = 0; k < 16; ++k)
      order.push_back(k / 4 * 4 + kPairOrder[k % 4]);
    narrow = vector::ShuffleOp::create(e.b, e.loc, narrow, narrow, order);
    Value bytes = vector::BitCastOp::create(
        e.b, e.loc, e.vec(32, e.b.getI8Type()), narrow);
    if (lanes)
      e.storeMasked(bytes, out_, {row_, at}, e.mul(e.ceilDiv(lanes, 4), 8));
    else
      e.storeVec(bytes, out_, {row_, at});
    return e.addF(sum,
                  vector::BitCastOp::create(e.b, e.loc, e.vecF(), bits));
  }

  /// A group is stored as a multiple of 4 elements.
  void zeroPadding(Value base, int64_t length) {
    int64_t bytes = layout_.elementBytes();
    int64_t end = (length + 3) / 4 * 4;
    if (end == length)
      return;
    int64_t size = (end - length) * bytes;
    Value zero = arith::ConstantOp::create(
        e.b, e.loc, e.b.getZeroAttr(e.vec(size, e.b.getI8Type())));
    e.storeVec(zero, out_, {row_, e.add(base, length * bytes)});
  }

  void storeSums(Value group, Value sum, Value scale) {
    if (!layout_.hasSums && layout_.biases.empty())
      return;
    Value total;
    Value at = e.mul(group, 4);
    if (layout_.bits == 8) {
      Value whole = vector::ReductionOp::create(
          e.b, e.loc, vector::CombiningKind::ADD, sum);
      for (auto [i, bias] : llvm::enumerate(layout_.biases))
        e.storeBytes(
            arith::MulIOp::create(e.b, e.loc, whole, e.constI(-bias)), out_,
            row_, e.add(at, layout_.biasOffset(i)));
      if (!layout_.hasSums)
        return;
      total = arith::SIToFPOp::create(e.b, e.loc, e.f32(), whole);
      total = e.mulF(total, scale);
    } else {
      total = e.sumF(sum);
    }
    e.storeBytes(total, out_, row_, e.add(at, layout_.sumsOffset()));
  }

  Emitter &e;
  const RowsLayout &layout_;
  std::optional<QuantizedPacker> quantized_;
  Value x_, permutation_, out_, row_;
};

} // namespace

RowsLayout rowsLayout(pack::RowsOp op, const TargetInfo &target) {
  pack::RowsType type = op.getResult().getType();
  RowsLayout layout{type.getColumns(), type.getBits(), type.getGroup(),
                    type.getScaleGroups(), type.getPow2(), {},
                    /*hasSums=*/false};
  for (Operation *user : op->getUsers()) {
    const Scheme &scheme = cast<pack::LinearOp>(user)
                               .getPanels()
                               .getType()
                               .getScheme()
                               .getScheme();
    layout.hasSums |= scheme.hasMinima();
    int64_t bias = ByteCodes::of(scheme, target).bias;
    if (type.getBits() == 8 && bias && !llvm::is_contained(layout.biases, bias))
      layout.biases.push_back(bias);
  }
  return layout;
}

RowsQuantizer rowsQuantizer(pack::RowsOp op) {
  RowsQuantizer result;
  if (auto quantizer = op.getQuantizer())
    result.quantizer = quantizer->getQuantizer();
  result.hasDivisor = op.getDivisor();
  return result;
}

void emitPackRows(Emitter &e, const KernelContext &c, const RowsLayout &layout,
                  const RowsQuantizer &quantizer, Value x, Value permutation,
                  Value out) {
  auto [lo, hi] = e.partition(c.count, c.worker, c.workers);
  RowPacker packer(e, layout, quantizer, x, permutation, out);
  e.each(lo, hi, 1, [&](Value row) { packer.pack(row); });
}

} // namespace lowbit
