//===- FakeQuant.cpp - Reals that codes stand for, without the codes ------===//
//
// Rows by given scales and zero points, or by those of their own range
// (docs/Numerics.md, N9). Every step is one rounding to f32, so results have
// the reference's bits.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Conversion/Kernels.h"

using namespace mlir;

namespace lowbit {

std::optional<FakeQuantPlan> planFakeQuant(FakeQuantOp op) {
  Scheme scheme = op.getScheme().getScheme();
  Quantizer quantizer = op.getQuantizer().getQuantizer();
  bool isInteger =
      scheme.kind == CodeKind::Unsigned || scheme.kind == CodeKind::Signed;
  if (!isInteger || scheme.rounding != Rounding::NearestEven ||
      scheme.levels.size() != 1 || scheme.levels[0].group > 0 ||
      op.getStraightThrough() || quantizer.type != FieldType::F32 ||
      quantizer.floorScale || quantizer.outerReach != 0 || quantizer.refine ||
      quantizer.proximal)
    return std::nullopt;
  const auto &components = scheme.levels[0].components;
  bool isScaled = components[0].role == Component::Scale &&
                  components[0].type == FieldType();
  bool hasZero =
      components.size() == 2 && components[1].role == Component::Zero;
  if (!isScaled || (components.size() > 1 && !hasZero))
    return std::nullopt;
  FakeQuantPlan plan;
  plan.isGiven = bool(op.getScales());
  if (!plan.isGiven && quantizer.range != Quantizer::Range::MinMax)
    return std::nullopt;
  CodeRange range = codeRange(quantizer, scheme);
  plan.low = float(range.low);
  plan.high = float(range.high);
  plan.leastScale = quantizer.leastScale;
  plan.divides = quantizer.apply == Quantizer::Apply::Divide;
  plan.ofTensor = scheme.levels[0].group == Level::kTensor;
  return plan;
}

namespace {

class FakeQuant {
public:
  FakeQuant(Emitter &e, const FakeQuantPlan &plan, Value x, Value out)
      : e(e), plan(plan), x(x), out(out),
        columns(cast<MemRefType>(x.getType()).getDimSize(1)) {}

  /// Rows [lo, hi) of `count`.
  void overRows(Value lo, Value hi, Value scales, Value zeros);
  void ofTensor(Value lo, Value hi, Value count);

private:
  struct Fields {
    Value scale, zero;
  };
  struct Ends {
    Value least, most; ///< of each lane
  };

  Ends endsOf(Value row, Ends ends);
  Fields fieldsOf(Ends ends);
  Fields given(Value scales, Value zeros, Value row);
  void round(Value row, Fields fields);
  Value roundEven(Value v) { return math::RoundEvenOp::create(e.b, e.loc, v); }
  Value compare(arith::CmpFPredicate predicate, Value a, Value b) {
    return arith::CmpFOp::create(e.b, e.loc, predicate, a, b);
  }
  /// Within [low, high]; NaN stays NaN.
  Value clamp(Value v, Value low, Value high) {
    v = e.choose(compare(arith::CmpFPredicate::OLT, v, low), low, v);
    return e.choose(compare(arith::CmpFPredicate::OGT, v, high), high, v);
  }

  Emitter &e;
  const FakeQuantPlan &plan;
  Value x, out;
  int64_t columns;
};

} // namespace

FakeQuant::Ends FakeQuant::endsOf(Value row, Ends ends) {
  // What is behind a row's end reads as zero, which both ends contain anyhow.
  Value least = e.overVectors(
      columns, ends.least, [&](Value k, Value lanes, Value carried) {
        return e.minF(e.loadRow(x, row, k, lanes), carried);
      });
  Value most = e.overVectors(
      columns, ends.most, [&](Value k, Value lanes, Value carried) {
        return e.maxF(e.loadRow(x, row, k, lanes), carried);
      });
  return {least, most};
}

FakeQuant::Fields FakeQuant::fieldsOf(Ends ends) {
  auto reduce = [&](vector::CombiningKind kind, Value lanes) -> Value {
    return vector::ReductionOp::create(e.b, e.loc, kind, lanes);
  };
  Value least = reduce(vector::CombiningKind::MINNUMF, ends.least);
  Value most = reduce(vector::CombiningKind::MAXNUMF, ends.most);
  Value scale = e.divF(e.subF(most, least), e.constF(plan.high - plan.low));
  if (plan.leastScale > 0) {
    Value floor = e.constF(plan.leastScale);
    scale = e.choose(compare(arith::CmpFPredicate::OLT, scale, floor), floor,
                     scale);
  }
  Value low = e.constF(plan.low), high = e.constF(plan.high);
  Value zero = e.subF(low, roundEven(e.divF(least, scale)));
  return {scale, clamp(zero, low, high)};
}

FakeQuant::Fields FakeQuant::given(Value scales, Value zeros, Value row) {
  Value first = e.index(0);
  Value zero = zeros ? e.load(zeros, {row, first}) : e.constF(0);
  return {e.load(scales, {row, first}), zero};
}

void FakeQuant::round(Value row, Fields fields) {
  Value scale = e.splat(fields.scale), zero = e.splat(fields.zero);
  Value factor =
      plan.divides ? scale : e.splat(e.divF(e.constF(1), fields.scale));
  Value low = e.splatF(plan.low), high = e.splatF(plan.high);
  e.overVectors(columns, [&](Value k, Value lanes) {
    Value v = e.loadRow(x, row, k, lanes);
    v = plan.divides ? e.divF(v, factor) : e.mulF(v, factor);
    v = clamp(e.addF(roundEven(v), zero), low, high);
    e.storeRow(e.mulF(scale, e.subF(v, zero)), out, row, k, lanes);
  });
}

void FakeQuant::overRows(Value lo, Value hi, Value scales, Value zeros) {
  e.each(lo, hi, 1, [&](Value row) {
    Ends none{e.splatF(0), e.splatF(0)};
    round(row, plan.isGiven ? given(scales, zeros, row)
                            : fieldsOf(endsOf(row, none)));
  });
}

/// Every worker looks at all rows: less than the product behind will cost.
void FakeQuant::ofTensor(Value lo, Value hi, Value count) {
  SmallVector<Value> ends = {e.splatF(0), e.splatF(0)};
  ends = e.loop(e.index(0), count, 1, ends,
                [&](Value row, ValueRange carried) -> Emitter::Values {
                  Ends now = endsOf(row, {carried[0], carried[1]});
                  return {now.least, now.most};
                });
  Fields fields = fieldsOf({ends[0], ends[1]});
  e.each(lo, hi, 1, [&](Value row) { round(row, fields); });
}

void emitFakeQuant(Emitter &e, const KernelContext &c,
                   const FakeQuantPlan &plan, Value x, Value scales,
                   Value zeros, Value out) {
  auto [lo, hi] = e.partition(c.count, c.worker, c.workers);
  FakeQuant kernel(e, plan, x, out);
  if (plan.ofTensor)
    kernel.ofTensor(lo, hi, c.count);
  else
    kernel.overRows(lo, hi, scales, zeros);
}

} // namespace lowbit
