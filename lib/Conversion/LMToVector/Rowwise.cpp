//===- Rowwise.cpp - Norms, gates and sums --------------------------------===//
//
// Ops that see one row at a time, on memrefs; workers take ranges of rows.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Conversion/Kernels.h"

#include <cmath>

using namespace mlir;

namespace lowbit {

static int64_t columns(Value matrix) {
  return cast<MemRefType>(matrix.getType()).getShape().back();
}

static void overRows(Emitter &e, const KernelContext &c,
                     llvm::function_ref<void(Value row)> body) {
  auto [lo, hi] = e.partition(c.count, c.worker, c.workers);
  e.each(lo, hi, 1, body);
}

/// out[row, k] = f(k, lanes) for all columns.
static void fillRow(Emitter &e, Value out, Value row, int64_t length,
                    llvm::function_ref<Value(Value k, Value lanes)> f) {
  e.overVectors(length, [&](Value k, Value lanes) {
    e.storeRow(f(k, lanes), out, row, k, lanes);
  });
}

static Value loadPart(Emitter &e, Value x, Value row, Value start, Value k,
                      Value lanes) {
  return e.loadRow(x, row, e.add(start, k), lanes);
}

static Value loadVector(Emitter &e, Value vector, Value k, Value lanes) {
  return lanes ? e.loadMasked(e.vecF(), vector, k, lanes)
               : e.loadVec(e.vecF(), vector, k);
}

void emitRmsNorm(Emitter &e, const KernelContext &c, float epsilon, Value x,
                 Value gain, Value out) {
  int64_t d = columns(gain), parts = columns(x) / d;
  overRows(e, c, [&](Value row) {
    e.each(e.index(0), e.index(parts), 1, [&](Value part) {
      Value start = e.mul(part, d);
      Value squares =
          e.overVectors(d, e.splatF(0), [&](Value k, Value lanes, Value sum) {
            Value v = loadPart(e, x, row, start, k, lanes);
            return e.fma(v, v, sum);
          });
      Value mean = e.divF(e.sumF(squares), e.constF(d));
      Value root =
          math::SqrtOp::create(e.b, e.loc, e.addF(mean, e.constF(epsilon)));
      Value scale = e.splat(e.divF(e.constF(1), root));
      e.overVectors(d, [&](Value k, Value lanes) {
        Value v = e.mulF(loadPart(e, x, row, start, k, lanes), scale);
        v = e.mulF(v, loadVector(e, gain, k, lanes));
        e.storeRow(v, out, row, e.add(start, k), lanes);
      });
    });
  });
}

/// Lanes that exist; the others as zero, so that they do not count in a sum.
static Value keepLanes(Emitter &e, Value v, Value lanes) {
  if (!lanes)
    return v;
  Value mask = vector::CreateMaskOp::create(
      e.b, e.loc, e.vec(16, e.b.getI1Type()), ValueRange{lanes});
  return arith::SelectOp::create(e.b, e.loc, mask, v, e.splatF(0));
}

void emitLayerNorm(Emitter &e, const KernelContext &c, float epsilon, Value x,
                   Value gain, Value bias, Value out) {
  int64_t d = columns(x);
  overRows(e, c, [&](Value row) {
    Value sum =
        e.overVectors(d, e.splatF(0), [&](Value k, Value lanes, Value sum) {
          return e.addF(sum, e.loadRow(x, row, k, lanes));
        });
    Value mean = e.splat(e.divF(e.sumF(sum), e.constF(d)));
    Value squares =
        e.overVectors(d, e.splatF(0), [&](Value k, Value lanes, Value sum) {
          Value v = e.subF(e.loadRow(x, row, k, lanes), mean);
          v = keepLanes(e, v, lanes);
          return e.fma(v, v, sum);
        });
    Value variance = e.divF(e.sumF(squares), e.constF(d));
    Value root =
        math::SqrtOp::create(e.b, e.loc, e.addF(variance, e.constF(epsilon)));
    Value scale = e.splat(e.divF(e.constF(1), root));
    fillRow(e, out, row, d, [&](Value k, Value lanes) {
      Value v = e.subF(e.loadRow(x, row, k, lanes), mean);
      v = e.mulF(e.mulF(v, scale), loadVector(e, gain, k, lanes));
      return e.addF(v, loadVector(e, bias, k, lanes));
    });
  });
}

/// max(x, 0); NaN stays NaN.
static Value positivePart(Emitter &e, Value x) {
  Value isLess = arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::OLT, x,
                                       e.splatF(0));
  return e.choose(isLess, e.splatF(0), x);
}

static Value activation(Emitter &e, lm::Activation function, Value x) {
  auto un = [&](auto op) { return op.getResult(); };
  switch (function) {
  case lm::Activation::Silu: {
    Value negative = un(arith::NegFOp::create(e.b, e.loc, x));
    Value power = un(math::ExpOp::create(e.b, e.loc, negative));
    return e.divF(x, e.addF(power, e.splatF(1)));
  }
  case lm::Activation::Gelu: {
    Value inner = e.mulF(x, e.splatF(static_cast<float>(M_SQRT1_2)));
    Value erf = un(math::ErfOp::create(e.b, e.loc, inner));
    return e.mulF(e.mulF(x, e.splatF(0.5f)), e.addF(erf, e.splatF(1)));
  }
  case lm::Activation::GeluTanh: {
    // x / 2 (1 + tanh(y)) = x / (1 + exp(-2 y)): one exponential, no
    // cancellation for large negative x.
    Value cube = e.mulF(e.mulF(x, x), x);
    Value inner = e.fma(cube, e.splatF(0.044715f), x);
    float factor = -2 * std::sqrt(2 / M_PI);
    Value power =
        un(math::ExpOp::create(e.b, e.loc, e.mulF(inner, e.splatF(factor))));
    return e.divF(x, e.addF(power, e.splatF(1)));
  }
  case lm::Activation::Relu:
    return positivePart(e, x);
  case lm::Activation::Relu2: {
    Value positive = positivePart(e, x);
    return e.mulF(positive, positive);
  }
  case lm::Activation::Tanh:
    return un(math::TanhOp::create(e.b, e.loc, x));
  }
  return x;
}

void emitActivate(Emitter &e, const KernelContext &c, lm::Activation function,
                  Value x, Value out) {
  overRows(e, c, [&](Value row) {
    fillRow(e, out, row, columns(x), [&](Value k, Value lanes) {
      return activation(e, function, e.loadRow(x, row, k, lanes));
    });
  });
}

void emitGate(Emitter &e, const KernelContext &c, lm::Activation function,
              Value gate, Value up, Value out) {
  overRows(e, c, [&](Value row) {
    fillRow(e, out, row, columns(gate), [&](Value k, Value lanes) {
      return e.mulF(activation(e, function, e.loadRow(gate, row, k, lanes)),
                    e.loadRow(up, row, k, lanes));
    });
  });
}

void emitAdd(Emitter &e, const KernelContext &c, Value lhs, Value rhs,
             Value out) {
  overRows(e, c, [&](Value row) {
    fillRow(e, out, row, columns(lhs), [&](Value k, Value lanes) {
      return e.addF(e.loadRow(lhs, row, k, lanes),
                    e.loadRow(rhs, row, k, lanes));
    });
  });
}

void emitCopyRows(Emitter &e, const KernelContext &c, Value first, Value x,
                  Value out) {
  overRows(e, c, [&](Value row) {
    Value to = e.add(first, row);
    e.overVectors(columns(x), [&](Value k, Value lanes) {
      e.storeRow(e.loadRow(x, row, k, lanes), out, to, k, lanes);
    });
  });
}

void emitGatherRows(Emitter &e, const KernelContext &c, Value x, Value rows,
                    Value out) {
  overRows(e, c, [&](Value row) {
    Value source = e.toIndex(e.load(rows, row));
    fillRow(e, out, row, columns(x), [&](Value k, Value lanes) {
      return e.loadRow(x, source, k, lanes);
    });
  });
}

void emitMeanRows(Emitter &e, const KernelContext &c, Value x, Value first,
                  Value last, Value out) {
  overRows(e, c, [&](Value row) {
    Value begin = e.toIndex(e.load(first, row));
    Value end = e.add(e.toIndex(e.load(last, row)), 1);
    Value count = arith::SIToFPOp::create(
        e.b, e.loc, e.f32(),
        arith::IndexCastOp::create(e.b, e.loc, e.i32(), e.sub(end, begin)));
    Value divisor = e.splat(count);
    fillRow(e, out, row, columns(x), [&](Value k, Value lanes) {
      Value sum =
          e.loop(begin, end, 1, e.splatF(0), [&](Value t, ValueRange carried) {
            return Emitter::Values{
                e.addF(carried[0], e.loadRow(x, t, k, lanes))};
          })[0];
      return e.divF(sum, divisor);
    });
  });
}

} // namespace lowbit
