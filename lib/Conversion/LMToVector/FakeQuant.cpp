//===- FakeQuant.cpp - Reals that codes stand for -------------------------===//
//
// lowbit.fake_quant on memrefs, rounding by rounding as docs/Numerics.md, N9,
// says. NaN passes through every comparison.
//
//===----------------------------------------------------------------------===//

#include "dialects/LowBit/IR/LowBitOps.h"
#include "lowbit/Conversion/Kernels.h"

using namespace mlir;

namespace lowbit {

bool hasFakeQuantKernel(FakeQuantOp op) {
  Quantizer quantizer = op.getQuantizer().getQuantizer();
  const Scheme &scheme = op.getScheme().getScheme();
  bool isInteger =
      scheme.kind == CodeKind::Signed || scheme.kind == CodeKind::Unsigned;
  if (op.getScales() || op.getStraightThrough() || !isInteger ||
      scheme.levels.size() != 1 || scheme.levels[0].group == Level::kTensor ||
      scheme.rounding != Rounding::NearestEven)
    return false;
  for (const Component &component : scheme.levels[0].components)
    if (!component.type.isInteger() && component.type.kind != FieldType::F32)
      return false;
  return (quantizer.range == Quantizer::Range::AbsMax ||
          quantizer.range == Quantizer::Range::MinMax) &&
         quantizer.type == FieldType::F32 && !quantizer.refine &&
         !quantizer.proximal && !quantizer.floorScale;
}

namespace {
/// The elements of one group of a row.
struct Group {
  Value row, start;
  int64_t length;
};

class FakeQuantizer {
public:
  FakeQuantizer(Emitter &e, const Quantizer &quantizer, const Scheme &scheme,
                Value x, Value out)
      : e(e), quantizer(quantizer), range(codeRange(quantizer, scheme)),
        hasDivisor(scheme.has(Component::Divisor)), x(x), out(out) {}

  void emit(const Group &group);

private:
  /// What elements are multiplied with or divided by, and what codes are.
  struct Terms {
    Value factor, scale;
    Value zero; ///< null: none
  };

  Value load(const Group &group, Value k, Value lanes) {
    return e.loadRow(x, group.row, e.add(group.start, k), lanes);
  }
  Value compare(arith::CmpFPredicate predicate, Value a, Value c) {
    return arith::CmpFOp::create(e.b, e.loc, predicate, a, c);
  }
  /// max(scalar, least).
  Value atLeast(Value scalar, float least) {
    Value bound = e.constF(least);
    return e.choose(compare(arith::CmpFPredicate::OLT, scalar, bound), bound,
                    scalar);
  }
  /// Over all elements and 0; `of` is f of an element.
  Value reduce(const Group &group, vector::CombiningKind kind,
               llvm::function_ref<Value(Value)> of);
  Value extreme(const Group &group, vector::CombiningKind kind) {
    return reduce(group, kind, [](Value v) { return v; });
  }
  Terms fromMagnitude(const Group &group);
  Terms fromEnds(const Group &group);
  Value storedScale(Value scale, Terms &terms);
  Value value(Value reals, const Terms &terms);

  Emitter &e;
  const Quantizer &quantizer;
  CodeRange range;
  bool hasDivisor;
  Value x, out;
};
} // namespace

Value FakeQuantizer::reduce(const Group &group, vector::CombiningKind kind,
                            llvm::function_ref<Value(Value)> of) {
  bool isLeast = kind == vector::CombiningKind::MINIMUMF;
  // Lanes behind the end load as 0, which changes neither end.
  Value all = e.overVectors(
      group.length, e.splatF(0), [&](Value k, Value lanes, Value carried) {
        Value v = of(load(group, k, lanes));
        return isLeast ? arith::MinimumFOp::create(e.b, e.loc, carried, v)
                             .getResult()
                       : arith::MaximumFOp::create(e.b, e.loc, carried, v)
                             .getResult();
      });
  return vector::ReductionOp::create(e.b, e.loc, kind, all);
}

/// The scale, and the factor that belongs to it.
Value FakeQuantizer::storedScale(Value scale, Terms &terms) {
  if (quantizer.leastScale != 0)
    scale = atLeast(scale, quantizer.leastScale);
  terms.scale = scale;
  terms.factor = quantizer.apply == Quantizer::Apply::Divide
                     ? scale
                     : e.divF(e.constF(1), scale);
  return scale;
}

FakeQuantizer::Terms FakeQuantizer::fromMagnitude(const Group &group) {
  Value a = reduce(group, vector::CombiningKind::MAXIMUMF, [&](Value v) {
    return math::AbsFOp::create(e.b, e.loc, v).getResult();
  });
  if (quantizer.leastRange != 0)
    a = atLeast(a, quantizer.leastRange);
  Value reach = e.constF(quantizer.reach);
  Terms terms;
  if (hasDivisor)
    terms.scale = terms.factor = e.mulF(e.divF(e.constF(1), a), reach);
  else
    storedScale(e.divF(a, reach), terms);
  return terms;
}

FakeQuantizer::Terms FakeQuantizer::fromEnds(const Group &group) {
  Value low = extreme(group, vector::CombiningKind::MINIMUMF);
  Value high = extreme(group, vector::CombiningKind::MAXIMUMF);
  auto least = float(range.low), most = float(range.high);
  Terms terms;
  Value scale =
      storedScale(e.divF(e.subF(high, low), e.constF(most - least)), terms);
  Value zero = math::RoundEvenOp::create(e.b, e.loc, e.divF(low, scale));
  zero = atLeast(e.subF(e.constF(least), zero), least);
  Value bound = e.constF(most);
  terms.zero =
      e.choose(compare(arith::CmpFPredicate::OGT, zero, bound), bound, zero);
  return terms;
}

Value FakeQuantizer::value(Value reals, const Terms &terms) {
  bool divides = quantizer.apply == Quantizer::Apply::Divide;
  Value c = divides ? e.divF(reals, terms.factor) : e.mulF(reals, terms.factor);
  c = math::RoundEvenOp::create(e.b, e.loc, c);
  if (!hasDivisor) // -0 becomes 0
    c = e.addF(c, terms.zero ? terms.zero : e.splatF(0));
  Value low = e.splatF(float(range.low)), high = e.splatF(float(range.high));
  c = e.choose(compare(arith::CmpFPredicate::OLT, c, low), low, c);
  c = e.choose(compare(arith::CmpFPredicate::OGT, c, high), high, c);
  if (terms.zero)
    c = e.subF(c, terms.zero);
  return hasDivisor ? e.divF(c, terms.scale) : e.mulF(c, terms.scale);
}

void FakeQuantizer::emit(const Group &group) {
  Terms terms = quantizer.range == Quantizer::Range::AbsMax
                    ? fromMagnitude(group)
                    : fromEnds(group);
  terms.factor = e.splat(terms.factor);
  terms.scale = e.splat(terms.scale);
  if (terms.zero)
    terms.zero = e.splat(terms.zero);
  e.overVectors(group.length, [&](Value k, Value lanes) {
    e.storeRow(value(load(group, k, lanes), terms), out, group.row,
               e.add(group.start, k), lanes);
  });
}

void emitFakeQuant(Emitter &e, const KernelContext &c, FakeQuantOp op, Value x,
                   Value out) {
  Quantizer quantizer = op.getQuantizer().getQuantizer();
  const Scheme &scheme = op.getScheme().getScheme();
  FakeQuantizer body(e, quantizer, scheme, x, out);
  int64_t columns = op.getX().getType().getDimSize(1);
  int64_t group = scheme.innerGroup() > 0 ? scheme.innerGroup() : columns;
  int64_t whole = columns / group * group;
  auto [lo, hi] = e.partition(c.count, c.worker, c.workers);
  e.each(lo, hi, 1, [&](Value row) {
    e.each(e.index(0), e.index(whole), group,
           [&](Value start) { body.emit({row, start, group}); });
    if (whole < columns)
      body.emit({row, e.index(whole), columns - whole});
  });
}

} // namespace lowbit
