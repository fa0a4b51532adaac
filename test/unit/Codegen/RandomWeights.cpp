//===- RandomWeights.cpp - Schemes and weights by chance ------------------===//

#include "RandomWeights.h"

#include "lowbit/Support/BitFormat.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <sstream>

namespace lowbit::test {

uint64_t testSeed() {
  const char *text = std::getenv("LOWBIT_TEST_SEED");
  return text ? std::strtoull(text, nullptr, 10) : 1;
}

Scheme schemeOf(const std::string &text) {
  Scheme scheme;
  std::string error;
  EXPECT_TRUE(Scheme::parse(text, scheme, error)) << text << ": " << error;
  EXPECT_EQ(scheme.check(), "") << text;
  return scheme;
}

std::vector<Scheme> fileSchemes() {
  std::vector<Scheme> schemes;
  for (uint32_t type = 0; type < 256; ++type)
    if (const BitFormat *format = findBitFormat(type))
      schemes.push_back(format->scheme);
  return schemes;
}

//===- Schemes ------------------------------------------------------------===//

std::string vectorCodes(int bits, int length, int64_t most, bool signs,
                        Random &random) {
  Scheme scheme;
  scheme.kind = CodeKind::Codebook;
  scheme.bits = uint8_t(bits);
  scheme.entryLength = uint8_t(length);
  scheme.signs = signs;
  for (int64_t i = 0; i < int64_t(length) << bits; ++i)
    scheme.codebook.push_back(
        float(i < 2 * length ? (i % 2 ? -most : most) * (i < length ? 1 : -1)
                             : random.between(signs ? 0 : -most, most)));
  return scheme.str();
}

/// Entries: integers, integers times a power of two, or anything.
static std::string codebook(Random &random, int64_t bits) {
  int64_t kind = random.between(0, 3);
  std::ostringstream text;
  text << "u" << bits << " codebook [";
  for (int64_t i = 0; i < (int64_t(1) << bits); ++i) {
    double entry = double(random.between(kind == 0 ? -127 : -40, 127));
    if (kind == 2)
      entry /= 16;
    if (kind == 3)
      entry = random.normal();
    text << (i ? ", " : "") << std::showpoint << float(entry);
  }
  text << "]";
  return text.str();
}

/// Entries of the sizes and kinds of GGML's small formats, and reals.
static std::string vectorCodebook(Random &random) {
  int64_t length = random.oneIn(2) ? 4 : 8;
  int64_t bits =
      random.oneIn(3) ? random.between(8, 11) : random.between(1, 7);
  int64_t most = random.pick<int64_t>({1, 7, 43, 62, 127});
  bool isReal = random.oneIn(5), signs = random.oneIn(2);
  double unit = random.oneIn(3) ? 0.25 : 1;
  std::ostringstream text;
  text << "u" << bits << " codebook " << length << " [";
  for (int64_t i = 0; i < length << bits; ++i) {
    double entry = unit * double(random.between(random.oneIn(2) ? -most : 0,
                                                most));
    text << (i ? ", " : "") << std::showpoint
         << float(isReal ? random.normal() : entry);
  }
  text << "]" << (signs ? " signs" : "");
  return text.str();
}

std::string Random::codeText() {
  int64_t bits = between(1, 8);
  switch (between(0, 10)) {
  case 0:
    return "ternary";
  case 1:
    return "sign";
  case 2:
    return "s" + std::to_string(bits);
  case 3:
    return codebook(*this, std::min<int64_t>(bits, between(1, 6)));
  case 4:
    return codebook(*this, std::min<int64_t>(bits, between(1, 4))) + " signs";
  case 5:
  case 6:
    return vectorCodebook(*this);
  case 7:
    return "u" + std::to_string(bits);
  default:
    return "u" + std::to_string(bits) + " offset " +
           std::to_string(between(0, (int64_t(1) << bits) - 1));
  }
}

std::string Random::fieldText(bool isScale, bool hasOuterFloat) {
  if (hasOuterFloat && !oneIn(3)) {
    int64_t bits = oneIn(6) ? between(9, 16) : between(1, 8);
    std::string text = (oneIn(3) ? "s" : "u") + std::to_string(bits);
    return oneIn(2) ? text : text + " offset " + std::to_string(between(1, 40));
  }
  std::vector<std::string> floats = {"f32", "f16", "bf16", "e4m3"};
  if (isScale)
    floats.push_back("e8m0");
  return pick(floats);
}

Scheme Random::scheme() {
  static const std::vector<int64_t> groups = {
      4,  5,  7,  8,  12, 16,  18,  24,  32,  32,  32,  33,
      40, 48, 50, 64, 96, 100, 128, 130, 160, 200, 256, 300};
  for (;;) {
    std::string text = codeText();
    bool isCodebook = text.find("codebook") != std::string::npos;
    // Outermost first; every level has a scale, a minimum wherever the scheme
    // has minima.
    std::vector<std::string> levels;
    int64_t group = pick(groups);
    if (oneIn(6))
      levels.push_back("tensor");
    if (oneIn(4))
      levels.push_back("row");
    if (oneIn(4))
      levels.push_back("group " +
                       std::to_string(group * pick<int64_t>({2, 3, 4, 8})));
    if (levels.empty() || !oneIn(5))
      levels.push_back("group " + std::to_string(group));
    std::string minimum = oneIn(2) ? "" : oneIn(2) ? " min " : " neg_min ";
    bool delta = minimum.empty() && oneIn(isCodebook ? 2 : 6);
    bool zero = minimum.empty() && !delta && !isCodebook && oneIn(3);
    for (size_t i = 0; i < levels.size(); ++i) {
      text += ", " + levels[i] + " scale " + fieldText(true, i > 0);
      if (!minimum.empty())
        text += minimum + fieldText(false, i > 0);
      if (zero && i + 1 == levels.size())
        text += " zero " + fieldText(false, oneIn(2));
      if (delta && i + 1 == levels.size())
        text += " delta " + pick<std::string>({"0.125", "0.5", "3.7"});
    }
    Scheme scheme;
    std::string error;
    if (Scheme::parse(text, scheme, error) && scheme.check().empty())
      return scheme;
  }
}

//===- Weights ------------------------------------------------------------===//

uint32_t Random::fieldOf(const Component &component) {
  const FieldType &type = component.type;
  if (type.isInteger())
    return static_cast<uint32_t>(engine_()) & ((1u << type.bits) - 1);
  if (type.kind == FieldType::E8M0)
    return static_cast<uint32_t>(between(121, 131));
  float size = std::ldexp(1 + std::fabs(normal()), int(between(-4, 2)));
  return fieldBits(type, oneIn(4) ? -size : size);
}

LowBits Random::weights(const Scheme &scheme, int64_t rows, int64_t columns) {
  LowBits result{scheme, columns, {}};
  auto most = scheme.kind == CodeKind::Ternary ? 2 : (1 << scheme.bits) - 1;
  for (int64_t r = 0; r < rows; ++r) {
    RowFields &row = result.rows.emplace_back();
    row.resize(scheme, columns);
    bool isExtreme = oneIn(6);
    for (uint8_t &code : row.codes)
      code = static_cast<uint8_t>(isExtreme ? (oneIn(2) ? 0 : most)
                                            : between(0, most));
    for (uint16_t &index : row.indices)
      index = static_cast<uint16_t>(isExtreme ? (oneIn(2) ? 0 : most)
                                              : between(0, most));
    for (uint8_t &sign : row.signs)
      sign = static_cast<uint8_t>(between(0, 1));
    for (float &real : row.reals) { // as the type rounds it
      FieldType type{scheme.floatType, uint8_t(scheme.bits), 0};
      real = fieldValue(type, fieldBits(type, normal()));
    }
    for (size_t level = 0; level < scheme.levels.size(); ++level) {
      const std::vector<Component> &components =
          scheme.levels[level].components;
      for (size_t i = 0; i < components.size(); ++i)
        for (uint32_t &field : row.fields[level][i])
          field = fieldOf(components[i]);
      if (scheme.levels[level].group == Level::kTensor && r > 0)
        row.fields[level] = result.rows[0].fields[level];
    }
  }
  return result;
}

std::vector<int32_t> Random::permutation(int64_t columns) {
  std::vector<int32_t> result(static_cast<size_t>(columns));
  std::iota(result.begin(), result.end(), 0);
  std::shuffle(result.begin(), result.end(), engine_);
  return result;
}

Reals Random::reals(int64_t rows, int64_t columns) {
  Reals result({rows, columns});
  for (int64_t r = 0; r < rows; ++r) {
    float size = std::ldexp(1.0f, int(between(-6, 6)));
    for (int64_t k = 0; k < columns; ++k)
      result.row(r)[k] = normal() * size;
  }
  return result;
}

} // namespace lowbit::test
