//===- RandomRows.cpp - Rows of a scheme by chance ------------------------===//

#include "RandomRows.h"

#include <cmath>

namespace lowbit {

/// SplitMix64: a nanosecond for 8 codes, and any state is a good one.
class RandomRows::Stream {
public:
  Stream(uint64_t seed, uint64_t part) : state(seed ^ mix(part)) {}

  uint64_t word() { return mix(state += 0x9E3779B97F4A7C15); }
  /// In [low, high).
  double between(double low, double high) {
    return low + (high - low) * std::ldexp(double(word() >> 11), -53);
  }

private:
  static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  uint64_t state;
};

static unsigned codeCount(const Scheme &scheme) {
  return scheme.kind == CodeKind::Ternary ? 3 : 1u << scheme.bits;
}

std::vector<double> RandomRows::values() const {
  std::vector<double> all(scheme.codebook.begin(), scheme.codebook.end());
  if (all.empty())
    for (unsigned code = 0; code < codeCount(scheme); ++code)
      all.push_back(scheme.codeValue(code));
  if (scheme.signs)
    for (size_t i = 0, count = all.size(); i < count; ++i)
      all.push_back(-all[i]);
  return all;
}

RandomRows::RandomRows(const Scheme &scheme, uint64_t seed, double deviation)
    : scheme(scheme), seed(seed), deviation(deviation) {
  if (scheme.isFloat())
    return;
  std::vector<double> all = values();
  double sum = 0, squares = 0;
  for (double value : all) {
    sum += value;
    squares += value * value;
  }
  codeMean = sum / all.size();
  codeDeviation = std::sqrt(squares / all.size() - codeMean * codeMean);
  if (codeDeviation == 0) // a codebook of one value
    codeDeviation = std::fabs(codeMean);
}

void RandomRows::fillCodes(Stream &random, std::vector<uint8_t> &codes) const {
  unsigned count = codeCount(scheme);
  uint64_t word = 0;
  for (size_t i = 0; i < codes.size(); ++i, word >>= 8) {
    if (i % 8 == 0)
      word = random.word();
    codes[i] = static_cast<uint8_t>((word & 255) * count >> 8);
  }
}

/// What stands beside codes, or in their place: indices, signs, deltas.
void RandomRows::fillVectors(Stream &random, RowFields &fields) const {
  for (uint16_t &index : fields.indices)
    index = random.word() & ((1u << scheme.bits) - 1);
  for (uint8_t &sign : fields.signs)
    sign = random.word() & 1;
  for (size_t i = 0; i < scheme.levels.size(); ++i)
    for (size_t j = 0; j < scheme.levels[i].components.size(); ++j)
      if (scheme.levels[i].components[j].role == Component::Delta)
        for (uint32_t &field : fields.fields[i][j])
          field = random.word() & 1;
}

void RandomRows::fillReals(Stream &random, std::vector<float> &reals) const {
  // The sum of four numbers of 16 bits is close enough to a normal one.
  constexpr double mean = 4 * 65535 / 2.0, spread = 37837.2;
  FieldType type{scheme.floatType, scheme.bits, 0};
  for (float &real : reals) {
    uint64_t word = random.word();
    double sum = double((word & 65535) + (word >> 16 & 65535) +
                        (word >> 32 & 65535) + (word >> 48));
    real = static_cast<float>((sum - mean) / spread * deviation);
    if (scheme.floatType != FieldType::F32)
      real = fieldValue(type, fieldBits(type, real));
  }
}

/// The integer of a field that is furthest from zero, on the positive side if
/// it has one.
static double furthest(const FieldType &type) {
  bool isSigned = type.kind == FieldType::SInt;
  double high = std::ldexp(1, isSigned ? type.bits - 1 : type.bits) - 1;
  double low = isSigned ? -std::ldexp(1, type.bits - 1) : 0;
  return (high > type.offset ? high : low) - type.offset;
}

void RandomRows::fillRole(Component::Role role, double product, bool anySign,
                          int64_t row, RowFields &fields) const {
  // Integers are from the upper quarter of their range, as encoders leave them;
  // the outermost field, always a float, makes the product right.
  double inner = 1;
  bool outermost = true;
  for (const Level &level : scheme.levels)
    for (const Component &component : level.components)
      if (component.role == role) {
        if (!outermost && component.type.isInteger())
          inner *= 0.875 * furthest(component.type);
        outermost = false;
      }
  outermost = true;
  for (size_t i = 0; i < scheme.levels.size(); ++i) {
    const Level &level = scheme.levels[i];
    bool shared = level.group == Level::kTensor;
    Stream random(seed + 1 + i, shared ? 0 : uint64_t(row) + 1);
    for (size_t j = 0; j < level.components.size(); ++j) {
      const FieldType &type = level.components[j].type;
      if (level.components[j].role != role)
        continue;
      for (uint32_t &field : fields.fields[i][j]) {
        double value = type.isInteger()
                           ? random.between(0.75, 1) * furthest(type)
                           : random.between(0.75, 1.25);
        if (outermost)
          value *= product / inner;
        if (outermost && anySign && type.kind != FieldType::E8M0 &&
            random.word() % 2)
          value = -value;
        field = fieldBits(type, static_cast<float>(value));
      }
      outermost = false;
    }
  }
}

void RandomRows::fill(int64_t row, int64_t columns, RowFields &fields) const {
  fields.resize(scheme, columns);
  Stream random(seed, uint64_t(row) + 1);
  if (scheme.isFloat())
    return fillReals(random, fields.reals);
  fillCodes(random, fields.codes);
  fillVectors(random, fields);
  double scale = deviation / codeDeviation;
  bool hasMin = scheme.has(Component::Min) || scheme.has(Component::NegMin);
  // Scales of both signs center codes that no minimum and no zero point does.
  fillRole(Component::Scale, scale, !hasMin && !scheme.has(Component::Zero),
           row, fields);
  fillRole(Component::Min, -scale * codeMean, false, row, fields);
  fillRole(Component::NegMin, scale * codeMean, false, row, fields);
  for (size_t i = 0; i < scheme.levels.size(); ++i)
    for (size_t j = 0; j < scheme.levels[i].components.size(); ++j) {
      const Component &component = scheme.levels[i].components[j];
      if (component.role == Component::Divisor)
        for (uint32_t &field : fields.fields[i][j])
          field = fieldBits(component.type, static_cast<float>(1 / scale));
      if (component.role == Component::Zero)
        for (uint32_t &field : fields.fields[i][j])
          field = fieldBits(component.type, static_cast<float>(codeMean));
    }
}

} // namespace lowbit
