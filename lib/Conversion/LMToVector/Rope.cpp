//===- Rope.cpp - Rotary positions ----------------------------------------===//
//
// lm.rope_table and lm.rope on memrefs. Angles are reduced in f64 (Numerics
// N5): at position 10^6 an f32 angle would be off by 0.06.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Conversion/Kernels.h"

#include <cmath>

using namespace mlir;

namespace lowbit {

static int64_t columns(Value matrix) {
  return cast<MemRefType>(matrix.getType()).getShape().back();
}

namespace {

/// Sine and cosine of an f64 by reduction to [-pi/4, pi/4] and Taylor
/// polynomials of degree 13 and 14: error below 1e-10 there, far below f32.
class SinCos {
public:
  SinCos(Emitter &e) : e(e) {}

  std::pair<Value, Value> of(Value angle) {
    Value quarter = roundToQuarter(angle);
    Value rest = subtractQuarters(angle, quarter);
    Value square = mul(rest, rest);
    Value sine = mul(rest, polynomial(square, {1.0, -1.0 / 6, 1.0 / 120,
                                               -1.0 / 5040, 1.0 / 362880,
                                               -1.0 / 39916800,
                                               1.0 / 6227020800}));
    Value cosine = polynomial(square, {1.0, -1.0 / 2, 1.0 / 24, -1.0 / 720,
                                       1.0 / 40320, -1.0 / 3628800,
                                       1.0 / 479001600, -1.0 / 87178291200});
    Value q = arith::FPToSIOp::create(e.b, e.loc, e.b.getI64Type(), quarter);
    Value odd = bit(q, 1), negativeSine = bit(q, 2);
    Value one = arith::ConstantOp::create(e.b, e.loc, e.b.getI64IntegerAttr(1));
    Value negativeCosine =
        bit(arith::AddIOp::create(e.b, e.loc, q, one), 2);
    Value s = choose(odd, cosine, sine), k = choose(odd, sine, cosine);
    return {choose(negativeSine, negate(s), s),
            choose(negativeCosine, negate(k), k)};
  }

  Value constant(double value) {
    return arith::ConstantOp::create(e.b, e.loc, e.b.getF64FloatAttr(value));
  }
  Value mul(Value a, Value c) { return e.mulF(a, c); }

private:
  Value roundToQuarter(Value angle) {
    return math::RoundEvenOp::create(e.b, e.loc,
                                     mul(angle, constant(2 / M_PI)));
  }
  /// angle - q pi/2 with pi/2 in two parts.
  Value subtractQuarters(Value angle, Value quarter) {
    Value high = constant(-M_PI_2), low = constant(-6.123233995736766e-17);
    return e.fma(quarter, low, e.fma(quarter, high, angle));
  }
  Value polynomial(Value x, llvm::ArrayRef<double> coefficients) {
    Value sum = constant(coefficients.back());
    for (double c : llvm::reverse(coefficients.drop_back()))
      sum = e.fma(sum, x, constant(c));
    return sum;
  }
  Value bit(Value integer, int64_t mask) {
    Value m =
        arith::ConstantOp::create(e.b, e.loc, e.b.getI64IntegerAttr(mask));
    Value zero = arith::ConstantOp::create(e.b, e.loc, e.b.getI64IntegerAttr(0));
    return arith::CmpIOp::create(
        e.b, e.loc, arith::CmpIPredicate::ne,
        arith::AndIOp::create(e.b, e.loc, integer, m), zero);
  }
  Value choose(Value condition, Value a, Value c) {
    return arith::SelectOp::create(e.b, e.loc, condition, a, c);
  }
  Value negate(Value a) { return arith::NegFOp::create(e.b, e.loc, a); }

  Emitter &e;
};

} // namespace

void emitRopeTable(Emitter &e, const KernelContext &c, lm::RopeTableOp op,
                   Value positions, Value factors, Value out) {
  int64_t half = columns(out) / 2;
  double base = op.getBase().convertToDouble();
  double scale = op.getFrequencyScale().convertToDouble();
  double magnitude = op.getMagnitude().convertToDouble();
  auto [lo, hi] = e.partition(c.count, c.worker, c.workers);
  SinCos trig(e);
  auto f64 = e.b.getF64Type();
  llvm::SmallVector<double> theta;
  for (int64_t i = 0; i < half; ++i)
    theta.push_back(scale * std::pow(base, -2.0 * i / (2 * half)));
  Value table = e.constantTable(theta);
  e.each(lo, hi, 1, [&](Value row) {
    Value position = arith::SIToFPOp::create(e.b, e.loc, f64,
                                             e.load(positions, row));
    e.each(e.index(0), e.index(half), 1, [&](Value i) {
      Value angle = trig.mul(position, e.load(table, i));
      if (factors)
        angle = e.divF(angle, arith::ExtFOp::create(e.b, e.loc, f64,
                                                    e.load(factors, i)));
      auto [sine, cosine] = trig.of(angle);
      auto put = [&](Value v, Value column) {
        v = trig.mul(v, trig.constant(magnitude));
        e.store(arith::TruncFOp::create(e.b, e.loc, e.f32(), v), out,
                {row, column});
      };
      put(cosine, i);
      put(sine, e.add(i, half));
    });
  });
}

void emitRope(Emitter &e, const KernelContext &c, lm::RopeStyle style,
              int64_t headDim, Value x, Value table, Value out) {
  int64_t half = columns(table) / 2, heads = columns(x) / headDim;
  auto [lo, hi] = e.partition(c.count, c.worker, c.workers);
  e.each(lo, hi, 1, [&](Value row) {
    e.each(e.index(0), e.index(heads), 1, [&](Value head) {
      Value start = e.mul(head, headDim);
      auto rotate = [&](Value i, Value a, Value b) {
        Value va = e.load(x, {row, a}), vb = e.load(x, {row, b});
        Value cosine = e.load(table, {row, i});
        Value sine = e.load(table, {row, e.add(i, half)});
        e.store(e.subF(e.mulF(va, cosine), e.mulF(vb, sine)), out, {row, a});
        e.store(e.addF(e.mulF(va, sine), e.mulF(vb, cosine)), out, {row, b});
      };
      // Scalar: a few hundred pairs a token; LLVM vectorizes the halves.
      e.each(e.index(0), e.index(half), 1, [&](Value i) {
        bool halves = style == lm::RopeStyle::Halves;
        Value a = e.add(start, halves ? i : e.mul(i, 2));
        rotate(i, a, halves ? e.add(a, half) : e.add(a, 1));
      });
      if (2 * half < headDim)
        e.each(e.index(2 * half), e.index(headDim), 1, [&](Value i) {
          Value at = e.add(start, i);
          e.store(e.load(x, {row, at}), out, {row, at});
        });
    });
  });
}

} // namespace lowbit
