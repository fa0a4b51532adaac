//===- PermutationKernelTest.cpp - Columns stored in another order --------===//
//
// Random layers whose panels end with a tail of rows and whose rows end with a
// tail of a group, permuted, at every level of this CPU.
//
//===----------------------------------------------------------------------===//

#include "Layer.h"
#include "RandomWeights.h"

#include "gtest/gtest.h"

#include <cmath>

using namespace lowbit;
using namespace lowbit::test;

namespace {

class PermutationKernelTest : public testing::TestWithParam<int> {
protected:
  void SetUp() override {
    if (levelsOfThisCpu().empty())
      GTEST_SKIP() << "this CPU has none of our levels";
  }

  Random random{uint64_t(GetParam()) + 9000};
};

Layer permutedLayer(Random &random, const std::string &name, int64_t rows) {
  Scheme scheme;
  do
    scheme = random.scheme();
  while (reference::codeUnit(scheme) == 0 || scheme.innerGroup() <= 0);
  int64_t group = scheme.innerGroup();
  int64_t columns =
      group * random.between(0, 3) + random.between(1, group - 1);
  int64_t outputs = 16 * random.between(0, 2) + random.between(1, 15);
  Layer layer{name, random.weights(scheme, outputs, columns),
              random.reals(rows, columns), std::nullopt};
  layer.weight.permutation = random.permutation(columns);
  return layer;
}

void check(Random &random, const std::string &activations,
           const std::vector<int64_t> &rows) {
  KernelModule module;
  std::vector<Layer> layers;
  for (int i = 0; i < 5; ++i) {
    layers.push_back(permutedLayer(random, "f" + std::to_string(i),
                                   random.pick(rows)));
    addPlain(module, layers.back());
  }
  module.build(activations);
  for (const Layer &layer : layers)
    expectClose(callPlain(module, layer),
                expected(module, layer, layer.x.rows()), layer.what());
}

TEST_P(PermutationKernelTest, CodesAsActivations) {
  check(random, "int8", {1, 2, 3, 9, 20});
}

TEST_P(PermutationKernelTest, OneScalePerToken) {
  check(random, "per-token", {1, 4, 13});
}

TEST_P(PermutationKernelTest, RealActivations) {
  check(random, "f32", {1, 2, 3});
}

/// Decoding makes its rows by another kernel than a batch.
TEST_P(PermutationKernelTest, Text) {
  KernelModule module;
  Layer layer = permutedLayer(random, "text", 20);
  addText(module, layer);
  module.build();
  for (int64_t rows : {1, 2, 11, 20})
    expectClose(module.decode(int32_t(rows), rows * layer.outputs()),
                expected(module, layer, rows), layer.what());
}

/// The sum of layers on one x as the function `f`. Each declares a %w of its
/// own.
std::string oneInput(const std::vector<Layer> &layers) {
  std::string x = "tensor<3x100xf32>", y = "tensor<3x18xf32>", body, sum;
  for (const Layer &layer : layers) {
    std::string lines = declarationOf(layer.name, layer.weight) +
                        "  %y = lm.linear %x, %w : " + x + ", " +
                        typeOf(layer.weight) + " -> " + y + "\n";
    for (const char *value : {"%p", "%w", "%y"})
      for (size_t at = 0; (at = lines.find(value, at)) != std::string::npos;)
        lines.insert(at += 2, "." + layer.name);
    std::string result = "%y." + layer.name;
    body += lines;
    if (!sum.empty())
      body += "  %sum." + layer.name + " = lm.add " + sum + ", " + result +
              " : " + y + "\n";
    sum = sum.empty() ? result : "%sum." + layer.name;
  }
  return "func.func @f(%x: " + x + ") -> " + y + " {\n" + body + "  return " +
         sum + " : " + y + "\n}";
}

/// One x for weights of two permutations, twice one of them, and of none: their
/// sum is right only if each has the rows that it needs.
TEST_P(PermutationKernelTest, LayersOfOneInput) {
  const int64_t k = 100, n = 18, rows = 3;
  Scheme scheme = schemeOf("u4, group 32 scale f16 min f16");
  for (const char *activations : {"int8", "f32"}) {
    KernelModule module;
    Reals x = random.reals(rows, k), wanted({rows, n}), bound({rows, n});
    std::vector<Layer> layers;
    auto first = random.permutation(k);
    for (const std::vector<int32_t> &order :
         {first, random.permutation(k), {}, first}) {
      std::string name = "w" + std::to_string(layers.size());
      Layer layer{name, random.weights(scheme, n, k), x, std::nullopt};
      layer.weight.permutation = order;
      module.weight(name, layer.weight);
      layers.push_back(std::move(layer));
    }
    module.text(oneInput(layers));
    module.build(activations);
    for (const Layer &layer : layers) {
      auto part = expected(module, layer, rows);
      for (size_t i = 0; i < wanted.data.size(); ++i) {
        wanted.data[i] += part.values.data[i];
        bound.data[i] += part.bound(int64_t(i) / n, int64_t(i) % n, 4);
        // The sum of the layers so far is rounded, too.
        bound.data[i] += std::fabs(wanted.data[i]) * 0x1p-23;
      }
    }
    std::vector<float> input = floats(x);
    expectWithin(module.call("f", {input.data()}, rows * n), wanted,
                 activations,
                 [&](int64_t t, int64_t c) { return bound.row(t)[c]; });
  }
}

INSTANTIATE_TEST_SUITE_P(Random, PermutationKernelTest, testing::Range(0, 4));

} // namespace
