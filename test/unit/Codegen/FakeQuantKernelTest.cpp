//===- FakeQuantKernelTest.cpp - Reals that codes stand for, compiled -----===//
//
// lowbit.fake_quant at every level of this CPU: the bits of RowQuantizer.
//
//===----------------------------------------------------------------------===//

#include "KernelModule.h"
#include "RandomWeights.h"

#include "lowbit/Quantize/RowQuantizer.h"

#include "gtest/gtest.h"

#include <cmath>
#include <limits>

using namespace lowbit;
using namespace lowbit::test;

namespace {

struct Rounding {
  const char *quantizer, *scheme;
};

const Rounding kRoundings[] = {
    {"absmax reach 127 least 1.0e-05, multiply, clamp -128 127",
     "s8, row divisor f32"},
    {"absmax reach 127.5, scale least 1.1920929e-07, multiply",
     "s8, row scale f32"},
    {"minmax, scale least 1.1754944e-38, multiply",
     "s8, row scale f32 zero s8"},
    {"minmax, divide", "s4, group 24 scale f32 zero s4"},
    {"absmax reach 7, divide", "u4 offset 8, group 16 scale f32"}};

constexpr int64_t kRows = 9;

/// Rows of zeros, of one sign, of extremes, and one that is not finite.
std::vector<float> inputs(Random &random, int64_t columns) {
  Reals x = random.reals(kRows, columns);
  std::vector<float> values(x.data.begin(), x.data.end());
  const float factors[kRows] = {1, 0, -0.0f, 1e-30f, 1e30f, 1, 1, 1, 1};
  for (int64_t i = 0; i < kRows * columns; ++i) {
    values[size_t(i)] *= factors[i / columns];
    if (i / columns == 5)
      values[size_t(i)] = std::fabs(values[size_t(i)]);
    if (i / columns == 6)
      values[size_t(i)] = -std::fabs(values[size_t(i)]);
  }
  values[size_t(7 * columns)] = std::numeric_limits<float>::quiet_NaN();
  return values;
}

std::vector<float> expected(const Rounding &rounding,
                            const std::vector<float> &x) {
  Quantizer quantizer;
  Scheme scheme;
  std::string error;
  EXPECT_TRUE(Quantizer::parse(rounding.quantizer, quantizer, error)) << error;
  EXPECT_TRUE(Scheme::parse(rounding.scheme, scheme, error)) << error;
  RowQuantizer rows(quantizer, scheme);
  auto columns = int64_t(x.size()) / kRows;
  std::vector<float> values(x.size());
  for (int64_t t = 0; t < kRows; ++t)
    rows.fakeQuantize(x.data() + t * columns, columns,
                      values.data() + t * columns);
  return values;
}

TEST(FakeQuantKernelTest, HasTheBitsOfRowQuantizer) {
  if (levelsOfThisCpu().empty())
    GTEST_SKIP() << "this CPU has none of our levels";
  KernelModule module;
  auto nameOf = [](size_t i, int64_t columns) {
    return "f" + std::to_string(i) + "_" + std::to_string(columns);
  };
  for (size_t i = 0; i < std::size(kRoundings); ++i)
    for (int64_t columns : {1, 48, 77}) {
      std::string x = "tensor<" + std::to_string(kRows) + "x" +
                      std::to_string(columns) + "xf32>";
      module.text("func.func @" + nameOf(i, columns) + "(%x: " + x + ") -> " +
                  x + " {\n  %y = lowbit.fake_quant %x by <" +
                  kRoundings[i].quantizer + "> in <" + kRoundings[i].scheme +
                  "> : " + x + "\n  return %y : " + x + "\n}");
    }
  module.build();
  Random random(31000);
  for (size_t i = 0; i < std::size(kRoundings); ++i)
    for (int64_t columns : {1, 48, 77}) {
      std::vector<float> x = inputs(random, columns);
      std::vector<float> wanted = expected(kRoundings[i], x);
      for (const LevelResult &got :
           module.call(nameOf(i, columns), {x.data()}, int64_t(wanted.size())))
        for (size_t k = 0; k < wanted.size(); ++k)
          EXPECT_TRUE(got.values[k] == wanted[k] ||
                      (std::isnan(got.values[k]) && std::isnan(wanted[k])))
              << got.level << ", " << kRoundings[i].quantizer << ", element "
              << k << " of " << columns << " columns: " << got.values[k]
              << ", expected " << wanted[k]
              << ", LOWBIT_TEST_SEED = " << testSeed();
    }
}

} // namespace
