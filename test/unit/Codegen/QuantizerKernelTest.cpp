//===- QuantizerKernelTest.cpp - Activations by a quantizer ---------------===//
//
// Random layers whose activations are made as a quantizer says, at every level
// of this CPU: codes and scales must be those of the reference, or the integer
// sums behind them differ.
//
//===----------------------------------------------------------------------===//

#include "Layer.h"
#include "RandomWeights.h"

#include "lowbit/Support/Activations.h"

#include "gtest/gtest.h"

#include <cmath>
#include <limits>

using namespace lowbit;
using namespace lowbit::test;

namespace {

const char *const kBitLinear =
    "absmax reach 127 least 1.0e-05, multiply, clamp -128 127";

/// Activations by a quantizer in a scheme.
struct Activations {
  std::string quantizer, scheme;
};

/// A function `name` of x: the weight on activations of that kind.
void add(KernelModule &module, const Layer &layer, const Activations &by) {
  std::string rows = std::to_string(layer.x.rows());
  std::string columns = std::to_string(layer.weight.columns);
  std::string x = "tensor<" + rows + "x" + columns + "xf32>";
  std::string y =
      "tensor<" + rows + "x" + std::to_string(layer.outputs()) + "xf32>";
  bool permuted = !layer.weight.permutation.empty();
  std::string q = "!lowbit.tensor<" + rows + "x" + columns +
                  ", #lowbit.scheme<" + by.scheme + ">" +
                  (permuted ? ", permuted>" : ">");
  module.weight(layer.name, layer.weight);
  module.text("func.func @" + layer.name + "(%x: " + x + ") -> " + y + " {\n" +
              declarationOf(layer.name, layer.weight) +
              "  %q = lowbit.quantize %x by <" + by.quantizer + "> " +
              (permuted ? "permuted %p " : "") + ": " + x +
              (permuted ? ", tensor<" + columns + "xi32>" : "") + " -> " + q +
              "\n  %y = lowbit.linear %q, %w : " + q + ", " +
              typeOf(layer.weight) + " -> " + y + "\n  return %y : " + y +
              "\n}");
}

reference::LinearResult expectedOf(const Layer &layer, const Activations &by) {
  Scheme scheme;
  Quantizer quantizer;
  std::string error;
  EXPECT_TRUE(Scheme::parse(by.scheme, scheme, error)) << error;
  EXPECT_TRUE(Quantizer::parse(by.quantizer, quantizer, error)) << error;
  Indices order;
  order.data = layer.weight.permutation;
  return reference::linear(
      reference::quantize(layer.x, scheme,
                          order.data.empty() ? nullptr : &order, &quantizer),
      layer.weight, nullptr);
}

class QuantizerKernelTest : public testing::TestWithParam<int> {
protected:
  void SetUp() override {
    if (levelsOfThisCpu().empty())
      GTEST_SKIP() << "this CPU has none of our levels";
  }

  Random random{uint64_t(GetParam()) + 12000};
};

/// Of 4 or 8 bits, by row, or by as many groups of the weight.
std::string activationScheme(Random &random, const Scheme &weight) {
  std::string level = "row";
  if (weight.innerGroup() > 0 && random.oneIn(2))
    level =
        "group " + std::to_string(weight.innerGroup() * random.between(1, 3));
  return (random.oneIn(3) ? "s4, " : "s8, ") + level +
         (random.oneIn(2) ? " divisor f32" : " scale f32");
}

std::string quantizerFor(Random &random, const std::string &scheme) {
  bool hasDivisor = scheme.find("divisor") != std::string::npos;
  if (scheme[1] == '4')
    return hasDivisor
               ? "absmax reach 7, multiply"
               : random.pick<std::string>(
                     {fourBitQuantizer(kReachOfRow).str(), "absmax reach 7.5, divide",
                      "absmax reach 6, multiply, clamp -7 5"});
  if (hasDivisor)
    return random.oneIn(2) ? kBitLinear : "absmax reach 63.5, clamp -64 50";
  return random.pick<std::string>(
      {"absmax reach 127, scale least 1.1920929e-07, multiply",
       "absmax reach 127, divide", "absmax reach 7, divide, clamp -7 6",
       "absmax reach 100 least 0.5, multiply"});
}

} // namespace

TEST_P(QuantizerKernelTest, RandomLayers) {
  KernelModule module;
  std::vector<std::pair<Layer, Activations>> cases;
  for (int i = 0; i < 6; ++i) {
    Scheme scheme;
    do
      scheme = random.scheme();
    while (reference::codeUnit(scheme) == 0);
    int64_t columns = random.between(1, 300);
    Layer layer{"f" + std::to_string(i),
                random.weights(scheme, random.between(1, 40), columns),
                random.reals(random.pick<int64_t>({1, 2, 3, 9, 20}), columns),
                std::nullopt};
    if (random.oneIn(3))
      layer.weight.permutation = random.permutation(columns);
    Activations by;
    by.scheme = activationScheme(random, scheme);
    by.quantizer = quantizerFor(random, by.scheme);
    add(module, layer, by);
    cases.emplace_back(std::move(layer), std::move(by));
  }
  module.build();
  for (const auto &[layer, by] : cases)
    expectClose(callPlain(module, layer), expectedOf(layer, by),
                layer.what() + ", " + by.scheme + " by " + by.quantizer);
}

/// Rows of zeros, of tiny and of huge numbers.
TEST_P(QuantizerKernelTest, ExtremeRows) {
  Scheme scheme;
  std::string error;
  ASSERT_TRUE(Scheme::parse("ternary, tensor divisor f32", scheme, error));
  KernelModule module;
  Layer layer{"f", random.weights(scheme, 20, 50), random.reals(6, 50),
              std::nullopt};
  const double factors[] = {0, 1e-39, 1e-7, 1, 1e30, -1e-20};
  for (int64_t t = 0; t < 6; ++t)
    for (int64_t k = 0; k < 50; ++k)
      layer.x.row(t)[k] = float(layer.x.row(t)[k] * factors[t]);
  Activations by{kBitLinear, "s8, row divisor f32"};
  add(module, layer, by);
  module.build();
  expectClose(callPlain(module, layer), expectedOf(layer, by), layer.what());
}

/// NaN and infinity make their rows NaN and no others.
TEST_P(QuantizerKernelTest, NotFinite) {
  Scheme scheme;
  std::string error;
  ASSERT_TRUE(Scheme::parse("ternary, tensor divisor f32", scheme, error));
  KernelModule module;
  Layer layer{"f", random.weights(scheme, 17, 37), random.reals(3, 37),
              std::nullopt};
  layer.x.row(0)[36] = std::numeric_limits<float>::quiet_NaN();
  layer.x.row(1)[0] = -std::numeric_limits<float>::infinity();
  add(module, layer, {kBitLinear, "s8, row divisor f32"});
  module.build();
  for (const LevelResult &got : callPlain(module, layer))
    for (size_t i = 0; i < got.values.size(); ++i)
      EXPECT_EQ(std::isnan(got.values[i]), i < 2 * 17)
          << got.level << " " << i << ", " << layer.what();
}

INSTANTIATE_TEST_SUITE_P(Random, QuantizerKernelTest, testing::Range(0, 4));
