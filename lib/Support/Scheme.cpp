//===- Scheme.cpp - What the bits of a number mean ------------------------===//

#include "lowbit/Support/Scheme.h"

#include "lowbit/Support/Float.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lowbit {

//===- Fields -------------------------------------------------------------===//

static int32_t signExtend(uint32_t bits, unsigned width) {
  uint32_t sign = 1u << (width - 1);
  return int32_t((bits & (2 * sign - 1)) ^ sign) - int32_t(sign);
}

float fieldValue(const FieldType &type, uint32_t bits) {
  switch (type.kind) {
  case FieldType::F32:
    return fromF32(bits);
  case FieldType::F16:
    return fromF16(uint16_t(bits));
  case FieldType::BF16:
    return fromBF16(uint16_t(bits));
  case FieldType::E8M0:
    return fromE8M0(uint8_t(bits));
  case FieldType::E4M3:
    return fromE4M3(uint8_t(bits));
  case FieldType::UInt:
    return float(int32_t(bits) - type.offset);
  case FieldType::SInt:
    return float(signExtend(bits, type.bits) - type.offset);
  }
  return 0;
}

/// The narrow formats round what is too large to infinity; a field stays
/// finite.
static float saturate(float value, float largest) {
  return std::clamp(value, -largest, largest);
}

uint32_t fieldBits(const FieldType &type, float value) {
  if (type.isInteger()) {
    int32_t low = type.kind == FieldType::SInt ? -(1 << (type.bits - 1)) : 0;
    int32_t high = low + (1 << type.bits) - 1;
    double stored =
        (std::isnan(value) ? 0 : std::nearbyint(value)) + double(type.offset);
    auto clamped = int32_t(std::clamp<double>(stored, low, high));
    return uint32_t(clamped) & ((1u << type.bits) - 1);
  }
  switch (type.kind) {
  case FieldType::F16:
    return toF16(saturate(value, 65504.0f));
  case FieldType::BF16:
    return toBF16(saturate(value, fromBF16(0x7f7f)));
  case FieldType::E8M0:
    return toE8M0(value);
  case FieldType::E4M3:
    return toE4M3(value);
  default:
    return toF32(saturate(value, std::numeric_limits<float>::max()));
  }
}

//===- Scheme -------------------------------------------------------------===//

Scheme Scheme::ofFloat(FieldType::Kind type) {
  Scheme scheme;
  scheme.kind = CodeKind::Float;
  scheme.floatType = type;
  scheme.bits = type == FieldType::F32 ? 32 : 16;
  return scheme;
}

bool Scheme::has(Component::Role role) const {
  for (const Level &level : levels)
    for (const Component &component : level.components)
      if (component.role == role)
        return true;
  return false;
}

bool Scheme::hasMinima() const {
  return has(Component::Min) || has(Component::NegMin) ||
         has(Component::Zero) || has(Component::Delta);
}

float Scheme::codeValue(unsigned code) const {
  switch (kind) {
  case CodeKind::Unsigned:
    return float(int32_t(code) - offset);
  case CodeKind::Signed:
    return float(signExtend(code, bits));
  case CodeKind::Ternary:
    return float(int32_t(code) - 1);
  case CodeKind::Sign:
    return code ? 1.0f : -1.0f;
  case CodeKind::Codebook:
    return code < codebook.size() ? codebook[code] : 0;
  case CodeKind::Float:
    break;
  }
  return 0;
}

/// Groups of a level in a row of `columns`; the tensor's counts once.
static int64_t groupsInRow(const Level &level, int64_t columns) {
  return level.group > 0 ? (columns + level.group - 1) / level.group : 1;
}

/// Vectors of a row; the last may be shorter.
static int64_t vectorsInRow(const Scheme &scheme, int64_t columns) {
  return (columns + scheme.entryLength - 1) / scheme.entryLength;
}

double Scheme::bitsPerWeight(int64_t columns) const {
  double rowBits = double(bits) * double(vectorsInRow(*this, columns)) +
                   (signs ? double(columns) : 0);
  for (const Level &level : levels)
    if (level.group != Level::kTensor) // shared by all rows: costs nothing
      for (const Component &component : level.components)
        rowBits +=
            double(component.type.bits) * double(groupsInRow(level, columns));
  return columns > 0 ? rowBits / double(columns) : double(bits);
}

//===- The rules ----------------------------------------------------------===//

namespace {
/// Applies the rules (S1) to (S10); the first that fails leaves its reason.
class SchemeChecker {
public:
  explicit SchemeChecker(const Scheme &scheme) : scheme(scheme) {}

  std::string run() {
    checkCodes();
    if (reason.empty())
      checkLevels();
    if (reason.empty())
      checkComponents();
    if (reason.empty())
      checkVectors();
    if (reason.empty())
      checkDivisors();
    return reason;
  }

private:
  void fail(std::string why) {
    if (reason.empty())
      reason = std::move(why);
  }

  void checkCodes();
  void checkCodebook();
  void checkLevels();
  void checkLevel(const Level &level, const Level *outer);
  void checkComponents();
  void checkField(const Level &level, const Component &component, bool nested);
  void checkDelta(const Level &level, const Component &component);
  void checkDivisors();
  void checkVectors();

  const Scheme &scheme;
  std::string reason;
};
} // namespace

static std::string number(int64_t value) { return std::to_string(value); }

void SchemeChecker::checkCodes() {
  // (S1) A code has 1 to 8 bits; at least 2 if signed (one bit of two's
  // complement has no positive code), 2 if ternary, 1 if a sign; 1 to 11 if it
  // is the index of a vector. A float is f32, f16 or bf16.
  if (scheme.kind == CodeKind::Float) {
    if (scheme.floatType > FieldType::BF16)
      return fail("a scheme of floats is f32, f16 or bf16");
    if (scheme.bits != (scheme.floatType == FieldType::F32 ? 32 : 16))
      return fail("a float has 32 or 16 bits, but got " + number(scheme.bits));
  } else if (scheme.isVector()) {
    if (scheme.bits < 1 || scheme.bits > Scheme::kIndexBits)
      return fail("an index of vectors has 1 to " + number(Scheme::kIndexBits) +
                  " bits, but got " + number(scheme.bits));
  } else if (scheme.bits < 1 || scheme.bits > 8) {
    return fail("a code has 1 to 8 bits, but got " + number(scheme.bits));
  } else if (scheme.kind == CodeKind::Signed && scheme.bits < 2) {
    return fail("a signed code has 2 to 8 bits, but got 1: expected `sign`");
  } else if ((scheme.kind == CodeKind::Ternary && scheme.bits != 2) ||
             (scheme.kind == CodeKind::Sign && scheme.bits != 1)) {
    return fail("a ternary code has 2 bits and a sign 1, but got " +
                number(scheme.bits));
  }

  // (S2) Only unsigned codes have an offset; it is itself a code, so that zero
  // can be written.
  if (scheme.offset != 0 && scheme.kind != CodeKind::Unsigned)
    return fail("only unsigned codes have an offset");
  if (scheme.offset < 0 || (scheme.offset != 0 && scheme.offset >> scheme.bits))
    return fail("an offset is one of the codes, expected 0 to " +
                number((1 << scheme.bits) - 1) + ", but got " +
                number(scheme.offset));
  checkCodebook();
}

void SchemeChecker::checkCodebook() {
  // (S3) A codebook has 2^bits entries of 1, 4 or 8 finite values, not all
  // zero; no other code set has entries, or signs beside its codes.
  int64_t length = scheme.entryLength;
  if (scheme.kind != CodeKind::Codebook) {
    if (!scheme.codebook.empty() || length != 1 || scheme.signs)
      fail("only a codebook has entries and signs");
    return;
  }
  if (length != 1 && length != 4 && length != 8)
    return fail("an entry of a codebook has 1, 4 or 8 values, but got " +
                number(length));
  if (scheme.codebook.size() != size_t(length) << scheme.bits)
    return fail("a codebook of " + number(scheme.bits) + " bits has " +
                number(1 << scheme.bits) + " entries" +
                (length > 1 ? " of " + number(length) + " values" : "") +
                ", but got " + number(int64_t(scheme.codebook.size())) +
                (length > 1 ? " values" : ""));
  bool anyNonZero = false;
  for (float entry : scheme.codebook) {
    if (!std::isfinite(entry))
      return fail("the entries of a codebook are finite");
    anyNonZero |= entry != 0;
  }
  if (!anyNonZero)
    fail("the entries of a codebook are not all zero");
}

void SchemeChecker::checkLevels() {
  // (S4) Floats have no levels; every other scheme has a scale at some level,
  // or a divisor.
  if (scheme.isFloat()) {
    if (!scheme.levels.empty())
      fail("a scheme of floats has no scale levels");
    return;
  }
  if (!scheme.has(Component::Scale) && !scheme.has(Component::Divisor))
    return fail("a scheme of codes has a scale, expected e.g. `group 32 scale "
                "f16`");
  const Level *outer = nullptr;
  for (const Level &level : scheme.levels) {
    checkLevel(level, outer);
    outer = &level;
  }
}

void SchemeChecker::checkLevel(const Level &level, const Level *outer) {
  // (S5) Levels come outermost first: tensor, row, groups; a group has 1 to
  // 2^20 elements and is a proper divisor of the group around it.
  constexpr int64_t kLongestGroup = 1 << 20;
  if (level.group < Level::kTensor || level.group > kLongestGroup)
    return fail("a group has 1 to 1048576 elements, but got " +
                number(level.group));
  if (outer && outer->group > 0) {
    if (level.group <= 0)
      return fail("levels come outermost first: tensor, row, groups");
    if (level.group == outer->group || outer->group % level.group)
      return fail("a group divides the group around it, but " +
                  number(level.group) + " is no proper part of " +
                  number(outer->group));
  } else if (outer && level.group <= 0 && level.group <= outer->group) {
    return fail("levels come outermost first: tensor, row, groups");
  }

  // (S6) A level has at least one component, and each role at most once.
  if (level.components.empty())
    return fail("a level has a scale, a minimum, a zero point or a delta");
  for (size_t i = 0; i < level.components.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (level.components[i].role == level.components[j].role)
        return fail("a level has one component of each role at most");
}

void SchemeChecker::checkComponents() {
  // (S7) A scheme adds minima, subtracts them, has zero points or has deltas:
  // one of the four. Zero points belong to integer codes; they and deltas to
  // the innermost level.
  bool min = scheme.has(Component::Min), negMin = scheme.has(Component::NegMin),
       zero = scheme.has(Component::Zero), delta = scheme.has(Component::Delta);
  if (min + negMin + zero + delta > 1)
    return fail("`min`, `neg_min`, `zero` and `delta` exclude each other");
  if (zero && scheme.kind != CodeKind::Unsigned &&
      scheme.kind != CodeKind::Signed)
    return fail("only integer codes have zero points");

  bool seen[6] = {};
  for (const Level &level : scheme.levels)
    for (const Component &component : level.components) {
      checkField(level, component, seen[component.role]);
      seen[component.role] = true;
    }
}

void SchemeChecker::checkField(const Level &level, const Component &component,
                               bool nested) {
  const FieldType &type = component.type;
  if (component.role == Component::Divisor)
    return; // S10
  if (component.role == Component::Zero && &level != &scheme.levels.back())
    return fail("a zero point belongs to the innermost level"); // (S7)
  if (component.role == Component::Delta)
    return checkDelta(level, component);

  // (S8) An integer scale or minimum needs a float one of its role further out.
  // Integer fields have 1 to 16 bits and an offset within +-65536 (so that they
  // are exact in f32); float fields have no offset. e8m0 is for scales alone
  // (it has no sign and no zero), e4m3 not for zero points.
  static constexpr uint8_t kFloatBits[] = {32, 16, 16, 8, 8};
  if (type.isInteger()) {
    if (type.bits < 1 || type.bits > 16)
      return fail("an integer field has 1 to 16 bits, but got " +
                  number(type.bits));
    if (type.offset < -65536 || type.offset > 65536)
      return fail("a field's offset is within 65536, but got " +
                  number(type.offset));
    if (component.role != Component::Zero && !nested)
      return fail("an integer scale or minimum needs a float one of its role "
                  "at an outer level");
    return;
  }
  if (type.bits != kFloatBits[type.kind] || type.offset != 0)
    return fail("a float field has its type's width and no offset");
  if (type.kind == FieldType::E8M0 && component.role != Component::Scale)
    return fail("e8m0 is for scales: it has no sign and no zero");
  if (type.kind == FieldType::E4M3 && component.role == Component::Zero)
    return fail("a zero point is an integer, f32, f16 or bf16");
}

void SchemeChecker::checkDelta(const Level &level, const Component &component) {
  if (&level != &scheme.levels.back())
    return fail("a delta belongs to the innermost level"); // (S7)
  // (S8) A delta is one bit, its magnitude a positive number.
  if (component.type.kind != FieldType::UInt || component.type.bits != 1 ||
      component.type.offset != 0)
    return fail("a delta is stored as one bit");
  if (!(component.magnitude > 0) || !std::isfinite(component.magnitude))
    return fail("a delta has a positive magnitude, expected e.g. `delta "
                "0.125`");
}

void SchemeChecker::checkVectors() {
  // (S9) A vector lies inside one group of each level. What is chosen by its
  // squared error has no tie rule.
  for (const Level &level : scheme.levels)
    if (level.group > 0 && level.group % scheme.entryLength)
      return fail("a group holds whole vectors of " +
                  number(scheme.entryLength) + " elements, but got " +
                  number(level.group));
  if ((scheme.isVector() || scheme.signs) &&
      scheme.rounding != Rounding::NearestEven)
    fail("a codebook with vectors or signs has no tie rule");
}

void SchemeChecker::checkDivisors() {
  // (S10) A divisor is the only one, without scales and minima; it is f32, f16
  // or bf16.
  int count = 0;
  for (const Level &level : scheme.levels)
    for (const auto &[role, type, magnitude] : level.components) {
      if (role != Component::Divisor)
        continue;
      ++count;
      if (type.kind > FieldType::BF16 || type.offset != 0 ||
          type.bits != (type.kind == FieldType::F32 ? 32 : 16))
        return fail("a divisor is f32, f16 or bf16");
    }
  bool hasOthers = scheme.has(Component::Scale) || scheme.has(Component::Min) ||
                   scheme.has(Component::NegMin);
  if (count > 1 || (count && hasOthers))
    fail("a divisor stands alone: no other one, no scale and no minimum");
}

std::string Scheme::check() const { return SchemeChecker(*this).run(); }

//===- Rows ---------------------------------------------------------------===//

void RowFields::resize(const Scheme &scheme, int64_t columns) {
  bool isVector = scheme.isVector();
  codes.resize(scheme.isFloat() || isVector ? 0 : size_t(columns));
  indices.resize(isVector ? size_t(vectorsInRow(scheme, columns)) : 0);
  signs.resize(scheme.signs ? size_t(columns) : 0);
  reals.resize(scheme.isFloat() ? size_t(columns) : 0);
  fields.resize(scheme.levels.size());
  for (size_t level = 0; level < fields.size(); ++level) {
    const Level &source = scheme.levels[level];
    fields[level].resize(source.components.size());
    for (std::vector<uint32_t> &component : fields[level])
      component.resize(size_t(groupsInRow(source, columns)));
  }
}

GroupTerms groupTerms(const Scheme &scheme, const RowFields &row,
                      int64_t column) {
  GroupTerms terms;
  bool anyScale = false, anyMin = false;
  for (size_t i = 0; i < scheme.levels.size(); ++i) {
    const Level &level = scheme.levels[i];
    size_t group = level.group > 0 ? size_t(column / level.group) : 0;
    for (size_t j = 0; j < level.components.size(); ++j) {
      const Component &component = level.components[j];
      float value = fieldValue(component.type, row.fields[i][j][group]);
      switch (component.role) {
      case Component::Scale:
        terms.scale = anyScale ? terms.scale * value : value;
        anyScale = true;
        break;
      case Component::Min:
      case Component::NegMin:
        terms.min = anyMin ? terms.min * value : value;
        anyMin = true;
        break;
      case Component::Zero:
        terms.zero = value;
        break;
      case Component::Divisor:
        terms.divisor = value;
        terms.scale = 1 / value;
        break;
      case Component::Delta:
        terms.zero = value != 0 ? component.magnitude : -component.magnitude;
        break;
      }
    }
  }
  return terms;
}

float elementValue(const Scheme &scheme, const RowFields &row, int64_t column) {
  unsigned mask = (1u << scheme.bits) - 1;
  int64_t length = scheme.entryLength;
  float value =
      scheme.isVector()
          ? scheme.codebook[(row.indices[size_t(column / length)] & mask) *
                                length +
                            column % length]
          : scheme.codeValue(row.codes[size_t(column)] & mask);
  return scheme.signs && row.signs[size_t(column)] ? 0 - value : value;
}

void dequantizeRow(const Scheme &scheme, const RowFields &row, int64_t columns,
                   float *values) {
  if (scheme.isFloat()) {
    std::copy_n(row.reals.begin(), columns, values);
    return;
  }
  bool plain = !scheme.isVector() && !scheme.signs;
  float codeValues[256];
  for (unsigned code = 0; plain && code < 1u << scheme.bits; ++code)
    codeValues[code] = scheme.codeValue(code);

  bool hasMin = scheme.has(Component::Min),
       hasNegMin = scheme.has(Component::NegMin),
       hasZero = scheme.has(Component::Zero) || scheme.has(Component::Delta),
       hasDivisor = scheme.has(Component::Divisor);
  unsigned mask = (1u << scheme.bits) - 1;
  int64_t group = scheme.innerGroup() > 0 ? scheme.innerGroup() : columns;
  for (int64_t first = 0; first < columns; first += group) {
    GroupTerms terms = groupTerms(scheme, row, first);
    for (int64_t i = first; i < std::min(first + group, columns); ++i) {
      // Each statement is one rounding of the formula; no contraction to fma
      // may join them (the build passes -ffp-contract=off for this file).
      float value = plain ? codeValues[row.codes[i] & mask]
                          : elementValue(scheme, row, i);
      if (hasZero)
        value = value - terms.zero;
      value = hasDivisor ? value / terms.divisor : terms.scale * value;
      if (hasMin)
        value = value + terms.min;
      if (hasNegMin)
        value = value - terms.min;
      values[i] = value;
    }
  }
}

} // namespace lowbit
