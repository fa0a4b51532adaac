//===- PackSigns.cpp - Activations as signs -------------------------------===//
//
// Signs and their scale are those of docs/Numerics.md N2, bit for bit: the
// magnitudes are summed in the order that is written there.
//
//===----------------------------------------------------------------------===//

#include "PackSigns.h"

using namespace mlir;

namespace lowbit {

namespace {

constexpr int64_t kWord = 32;

class SignPacker {
  using Values = Emitter::Values;

public:
  SignPacker(Emitter &e, const RowsLayout &layout, Value out, Value row,
             LoadElements load)
      : e(e), layout_(layout), out_(out), row_(row), load_(load) {}

  void pack() {
    int64_t length = layout_.groupLength();
    int64_t full = layout_.columns / length, rest = layout_.columns % length;
    Value sizes = e.splatF(0);
    if (full > 1)
      sizes = e.loop(e.index(0), e.index(full), 1, sizes,
                     [&](Value i, ValueRange carried) {
                       return Values{group(i, length, carried[0])};
                     })[0];
    else if (full == 1)
      sizes = group(e.index(0), length, sizes);
    if (rest)
      sizes = group(e.index(full), rest, sizes);
    Value scale = e.divF(e.sumF(sizes), e.constF(layout_.columns));
    e.storeBytes(scale, out_, row_, e.index(layout_.scalesOffset()));
  }

private:
  /// Signs of a group of `length` elements and their sum; returns `sizes`, 16
  /// sums of magnitudes, with those of the group.
  Value group(Value index, int64_t length, Value sizes) {
    Value column = e.mul(index, layout_.groupLength());
    Value at = e.mul(index, layout_.groupBytes());
    Values sums = {sizes, e.constI(0)};
    int64_t full = length / kWord, rest = length % kWord;
    if (full)
      sums = e.loop(e.index(0), e.index(full), 1, sums,
                    [&](Value i, ValueRange carried) {
                      return word(e.add(column, e.mul(i, kWord)),
                                  e.add(at, e.mul(i, 4)), kWord,
                                  llvm::to_vector(carried));
                    });
    if (rest)
      sums = word(e.add(column, full * kWord), e.add(at, 4 * full), rest, sums);
    if (!layout_.hasSums)
      return sums[0];
    // Of the ones and the minus ones.
    Value twice = arith::ShLIOp::create(e.b, e.loc, sums[1], e.constI(1));
    Value sum =
        arith::SubIOp::create(e.b, e.loc, twice, e.constI(length));
    e.storeBytes(arith::SIToFPOp::create(e.b, e.loc, e.f32(), sum), out_, row_,
                 e.add(e.mul(index, 4), layout_.sumsOffset()));
    return sums[0];
  }

  /// A word of `count` signs; sums: of magnitudes, of ones.
  Values word(Value column, Value at, int64_t count, Values sums) {
    Value elements[2];
    for (int64_t half : {0, 1}) {
      int64_t left = count - 16 * half;
      elements[half] =
          left <= 0 ? e.splatF(0)
                    : load_(e.add(column, 16 * half),
                            left < 16 ? e.index(left) : Value());
      sums[0] = e.addF(sums[0], math::AbsFOp::create(e.b, e.loc,
                                                     elements[half]));
    }
    Value low = sixteen(elements, 0, count), high = sixteen(elements, 1, count);
    high = arith::ShLIOp::create(e.b, e.loc, high, e.constI(16));
    Value bits = arith::OrIOp::create(e.b, e.loc, low, high);
    e.storeBytes(bits, out_, row_, at);
    Value ones = math::CtPopOp::create(e.b, e.loc, bits);
    sums[1] = arith::AddIOp::create(e.b, e.loc, sums[1], ones);
    return sums;
  }

  /// Half of a word in the lower bits of an i32. The elements are brought into
  /// the order of the bits first: a shuffle of floats is one instruction.
  Value sixteen(const Value (&elements)[2], int64_t half, int64_t count) {
    llvm::SmallVector<int64_t> order;
    llvm::SmallVector<bool> exists;
    for (int64_t bit = 16 * half; bit < 16 * half + 16; ++bit) {
      order.push_back(4 * (bit % 8) + bit / 8);
      exists.push_back(order.back() < count);
    }
    Value x = vector::ShuffleOp::create(e.b, e.loc, elements[0], elements[1],
                                        order);
    Value isOne = arith::CmpFOp::create(
        e.b, e.loc, arith::CmpFPredicate::OGE, x, e.splatF(0));
    if (count < kWord) {
      auto type = e.vec(16, e.b.getI1Type());
      isOne = e.both(isOne, arith::ConstantOp::create(
                                e.b, e.loc,
                                DenseElementsAttr::get(type, exists)));
    }
    Value bits = vector::BitCastOp::create(
        e.b, e.loc, e.vec(1, e.b.getIntegerType(16)), isOne);
    return arith::ExtUIOp::create(
        e.b, e.loc, e.i32(), vector::ExtractOp::create(e.b, e.loc, bits, 0));
  }

  Emitter &e;
  const RowsLayout &layout_;
  Value out_, row_;
  LoadElements load_;
};

} // namespace

void packSigns(Emitter &e, const RowsLayout &layout, Value out, Value row,
               LoadElements load) {
  SignPacker(e, layout, out, row, load).pack();
}

} // namespace lowbit
