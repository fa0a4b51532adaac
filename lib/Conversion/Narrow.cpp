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

/// By its bits, too: no level has an instruction for it.
static Value toBF16(Emitter &e, Value reals) {
  auto words = e.vec(16, e.i32()), halves = e.vec(16, e.b.getIntegerType(16));
  Value bits = arith::BitcastOp::create(e.b, e.loc, words, reals);
  auto upperHalf = [&](Value word) {
    return arith::ShRUIOp::create(e.b, e.loc, word, e.splatI(16)).getResult();
  };
  Value upper = upperHalf(bits);
  Value odd = arith::AndIOp::create(e.b, e.loc, upper, e.splatI(1));
  Value rounded = arith::AddIOp::create(e.b, e.loc, bits, e.splatI(0x7fff));
  rounded = upperHalf(arith::AddIOp::create(e.b, e.loc, rounded, odd));
  // A NaN may have no bits but those that fall away: it is made quiet.
  Value quiet = arith::OrIOp::create(e.b, e.loc, upper, e.splatI(0x40));
  Value isNaN = arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::UNO,
                                      reals, reals);
  Value half = arith::TruncIOp::create(e.b, e.loc, halves,
                                       e.choose(isNaN, quiet, rounded));
  return arith::BitcastOp::create(e.b, e.loc, e.vec(16, e.b.getBF16Type()),
                                  half);
}

Value narrow(Emitter &e, Value reals, Type element) {
  if (element == e.f32())
    return reals;
  if (element.isBF16())
    return toBF16(e, reals);
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
