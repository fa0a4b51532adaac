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
  if (op.getStraightThrough() || !isInteger || scheme.levels.size() != 1 ||
      scheme.rounding != Rounding::NearestEven)
    return false;
  for (const Component &component : scheme.levels[0].components)
    if (!component.type.isInteger() && component.type.kind != FieldType::F32)
      return false;
  bool hasRange = op.getScales() ||
                  quantizer.range == Quantizer::Range::AbsMax ||
                  quantizer.range == Quantizer::Range::MinMax;
  return hasRange && quantizer.type == FieldType::F32 && !quantizer.refine &&
         !quantizer.proximal && !quantizer.floorScale;
}

namespace {

/// The elements of one group of a row.
struct Group {
  Value row, index; ///< of the groups of a row
  Value start;
  int64_t length;
};

/// Largest magnitude, or both ends; vectors while elements are looked at.
struct Range {
  Value magnitude, low, high;
};

/// What elements are multiplied with or divided by, and what codes are.
struct Terms {
  Value factor, scale;
  Value zero; ///< null: none
};

class FakeQuantizer {
public:
  FakeQuantizer(Emitter &e, const Quantizer &quantizer, const Scheme &scheme,
                Value x, Value out)
      : e(e), quantizer(quantizer), range(codeRange(quantizer, scheme)),
        hasDivisor(scheme.has(Component::Divisor)), x(x), out(out) {}

  Range nothing() { return {e.splatF(0), e.splatF(0), e.splatF(0)}; }
  Range with(const Range &so, const Group &group);
  Range overRows(Value count, int64_t columns);
  Terms chosen(const Range &lanes);
  Terms given(Value scale, Value zero);
  void round(const Group &group, Terms terms);

private:
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
  bool isSymmetric() const {
    return quantizer.range == Quantizer::Range::AbsMax;
  }
  Value reduce(vector::CombiningKind kind, Value lanes) {
    return vector::ReductionOp::create(e.b, e.loc, kind, lanes);
  }
  Terms fromMagnitude(Value a);
  Terms fromEnds(Value low, Value high);
  void store(Value scale, Terms &terms);
  Value value(Value reals, const Terms &terms);

  Emitter &e;
  const Quantizer &quantizer;
  CodeRange range;
  bool hasDivisor;
  Value x, out;
};

} // namespace

/// Lanes behind the end load as 0, which changes no range.
Range FakeQuantizer::with(const Range &so, const Group &group) {
  Range range = so;
  auto over = [&](Value carried, llvm::function_ref<Value(Value, Value)> pick) {
    return e.overVectors(group.length, carried,
                         [&](Value k, Value lanes, Value carried) {
                           return pick(carried, load(group, k, lanes));
                         });
  };
  auto most = [&](Value a, Value c) -> Value {
    return arith::MaximumFOp::create(e.b, e.loc, a, c);
  };
  if (isSymmetric()) {
    range.magnitude = over(so.magnitude, [&](Value a, Value v) {
      return most(a, math::AbsFOp::create(e.b, e.loc, v));
    });
    return range;
  }
  range.high = over(so.high, most);
  range.low = over(so.low, [&](Value a, Value v) -> Value {
    return arith::MinimumFOp::create(e.b, e.loc, a, v);
  });
  return range;
}

Range FakeQuantizer::overRows(Value count, int64_t columns) {
  Range none = nothing();
  Emitter::Values all = e.loop(
      e.index(0), count, 1, {none.magnitude, none.low, none.high},
      [&](Value row, ValueRange carried) -> Emitter::Values {
        Range next = with({carried[0], carried[1], carried[2]},
                          {row, e.index(0), e.index(0), columns});
        return {next.magnitude, next.low, next.high};
      });
  return {all[0], all[1], all[2]};
}

/// The scale, and the factor that belongs to it.
void FakeQuantizer::store(Value scale, Terms &terms) {
  terms.scale = scale;
  terms.factor = quantizer.apply == Quantizer::Apply::Divide
                     ? scale
                     : e.divF(e.constF(1), scale);
}

Terms FakeQuantizer::given(Value scale, Value zero) {
  Terms terms;
  store(scale, terms);
  terms.zero = zero;
  return terms;
}

Terms FakeQuantizer::chosen(const Range &lanes) {
  if (isSymmetric())
    return fromMagnitude(
        reduce(vector::CombiningKind::MAXIMUMF, lanes.magnitude));
  return fromEnds(reduce(vector::CombiningKind::MINIMUMF, lanes.low),
                  reduce(vector::CombiningKind::MAXIMUMF, lanes.high));
}

Terms FakeQuantizer::fromMagnitude(Value a) {
  if (quantizer.leastRange != 0)
    a = atLeast(a, quantizer.leastRange);
  Value reach = e.constF(quantizer.reach);
  Terms terms;
  if (hasDivisor) {
    terms.scale = terms.factor = e.mulF(e.divF(e.constF(1), a), reach);
    return terms;
  }
  Value scale = e.divF(a, reach);
  if (quantizer.leastScale != 0)
    scale = atLeast(scale, quantizer.leastScale);
  store(scale, terms);
  return terms;
}

Terms FakeQuantizer::fromEnds(Value low, Value high) {
  auto least = float(range.low), most = float(range.high);
  Value scale = e.divF(e.subF(high, low), e.constF(most - least));
  if (quantizer.leastScale != 0)
    scale = atLeast(scale, quantizer.leastScale);
  Terms terms;
  store(scale, terms);
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

void FakeQuantizer::round(const Group &group, Terms terms) {
  terms.factor = e.splat(terms.factor);
  terms.scale = e.splat(terms.scale);
  if (terms.zero)
    terms.zero = e.splat(terms.zero);
  e.overVectors(group.length, [&](Value k, Value lanes) {
    e.storeRow(value(load(group, k, lanes), terms), out, group.row,
               e.add(group.start, k), lanes);
  });
}

/// Body of each group of row `row`; the last may be shorter.
static void overGroups(Emitter &e, Value row, int64_t group, int64_t columns,
                       llvm::function_ref<void(const Group &)> body) {
  int64_t whole = columns / group;
  e.each(e.index(0), e.index(whole), 1, [&](Value index) {
    body({row, index, e.mul(index, group), group});
  });
  if (whole * group < columns)
    body({row, e.index(whole), e.index(whole * group),
          columns - whole * group});
}

void emitFakeQuant(Emitter &e, const KernelContext &c, FakeQuantOp op, Value x,
                   Value scales, Value zeros, Value out) {
  Quantizer quantizer = op.getQuantizer().getQuantizer();
  const Scheme &scheme = op.getScheme().getScheme();
  FakeQuantizer body(e, quantizer, scheme, x, out);
  int64_t columns = op.getX().getType().getDimSize(1);
  int64_t group = scheme.innerGroup() > 0 ? scheme.innerGroup() : columns;
  bool ofTensor = scheme.levels[0].group == Level::kTensor && !scales;
  // Every worker looks at all rows: less than the product behind will cost.
  Terms shared;
  if (ofTensor)
    shared = body.chosen(body.overRows(c.count, columns));
  auto [lo, hi] = e.partition(c.count, c.worker, c.workers);
  e.each(lo, hi, 1, [&](Value row) {
    overGroups(e, row, group, columns, [&](const Group &part) {
      auto field = [&](Value fields) {
        return fields ? e.load(fields, {part.row, part.index}) : Value();
      };
      body.round(part, ofTensor ? shared
                       : scales ? body.given(field(scales), field(zeros))
                                : body.chosen(body.with(body.nothing(), part)));
    });
  });
}

} // namespace lowbit
