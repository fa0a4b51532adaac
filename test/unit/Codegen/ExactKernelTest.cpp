//===- ExactKernelTest.cpp - Integers, bit for bit ------------------------===//
//
// Cases whose float part is exact, so that one wrong unit of an integer sum is
// seen: scales are powers of two and results stay below 2^24 units, or there is
// one group and one rounding.
//
//===----------------------------------------------------------------------===//

#include "Layer.h"
#include "RandomWeights.h"

#include "lowbit/Support/Float.h"

#include "gtest/gtest.h"

#include <cmath>
#include <cstring>

using namespace lowbit;
using namespace lowbit::test;

namespace {

class ExactKernelTest : public testing::Test {
protected:
  void SetUp() override {
    if (levelsOfThisCpu().empty())
      GTEST_SKIP() << "this CPU has none of our levels";
  }

  Random random{5000};
};

/// Code sets whose products with int8 are integers: every width, both ends.
std::vector<std::string> integerCodes(Random &random) {
  std::vector<std::string> codes = {"ternary",       "sign",
                                    "u8 offset 128", "u8 offset 255",
                                    "u4 offset 8",   "u5 offset 1"};
  for (int bits = 1; bits <= 8; ++bits) {
    codes.push_back("u" + std::to_string(bits));
    if (bits > 1)
      codes.push_back("s" + std::to_string(bits));
  }
  codes.push_back("u1 codebook [-127.0, 127.0]");
  codes.push_back("u2 codebook [-0.75, -0.125, 0.25, 1.5]");
  codes.push_back("u3 codebook [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 64.0, 127.0]");
  std::string many = "u6 codebook [-127.0";
  for (int i = 1; i < 64; ++i)
    many += ", " + std::to_string(4 * i - 126) + ".0";
  codes.push_back(many + "]");
  codes.push_back("u1 codebook [3.0, 127.0] signs");
  codes.push_back("u2 codebook [0.0, 1.0, -5.0, 64.0] signs");
  for (bool signs : {false, true})
    for (int64_t most : {1, 43, 64, 127}) {
      codes.push_back(vectorCodes(3, 4, most, signs, random));
      codes.push_back(vectorCodes(9, 8, most, signs, random));
    }
  return codes;
}

/// Every field of the rows: scales 2^e, the others integers times 2^e, so that
/// all terms of a row are multiples of one power of two.
void setFields(LowBits &weight, Random &random) {
  // Under a minimum of 6 bits, 100 activations of 127 leave 4 of its units
  // before sums exceed 2^24 (scales alone reach 12 of its 16.7 million).
  int64_t largestMin = weight.scheme.levels.size() > 1 ? 4 : 50;
  for (RowFields &row : weight.rows) {
    float unit = std::ldexp(1.0f, int(random.between(-3, 3)));
    for (size_t level = 0; level < weight.scheme.levels.size(); ++level) {
      const auto &components = weight.scheme.levels[level].components;
      for (size_t i = 0; i < components.size(); ++i)
        for (uint32_t &field : row.fields[level][i]) {
          const FieldType &type = components[i].type;
          bool isScale = components[i].role == Component::Scale;
          bool isZero = components[i].role == Component::Zero;
          if (type.isInteger()) // the most that the type holds, or any
            field = random.oneIn(2) ? (1u << type.bits) - 1
                                    : uint32_t(random.between(
                                          0, (int64_t(1) << type.bits) - 1));
          else
            field = fieldBits(
                type, isScale  ? unit
                      : isZero ? float(random.between(-9, 99))
                               : unit * random.between(-largestMin, largestMin));
        }
    }
  }
}

/// Rows of all ends: lowest codes, highest, both in turn, and any. Of vectors
/// the ends are the first two entries.
void setCodes(LowBits &weight, Random &random) {
  auto most = weight.scheme.kind == CodeKind::Ternary
                  ? 2
                  : (1 << weight.scheme.bits) - 1;
  auto bits = weight.scheme.bits;
  // Two's complement: the ends are in the middle.
  auto low = weight.scheme.kind == CodeKind::Signed ? 1 << (bits - 1) : 0;
  auto high = weight.scheme.kind == CodeKind::Signed ? low - 1 : most;
  if (weight.scheme.isVector())
    high = 1;
  for (size_t r = 0; r < weight.rows.size(); ++r) {
    RowFields &row = weight.rows[r];
    auto code = [&](size_t k) {
      bool isHigh = r % 4 == 1 || (r % 4 == 2 && k % 2);
      return r % 4 == 3 ? random.between(0, most) : isHigh ? high : low;
    };
    for (size_t k = 0; k < row.codes.size(); ++k)
      row.codes[k] = uint8_t(code(k));
    for (size_t k = 0; k < row.indices.size(); ++k)
      row.indices[k] = uint16_t(code(k));
    // All, none, those of every other value (all of an entry's ends become
    // equal), and any.
    for (size_t k = 0; k < row.signs.size(); ++k)
      row.signs[k] = uint8_t(r / 4 % 4 == 3 ? random.between(0, 1)
                             : r / 4 % 4 == 2 ? k % 2
                                              : r / 4 % 4 == 1);
  }
}

/// Rows that quantize to +-127 in every element, with a scale of 2^e.
Reals extremeRows(Random &random, int64_t rows, int64_t columns) {
  Reals x({rows, columns});
  for (int64_t t = 0; t < rows; ++t) {
    double size = std::ldexp(127.0, int(random.between(-3, 3)));
    for (int64_t k = 0; k < columns; ++k) {
      bool isNegative = t % 4 == 1 || (t % 4 == 2 && k % 2) ||
                        (t % 4 == 3 && random.oneIn(2));
      x.row(t)[k] = isNegative ? -size : size;
    }
  }
  return x;
}

Layer extremeLayer(Random &random, const std::string &name,
                   const std::string &scheme, int64_t rows, int64_t columns,
                   int64_t outputs = 18) {
  Layer layer{name, random.weights(schemeOf(scheme), outputs, columns),
              extremeRows(random, rows, columns), std::nullopt};
  setFields(layer.weight, random);
  setCodes(layer.weight, random);
  return layer;
}

void checkEqual(const std::vector<Layer> &layers,
                const std::string &activations = "int8") {
  KernelModule module;
  for (const Layer &layer : layers)
    addPlain(module, layer);
  module.build(activations);
  for (const Layer &layer : layers) {
    ASSERT_TRUE(module.activations(layer.name)) << layer.what();
    expectEqual(callPlain(module, layer),
                expected(module, layer, layer.x.rows()).values,
                layer.what() + ", activations " + activations);
  }
}

// AVX2 adds pairs of products in 16 bits, which saturate for large codes.
TEST_F(ExactKernelTest, ExtremeCodesAndActivations) {
  std::vector<Layer> layers;
  for (const std::string &codes : integerCodes(random))
    layers.push_back(extremeLayer(random, "f" + std::to_string(layers.size()),
                                  codes + ", group 32 scale f32", 4, 100));
  checkEqual(layers);
  checkEqual(layers, "bf16"); // exact in f32 below 2^24
}

// As above, as many terms of a group as integers of 16 bits may meet.
TEST_F(ExactKernelTest, ExtremeCodesInLongGroups) {
  std::vector<Layer> layers;
  for (const std::string &codes : integerCodes(random))
    layers.push_back(extremeLayer(random, "f" + std::to_string(layers.size()),
                                  codes + ", group 128 scale f32", 1, 251));
  checkEqual(layers);
}

// N3: 32 bits hold P of up to 2^16 elements. One group and one rounding.
TEST_F(ExactKernelTest, ExtremeCodesInLongestGroup) {
  std::vector<Layer> layers;
  for (const std::string &codes :
       {std::string("u8"), std::string("u8 offset 128"), std::string("s8"),
        std::string("u1 codebook [-127.0, 127.0]"), std::string("u4"),
        vectorCodes(1, 8, 127, false, random),
        vectorCodes(1, 4, 127, true, random)})
    layers.push_back(extremeLayer(random, "f" + std::to_string(layers.size()),
                                  codes + ", row scale f32", 2, 1 << 16, 5));
  checkEqual(layers);
}

TEST_F(ExactKernelTest, MinimaAndZeroPoints) {
  std::vector<Layer> layers;
  for (const char *scheme : {
           "u4, group 32 scale f32 min f32",
           "u8, group 32 scale f16 neg_min bf16",
           "u3 offset 4, group 20 scale bf16 min f16",
           "u8, group 32 scale f32 zero u8",
           "u4, group 32 scale f16 zero u4",
           "s8, group 50 scale f32 zero s8",
           "u5, group 50 scale f16 zero f16",
           "ternary, group 64 scale f32 min f32",
           "sign, row scale f32 min f32",
           "u4, group 64 scale f16 neg_min f16, group 32 scale u6 neg_min u6",
           "u2, group 64 scale f16 neg_min f16, group 16 scale u4 neg_min u4",
           "u6 offset 32, group 64 scale f16, group 16 scale s5",
           "u3 offset 4, group 64 scale f16, group 16 scale u6 offset 32",
           "u4, tensor scale f32, group 24 scale u3",
           "s4, row scale f32, group 32 scale e8m0",
           "ternary, group 32 scale f32 delta 0.125",
           "u4 offset 8, group 64 scale f16, group 16 scale u3 delta 0.5",
       })
    layers.push_back(extremeLayer(random, "f" + std::to_string(layers.size()),
                                  scheme, 3, 100));
  // Fields of 8 bits: every one keeps the results below 2^24.
  checkEqual(layers);
  checkEqual(layers, "per-token");
  checkEqual(layers, "int8-pow2");
}

// The shapes of GGML's small formats, with codebooks by chance. Groups of 8 and
// 16 have their fields in units.
TEST_F(ExactKernelTest, VectorsUnderSharedFields) {
  const std::string d = ", group 256 scale f16, ";
  std::vector<Layer> layers;
  for (const std::string &scheme :
       {vectorCodes(11, 8, 1, false, random) + d +
            "group 32 scale u3 delta 0.125",
        vectorCodes(11, 8, 1, false, random) + d +
            "group 16 scale u3, group 8 delta 0.125",
        vectorCodes(8, 8, 43, true, random) + d + "group 32 scale u3",
        vectorCodes(9, 8, 43, true, random) + d + "group 16 scale u3",
        vectorCodes(10, 8, 43, true, random) + d + "group 16 scale u3",
        vectorCodes(8, 4, 62, true, random) + d + "group 32 scale u3",
        vectorCodes(9, 4, 15, true, random) + d + "group 32 scale u3"})
    for (int64_t columns : {256, 333})
      layers.push_back(extremeLayer(random, "f" + std::to_string(layers.size()),
                                    scheme, 3, columns));
  checkEqual(layers);
  checkEqual(layers, "per-token");
}

// One group with a scale of 1: the result is fl(P * scale of the activations),
// whatever the activations are.
TEST_F(ExactKernelTest, AnyActivationsInOneGroup) {
  std::vector<Layer> layers;
  for (const std::string &codes : integerCodes(random)) {
    Layer layer =
        extremeLayer(random, "f" + std::to_string(layers.size()),
                     codes + ", row scale f32", 2, random.between(1, 200));
    layer.x = random.reals(2, layer.weight.columns);
    layers.push_back(std::move(layer));
  }
  checkEqual(layers);
}

//===- The activations themselves -----------------------------------------===//

/// Output n is element n: a weight of ones on the diagonal, scales of 1.
LowBits identity(const std::string &text, int64_t columns) {
  LowBits weight{schemeOf(text), columns, {}};
  float one = 1;
  for (int64_t n = 0; n < columns; ++n) {
    RowFields &row = weight.rows.emplace_back();
    row.resize(weight.scheme, columns);
    row.codes[size_t(n)] = 1;
    for (uint32_t &scale : row.fields[0][0])
      std::memcpy(&scale, &one, sizeof one);
  }
  return weight;
}

/// A row of every kind that N2 tells apart.
Reals rowsOfEveryKind(Random &random, int64_t columns) {
  Reals x({11, columns});
  for (int64_t k = 0; k < columns; ++k) {
    x.row(0)[k] = random.normal();
    // Ties of rounding, under a largest magnitude of 127 in every group.
    x.row(1)[k] = k % 5 == 4 ? 127 : double(random.between(-126, 126)) + 0.5;
    x.row(2)[k] = 0;
    x.row(3)[k] = std::ldexp(random.normal(), -122); // about the smallest
    x.row(4)[k] = std::ldexp(random.normal(), 120);
    x.row(5)[k] = k == columns / 2 ? NAN : k == 0 ? INFINITY : random.normal();
    x.row(6)[k] = k == columns - 1 ? -3 : 0;
    x.row(7)[k] = random.oneIn(9) ? random.normal() : 0x1p-120f;
    x.row(8)[k] = (random.oneIn(2) ? -1 : 1) * 0x1p-120f;
    x.row(9)[k] = std::ldexp(random.normal(), -127); // denormal to bf16
    // Ties and their neighbours, upwards and downwards to even.
    x.row(10)[k] = fromF32(0x3f800000 + uint32_t(random.between(0, 127)) * 0x10000
                           + 0x8000 + uint32_t(random.between(-1, 1)));
  }
  for (double &value : x.data)
    value = static_cast<float>(value);
  return x;
}

constexpr int64_t kNonFinite = 5; ///< some codes; nothing traps

void checkActivations(Random &random, const std::string &activations) {
  std::vector<Layer> layers;
  auto add = [&](const std::string &level, int64_t columns) {
    layers.push_back({"f" + std::to_string(layers.size()),
                      identity("s8, " + level + " scale f32", columns),
                      rowsOfEveryKind(random, columns), std::nullopt});
  };
  add("group 32", 64);
  add("group 32", 75);
  add("group 8", 70); // four groups share a scale
  add("group 5", 33); // so do seven; a group is padded to 8
  add("group 7", 6);  // shorter than a group
  add("group 50", 130);
  add("group 130", 140);
  add("row", 1);
  add("row", 210);
  KernelModule module;
  for (const Layer &layer : layers)
    addPlain(module, layer);
  module.build(activations);
  for (const Layer &layer : layers) {
    auto scheme = module.activations(layer.name);
    ASSERT_TRUE(scheme);
    Reals wanted = reference::dequantize(reference::quantize(layer.x, *scheme));
    std::vector<LevelResult> results = callPlain(module, layer);
    for (int64_t k = 0; k < wanted.columns(); ++k) {
      wanted.row(kNonFinite)[k] = 0;
      for (LevelResult &result : results)
        result.values[size_t(kNonFinite * wanted.columns() + k)] = 0;
    }
    expectEqual(results, wanted, layer.what() + ", as " + scheme->str());
  }
}

TEST_F(ExactKernelTest, QuantizedActivations) {
  checkActivations(random, "int8");
}

TEST_F(ExactKernelTest, QuantizedActivationsByPowersOfTwo) {
  checkActivations(random, "int8-pow2");
}

TEST_F(ExactKernelTest, QuantizedActivationsPerToken) {
  checkActivations(random, "per-token");
}

TEST_F(ExactKernelTest, ActivationsRoundedToBf16) {
  checkActivations(random, "bf16");
}

// N2: 32 elements, or the weight's innermost group where that is longer, always
// whole groups of the weight and never across an outer one.
TEST_F(ExactKernelTest, ActivationsOfAWeight) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"group 32 scale f32", "s8, group 32 scale f32"},
      {"group 16 scale f32", "s8, group 32 scale f32"},
      {"group 24 scale f32", "s8, group 48 scale f32"},
      {"group 50 scale f32", "s8, group 50 scale f32"},
      {"group 256 scale f32", "s8, group 256 scale f32"},
      {"row scale f32", "s8, row scale f32"},
      {"group 60 scale f32, group 20 scale u4", "s8, group 20 scale f32"},
      {"group 80 scale f32, group 20 scale u4", "s8, group 40 scale f32"},
  };
  KernelModule module;
  for (size_t i = 0; i < cases.size(); ++i)
    addPlain(module, extremeLayer(random, "f" + std::to_string(i),
                                  "u4, " + cases[i].first, 1, 8, 1));
  module.build();
  for (size_t i = 0; i < cases.size(); ++i) {
    auto scheme = module.activations("f" + std::to_string(i));
    EXPECT_EQ(scheme ? scheme->str() : "", cases[i].second);
  }
}

} // namespace
