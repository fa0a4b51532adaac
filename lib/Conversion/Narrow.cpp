//===- Narrow.cpp - Reals to narrow numbers and back ----------------------===//

#include "lib/Conversion/Narrow.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace lowbit {

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

Value roundToBF16(Emitter &e, Value reals) {
  auto words = e.vec(16, e.i32());
  Value bits = vector::BitCastOp::create(e.b, e.loc, words, reals);
  Value upper = arith::ShRUIOp::create(e.b, e.loc, bits, e.splatI(16));
  Value odd = arith::AndIOp::create(e.b, e.loc, upper, e.splatI(1));
  Value rounded = arith::AddIOp::create(e.b, e.loc, bits, e.splatI(0x7fff));
  rounded = arith::AddIOp::create(e.b, e.loc, rounded, odd);
  // A NaN may have no bits but those that fall away: it is made quiet.
  Value quiet = arith::OrIOp::create(e.b, e.loc, bits, e.splatI(0x400000));
  Value isNaN = arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::UNO,
                                      reals, reals);
  return arith::AndIOp::create(e.b, e.loc, e.choose(isNaN, quiet, rounded),
                               e.splatI(-65536));
}

Value upperHalves(Emitter &e, Value words) {
  Value upper = arith::ShRUIOp::create(e.b, e.loc, words, e.splatI(16));
  return arith::TruncIOp::create(
      e.b, e.loc, e.vec(16, e.b.getIntegerType(16)), upper);
}

Value narrow(Emitter &e, Value reals, Type element) {
  if (element == e.f32())
    return reals;
  if (element.isBF16())
    return vector::BitCastOp::create(e.b, e.loc,
                                     e.vec(16, e.b.getBF16Type()),
                                     upperHalves(e, roundToBF16(e, reals)));
  return arith::TruncFOp::create(e.b, e.loc, e.vec(16, element), reals);
}

std::pair<Value, Value> scaleOfCodes(Emitter &e, Value largest) {
  // Below 2^-120 it counts as zero: 127 / largest stays finite.
  Value small = arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::OLT,
                                      largest, e.constF(0x1p-120f));
  return {
      e.choose(small, e.constF(0), e.divF(largest, e.constF(127))),
      e.choose(small, e.constF(0), e.divF(e.constF(127), largest))};
}

Value codesOf(Emitter &e, Value reals, Value inverse) {
  Value scaled = math::RoundEvenOp::create(e.b, e.loc, e.mulF(reals, inverse));
  scaled = e.minF(scaled, e.splatF(127)); // NaN becomes 127
  scaled = e.maxF(scaled, e.splatF(-127));
  return arith::FPToSIOp::create(e.b, e.loc, e.vec(16, e.i32()), scaled);
}

} // namespace lowbit
