//===- LowBitTest.cpp - Quantize and linear against their definitions -----===//

#include "lowbit/Reference/LowBit.h"
#include "lowbit/Reference/LM.h"

#include "gtest/gtest.h"

#include <cmath>
#include <cstdlib>
#include <random>
#include <string>

using namespace lowbit;
using namespace lowbit::reference;

namespace {

Scheme schemeOf(const std::string &text) {
  Scheme scheme;
  std::string error;
  EXPECT_TRUE(Scheme::parse(text, scheme, error)) << error;
  EXPECT_EQ(scheme.check(), "");
  return scheme;
}

uint64_t seed() {
  const char *text = std::getenv("LOWBIT_TEST_SEED");
  return text ? std::strtoull(text, nullptr, 10) : 1;
}

class LowBitTest : public testing::Test {
protected:
  std::mt19937_64 random{seed()};

  Reals normal(int64_t rows, int64_t columns) {
    std::normal_distribution<float> distribution;
    Reals reals({rows, columns});
    for (double &value : reals.data)
      value = distribution(random);
    return reals;
  }

  /// Random codes under random fields of moderate size.
  LowBits anyBits(const std::string &text, int64_t rows, int64_t columns) {
    LowBits bits{schemeOf(text), columns, {}};
    for (int64_t r = 0; r < rows; ++r) {
      RowFields &row = bits.rows.emplace_back();
      row.resize(bits.scheme, columns);
      unsigned codes =
          bits.scheme.kind == CodeKind::Ternary ? 3 : 1u << bits.scheme.bits;
      for (uint8_t &code : row.codes)
        code = static_cast<uint8_t>(random() % codes);
      for (uint16_t &index : row.indices)
        index = static_cast<uint16_t>(random() % codes);
      for (uint8_t &sign : row.signs)
        sign = random() & 1;
      for (size_t level = 0; level < bits.scheme.levels.size(); ++level)
        setFields(bits.scheme.levels[level], row.fields[level]);
    }
    return bits;
  }

private:
  void setFields(const Level &level,
                 std::vector<std::vector<uint32_t>> &fields) {
    std::uniform_real_distribution<float> real(0.25f, 2);
    for (size_t i = 0; i < fields.size(); ++i)
      for (uint32_t &field : fields[i]) {
        const FieldType &type = level.components[i].type;
        field = type.isInteger()
                    ? static_cast<uint32_t>(random() % (1u << type.bits))
                    : fieldBits(type, real(random));
      }
  }
};

/// Schemes of weights that between them have every kind of code and component.
const char *const kWeightSchemes[] = {
    "u4, group 32 scale f16 min f16",
    "u4 offset 8, group 32 scale f16",
    "s8, group 32 scale f16",
    "u5, group 50 scale f16 zero u5",
    "u3, group 48 scale bf16 zero f16",
    "u4, group 256 scale f16 neg_min f16, group 32 scale u6 neg_min u6",
    "u6 offset 32, group 256 scale f16, group 16 scale s8",
    "ternary, row scale f32",
    "sign, group 128 scale f16",
    "u2 codebook [-4.0, -1.0, 1.0, 4.0], group 24 scale bf16",
    "u2 codebook [-0.75, -0.125, 0.25, 1.5], group 24 scale bf16",
    "u2 codebook [-1.0, -0.3, 0.3, 1.0], row scale f32",
    "u3 codebook [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, -6.0], row scale e8m0",
    "u2 codebook [0.0, 0.5, 1.0, 1.5] signs, row scale f32",
    "u3 codebook 4 x1234e7a10110f00e43d2119b0101ff78, group 32 scale f16",
    ("u2 codebook 8 x01234567765432100110220033000007 signs, group 64 scale "
     "f16, group 16 scale u4"),
    "u1 codebook 8 x0101ff1000f1f0f1, group 16 scale f16, group 8 delta 0.125",
    "u1 codebook 4 [0.1, 0.2, 0.3, -0.4, 0.5, 0.6, 0.7, 0.8], row scale f32",
};
const char *const kActivationSchemes[] = {
    "s8, group 32 scale f32", "s8, group 256 scale f32", "s8, row scale f32"};

/// sum_k |x[k]| (|S (c - z)| + |M|): what the roundings of dequantized numbers
/// are relative to.
double magnitude(const LowBits &x, int64_t t, const LowBits &w, int64_t n) {
  std::vector<double> values = rowOf(Value(x), t);
  double sum = 0;
  for (int64_t k = 0; k < w.columns; ++k) {
    GroupTerms terms = groupTerms(w.scheme, w.rows[n], k);
    double code = elementValue(w.scheme, w.rows[n], k);
    sum +=
        std::fabs(values[k]) *
        (std::fabs(terms.scale * (code - terms.zero)) + std::fabs(terms.min));
  }
  return sum;
}

// The linear layer is the sum of products of the dequantized numbers, whatever
// way the reference groups it; but dequantized numbers are rounded to f32, four
// times at most, and grouped ones are not.
TEST_F(LowBitTest, LinearIsProductOfDequantized) {
  for (const char *weights : kWeightSchemes)
    for (const char *activations : kActivationSchemes)
      for (int64_t columns : {1, 31, 96, 300, 784}) {
        LowBits w = anyBits(weights, 3, columns);
        LowBits x = quantize(normal(2, columns), schemeOf(activations));
        LinearResult got = reference::linear(Value(x), w, nullptr);
        LinearResult ofReals =
            reference::linear(Value(dequantize(x)), w, nullptr);
        EXPECT_EQ(ofReals.groups, columns);
        Reals wanted =
            reference::linear(dequantize(x), Value(dequantize(w)), nullptr);
        for (int64_t t = 0; t < 2; ++t)
          for (int64_t n = 0; n < 3; ++n) {
            double bound = 4 * 0x1p-24 * magnitude(x, t, w, n);
            EXPECT_NEAR(got.values.row(t)[n], wanted.row(t)[n], bound)
                << weights << " / " << activations << " / " << columns;
            EXPECT_NEAR(ofReals.values.row(t)[n], wanted.row(t)[n], bound)
                << weights << " / " << activations << " / " << columns;
          }
      }
}

TEST_F(LowBitTest, GroupSumsAreSumsOfCodes) {
  LowBits w = anyBits("u4 offset 8, group 32 scale f16", 1, 100);
  LowBits x = quantize(normal(1, 100), schemeOf("s8, group 48 scale f32"));
  auto sums = groupSums(x.scheme, x.rows[0], w.scheme, w.rows[0], 100);
  std::vector<int64_t> firsts;
  for (const GroupSum &sum : sums) {
    firsts.push_back(sum.first);
    int64_t products = 0, activations = 0, weights = 0;
    for (int64_t k = sum.first; k < sum.first + sum.count; ++k) {
      int64_t a = static_cast<int8_t>(x.rows[0].codes[k]);
      int64_t b = int64_t(w.rows[0].codes[k]) - 8;
      products += a * b;
      activations += a;
      weights += b;
    }
    EXPECT_EQ(sum.products, products);
    EXPECT_EQ(sum.activations, activations);
    EXPECT_EQ(sum.weights, weights);
  }
  EXPECT_EQ(firsts, (std::vector<int64_t>{0, 32, 48, 64, 96}));
}

TEST_F(LowBitTest, CodeUnit) {
  EXPECT_EQ(codeUnit(schemeOf("u4 offset 8, row scale f32")), 1);
  EXPECT_EQ(codeUnit(schemeOf("u1 codebook [-3.0, 5.0], row scale f32")), 1);
  EXPECT_EQ(codeUnit(schemeOf("u1 codebook [-0.75, 5.0], row scale f32")),
            0.25);
  EXPECT_EQ(codeUnit(schemeOf("u1 codebook [-0.3, 5.0], row scale f32")), 0);
  EXPECT_EQ(codeUnit(schemeOf("f16")), 0);
  EXPECT_EQ(codeUnit(schemeOf("u1 codebook 4 x0123456f signs, row scale f32")),
            1);
}

// At most half a step, but for the rounding of scale and product.
TEST_F(LowBitTest, QuantizeErrsByHalfAStep) {
  for (const char *text : kActivationSchemes) {
    Reals x = normal(4, 300);
    LowBits q = quantize(x, schemeOf(text));
    Reals back = dequantize(q);
    for (int64_t r = 0; r < 4; ++r)
      for (int64_t k = 0; k < 300; ++k) {
        double scale = groupTerms(q.scheme, q.rows[r], k).scale;
        EXPECT_LE(std::fabs(back.row(r)[k] - x.row(r)[k]), scale * 0.50001);
      }
  }
}

TEST_F(LowBitTest, QuantizeReachesTheLargest) {
  Reals x = normal(4, 64);
  LowBits q = quantize(x, schemeOf("s8, row scale f32"));
  for (const RowFields &row : q.rows) {
    int largest = 0;
    for (uint8_t code : row.codes)
      largest = std::max(largest, std::abs(static_cast<int8_t>(code)));
    EXPECT_EQ(largest, 127);
  }
}

// Numbers that are none: a code all the same, never a trap.
TEST_F(LowBitTest, QuantizeOfNonFinite) {
  Reals x({1, 3});
  x.data = {NAN, INFINITY, -1};
  LowBits q = quantize(x, schemeOf("s8, row scale f32"));
  EXPECT_EQ(q.rows[0].codes.size(), 3u);
}

TEST_F(LowBitTest, OtherSchemesRoundToNearest) {
  Reals x({1, 4});
  x.data = {0, 1, 2, 15};
  LowBits q = quantize(x, schemeOf("u4, group 4 scale f32 min f32"));
  EXPECT_EQ(dequantize(q).data, x.data);
}

TEST_F(LowBitTest, BoundGrowsWithGroups) {
  LowBits w = anyBits("u4 offset 8, group 32 scale f16", 1, 64);
  LowBits x = anyBits("s8, group 32 scale f32", 1, 64);
  Reals bias({1});
  bias.data = {100};
  LinearResult result = reference::linear(Value(x), w, &bias);
  EXPECT_EQ(result.groups, 2);
  EXPECT_GE(result.absoluteTerms.data[0], 100);
  EXPECT_DOUBLE_EQ(result.bound(0, 0, 4),
                   4 * 3 * 0x1p-24 * result.absoluteTerms.data[0]);
}

} // namespace
