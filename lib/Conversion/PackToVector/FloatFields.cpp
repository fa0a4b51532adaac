//===- FloatFields.cpp - Narrow floats to f32 -----------------------------===//

#include "FloatFields.h"

#include "mlir/IR/TypeUtilities.h"

#include <cmath>

using namespace mlir;

namespace lowbit {

Type floatType(Emitter &e, FieldType::Kind kind) {
  switch (kind) {
  case FieldType::F16:
    return e.b.getF16Type();
  case FieldType::BF16:
    return e.b.getBF16Type();
  default:
    return e.f32();
  }
}

Value widen(Emitter &e, Value narrow) {
  Type type = getElementTypeOrSelf(narrow.getType());
  if (type == e.f32())
    return narrow;
  if (!type.isBF16())
    return arith::ExtFOp::create(e.b, e.loc, e.vecF(), narrow);
  // By its bits: LLVM moves arithmetic in front of an extension, and narrows
  // the result by a call of __truncsfbf2.
  Value bits = arith::BitcastOp::create(
      e.b, e.loc, e.vec(16, e.b.getIntegerType(16)), narrow);
  bits = arith::ExtUIOp::create(e.b, e.loc, e.vec(16, e.i32()), bits);
  bits = arith::ShLIOp::create(e.b, e.loc, bits, e.splatI(16));
  return arith::BitcastOp::create(e.b, e.loc, e.vecF(), bits);
}

Value halfOfPair(Emitter &e, Value words, int64_t which) {
  Value bits =
      which ? arith::AndIOp::create(e.b, e.loc, words, e.splatI(-65536))
                  .getResult()
            : arith::ShLIOp::create(e.b, e.loc, words, e.splatI(16))
                  .getResult();
  return vector::BitCastOp::create(e.b, e.loc, e.vecF(), bits);
}

Value fromE8M0(Emitter &e, Value bits) {
  // 2^(b - 127) is the exponent field; b = 0 is the denormal 2^-127, b = 255
  // is NaN.
  Value shifted = arith::ShLIOp::create(e.b, e.loc, bits, e.splatI(23));
  Value isZero = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq,
                                       bits, e.splatI(0));
  Value isNan = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq,
                                      bits, e.splatI(255));
  Value word = arith::SelectOp::create(e.b, e.loc, isZero, e.splatI(0x00400000),
                                       shifted);
  word = arith::SelectOp::create(e.b, e.loc, isNan, e.splatI(0x7fc00000), word);
  return arith::BitcastOp::create(e.b, e.loc, e.vecF(), word);
}

Value fromE4M3(Emitter &e, Value bits) {
  // Exponent and mantissa in place, times 2^120 to move the bias from 7 to 127;
  // denormals come out right because the product normalizes them.
  auto shl = [&](Value x, int n) {
    return arith::ShLIOp::create(e.b, e.loc, x, e.splatI(n)).getResult();
  };
  auto andI = [&](Value x, int m) {
    return arith::AndIOp::create(e.b, e.loc, x, e.splatI(m)).getResult();
  };
  Value magnitude =
      arith::BitcastOp::create(e.b, e.loc, e.vecF(), shl(andI(bits, 0x7f), 20));
  magnitude = e.mulF(magnitude, e.splatF(std::ldexp(1.0f, 120)));
  Value isNan = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq,
                                      andI(bits, 0x7f), e.splatI(0x7f));
  magnitude = arith::SelectOp::create(e.b, e.loc, isNan,
                                      e.splatF(std::nanf("")), magnitude);
  Value word =
      arith::BitcastOp::create(e.b, e.loc, e.vec(16, e.i32()), magnitude);
  word = arith::OrIOp::create(e.b, e.loc, word, shl(andI(bits, 0x80), 24));
  return arith::BitcastOp::create(e.b, e.loc, e.vecF(), word);
}

} // namespace lowbit
