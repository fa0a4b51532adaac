//===- PackQuantized.cpp - Codes of activations by a quantizer ------------===//

#include "PackQuantized.h"

#include "lib/Conversion/Narrow.h"

using namespace mlir;

namespace lowbit {

Value QuantizedPacker::largestStart() { return e.splatI(0); }

Value QuantizedPacker::larger(Value carried, Value reals) {
  Value size = math::AbsFOp::create(e.b, e.loc, reals);
  Value bits = vector::BitCastOp::create(e.b, e.loc, e.vec(16, e.i32()), size);
  return arith::MaxSIOp::create(e.b, e.loc, carried, bits);
}

/// max(scalar, least); NaN stays NaN.
Value QuantizedPacker::atLeast(Value scalar, float least) {
  if (least == 0)
    return scalar;
  Value isLess = arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::OLT,
                                       scalar, e.constF(least));
  return e.choose(isLess, e.constF(least), scalar);
}

std::pair<Value, Value> QuantizedPacker::scaleAndFactor(Value largest) {
  Value bits = vector::ReductionOp::create(
      e.b, e.loc, vector::CombiningKind::MAXSI, largest);
  Value a = arith::BitcastOp::create(e.b, e.loc, e.f32(), bits);
  a = atLeast(a, quantizer.leastRange);
  Value reach = e.constF(quantizer.reach), one = e.constF(1);
  if (hasDivisor) {
    Value divisor = e.mulF(e.divF(one, a), reach);
    return {e.divF(one, divisor), divisor};
  }
  Value scale = atLeast(e.divF(a, reach), quantizer.leastScale);
  if (storesBF16)
    scale = vector::ExtractOp::create(
        e.b, e.loc, widen(e, narrow(e, e.splat(scale), e.b.getBF16Type())), 0);
  if (quantizer.apply == Quantizer::Apply::Divide)
    return {scale, scale};
  return {scale, e.divF(one, scale)};
}

Value QuantizedPacker::codes(Value reals, Value factor) {
  Value scaled = quantizer.apply == Quantizer::Apply::Divide
                     ? e.divF(reals, factor)
                     : e.mulF(reals, factor);
  Value isNaN = arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::UNO,
                                      scaled, scaled);
  scaled = math::RoundEvenOp::create(e.b, e.loc, scaled);
  // A reach of 127 at most: no number rounds to -128 (convert-lowbit-to-pack).
  int32_t low = -127, high = 127;
  if (quantizer.hasClamp) {
    low = std::max(low, quantizer.low);
    high = std::min(high, quantizer.high);
  }
  scaled = e.minF(scaled, e.splatF(float(high)));
  scaled = e.maxF(scaled, e.splatF(float(low)));
  scaled = e.choose(isNaN, e.splatF(0), scaled);
  return arith::FPToSIOp::create(e.b, e.loc, e.vec(16, e.i32()), scaled);
}

} // namespace lowbit
