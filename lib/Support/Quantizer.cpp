//===- Quantizer.cpp - How reals become codes -----------------------------===//

#include "lowbit/Support/Quantizer.h"

#include <algorithm>
#include <cmath>

namespace lowbit {

using Range = Quantizer::Range;

static constexpr int32_t kMostSteps = 100;

static bool isSymmetric(Range range) {
  return range == Range::AbsMax || range == Range::AbsMean;
}

static bool hasIntegerCodes(const Scheme &scheme) {
  return scheme.kind == CodeKind::Unsigned || scheme.kind == CodeKind::Signed ||
         scheme.kind == CodeKind::Ternary;
}

CodeRange codeRange(const Quantizer &quantizer, const Scheme &scheme) {
  if (quantizer.hasClamp)
    return {quantizer.low, quantizer.high};
  if (scheme.kind == CodeKind::Ternary)
    return {-1, 1};
  int32_t count = 1 << scheme.bits;
  if (scheme.kind == CodeKind::Signed)
    return {-count / 2, count / 2 - 1};
  return {-scheme.offset, count - 1 - scheme.offset};
}

std::string Quantizer::check() const {
  // (Q1) Every number is finite and not negative, a clamp has two different
  // ends; absmax and absmean have a reach and no other range has one; up to 100
  // steps improve fields; a quantizer computes in f32, f16 or bf16.
  for (float number : {reach, leastRange, leastScale, outerReach})
    if (!std::isfinite(number) || number < 0)
      return "numbers of a quantizer are finite and positive";
  if (isSymmetric(range) != (reach > 0))
    return "absmax and absmean have a positive `reach`, and they alone";
  if (leastRange > 0 && !isSymmetric(range))
    return "only absmax and absmean have a least range: expected `scale least`";
  if (hasClamp && low >= high)
    return "a clamp has a low and a high end, but got " + std::to_string(low) +
           " and " + std::to_string(high);
  for (int32_t steps : {refine, proximal})
    if (steps < 0 || steps > kMostSteps)
      return "0 to 100 steps improve fields, but got " + std::to_string(steps);
  if (type > FieldType::BF16)
    return "a quantizer computes in f32, f16 or bf16";
  return "";
}

namespace {
/// The rules that a quantizer and a scheme obey together; the first that fails
/// gives its reason.
class PairChecker {
public:
  PairChecker(const Quantizer &quantizer, const Scheme &scheme)
      : quantizer(quantizer), scheme(scheme), integers(hasIntegerCodes(scheme)),
        range(codeRange(quantizer, scheme)) {}

  std::string run() const {
    for (auto rule :
         {&PairChecker::codes, &PairChecker::clamp, &PairChecker::levels,
          &PairChecker::terms, &PairChecker::factors, &PairChecker::refining}) {
      std::string reason = (this->*rule)();
      if (!reason.empty())
        return reason;
    }
    return "";
  }

private:
  std::string codes() const {
    // (Q2) Codes are integers or entries of single values; entries have a range
    // of absmax or absmean and no clamp.
    bool entries = scheme.kind == CodeKind::Codebook && !scheme.isVector() &&
                   !scheme.signs;
    if (!integers && !entries)
      return "a quantizer chooses integers or entries of single values";
    if (entries && (!isSymmetric(quantizer.range) || quantizer.hasClamp))
      return "entries of a codebook have a range of absmax or absmean, and no "
             "clamp";
    return "";
  }

  std::string clamp() const {
    // (Q3) A clamp's ends are values of codes.
    Quantizer free = quantizer;
    free.hasClamp = false;
    CodeRange all = codeRange(free, scheme);
    if (!integers || (range.low >= all.low && range.high <= all.high))
      return "";
    return "a clamp lies within the codes, expected " +
           std::to_string(all.low) + " to " + std::to_string(all.high) +
           ", but got " + std::to_string(range.low) + " to " +
           std::to_string(range.high);
  }

  std::string levels() const {
    // (Q4) One level has all fields; a tensor's scale may stand above those of
    // rows or groups, exactly where `outer` says how it is chosen. Scales are
    // floats.
    size_t count = scheme.levels.size();
    bool nested = count == 2 && scheme.levels[0].group == Level::kTensor &&
                  scheme.levels[0].components.size() == 1;
    if (count != 1 && !nested)
      return "a quantizer chooses the fields of one level, and a tensor's "
             "scale "
             "above it";
    if (nested != (quantizer.outerReach > 0))
      return "a scale of the tensor above others needs `outer`, and nothing "
             "else "
             "does";
    for (const Level &level : scheme.levels)
      for (const Component &component : level.components)
        if (component.role != Component::Zero && component.type.isInteger())
          return "a quantizer chooses scales and minima that are floats";
    return "";
  }

  std::string terms() const {
    // (Q5) minmax chooses an integer zero point, span a minimum in f32, f16 or
    // bf16 and divides, but for a proximal search; the other ranges belong to
    // schemes without either. Ends have codes of both signs.
    bool hasZero = scheme.has(Component::Zero);
    bool hasMin = scheme.has(Component::Min);
    if (scheme.has(Component::NegMin) || scheme.has(Component::Delta))
      return "a quantizer chooses no `neg_min` and no `delta`";
    if (hasZero != (quantizer.range == Range::MinMax))
      return "zero points are chosen from minmax, and from it alone";
    for (const Component &component : scheme.levels.back().components)
      if (component.role == Component::Zero && !component.type.isInteger())
        return "minmax chooses integer zero points";
    if (hasMin != (quantizer.range == Range::Span))
      return "minima are chosen from span, and from it alone";
    bool divides = quantizer.apply == Quantizer::Apply::Divide;
    if (hasMin && divides != (quantizer.proximal == 0))
      return "span divides by the scale, but for a proximal search, which "
             "multiplies";
    if (quantizer.range == Range::Ends && (range.low >= 0 || range.high <= 0))
      return "ends need codes of both signs";
    return "";
  }

  std::string factors() const {
    // (Q6) A divisor is chosen from absmax or absmean and multiplies; it has no
    // least scale. `floor` belongs to scales of e8m0.
    if (scheme.has(Component::Divisor) &&
        (!isSymmetric(quantizer.range) || quantizer.leastScale > 0 ||
         quantizer.apply != Quantizer::Apply::Multiply))
      return "a divisor is chosen from absmax or absmean, has no least scale "
             "and "
             "multiplies";
    bool isPower = false;
    for (const Component &component : scheme.levels.back().components)
      isPower |= component.type.kind == FieldType::E8M0;
    if (quantizer.floorScale && !isPower)
      return "`floor` belongs to scales of e8m0";
    return "";
  }

  std::string refining() const {
    // (Q7) Refined are scales of rows or groups, of integer codes, from absmax,
    // by division. A proximal search is for minima of rows or groups.
    if (quantizer.proximal && quantizer.type != FieldType::F32)
      return "a proximal search computes in f32";
    if (quantizer.proximal && (quantizer.range != Range::Span ||
                               scheme.innerGroup() == Level::kTensor))
      return "a proximal search is for minima of rows or groups, from span";
    if (!quantizer.refine ||
        (integers && quantizer.range == Range::AbsMax &&
         quantizer.apply == Quantizer::Apply::Divide &&
         quantizer.outerReach == 0 && scheme.innerGroup() != Level::kTensor))
      return "";
    return "refined are scales of rows or groups, of integer codes, from "
           "absmax "
           "by division";
  }

  const Quantizer &quantizer;
  const Scheme &scheme;
  bool integers;
  CodeRange range;
};
} // namespace

std::string Quantizer::check(const Scheme &scheme) const {
  return PairChecker(*this, scheme).run();
}

bool makesSignedBytes(const Quantizer &quantizer, const Scheme &scheme) {
  if (scheme.kind != CodeKind::Signed || scheme.bits > 8 ||
      scheme.rounding != Rounding::NearestEven || scheme.levels.size() != 1)
    return false;
  const Level &level = scheme.levels[0];
  return level.group != Level::kTensor && level.components.size() == 1 &&
         level.components[0].type.kind == FieldType::F32 &&
         quantizer.range == Quantizer::Range::AbsMax &&
         quantizer.reach <= 127 && quantizer.type == FieldType::F32 &&
         !quantizer.refine;
}

} // namespace lowbit
