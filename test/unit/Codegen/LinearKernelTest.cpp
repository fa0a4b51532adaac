//===- LinearKernelTest.cpp - Rows times panels, against the reference ----===//
//
// Every case is one (scheme, N, K, T) at every level of this CPU, with one and
// two threads: 12 modules of 8 + 6 + 7 + 2 + 6 cases.
//
//===----------------------------------------------------------------------===//

#include "Layer.h"
#include "RandomWeights.h"

#include "gtest/gtest.h"

using namespace lowbit;
using namespace lowbit::test;

namespace {

class LinearKernelTest : public testing::TestWithParam<int> {
protected:
  void SetUp() override {
    if (levelsOfThisCpu().empty())
      GTEST_SKIP() << "this CPU has none of our levels";
  }
};

/// N and K of every kind: below one panel, tails of panels, groups and quads.
Layer randomLayer(Random &random, const std::string &name, int64_t rows,
                  bool integerCodes) {
  Scheme scheme;
  do
    scheme = random.oneIn(3) ? random.pick(fileSchemes()) : random.scheme();
  while (integerCodes && reference::codeUnit(scheme) == 0);
  int64_t group = std::max<int64_t>(scheme.innerGroup(), 16);
  int64_t columns = random.oneIn(4)   ? group * random.between(1, 3)
                    : random.oneIn(2) ? random.between(1, 100)
                                      : random.between(1, 700);
  int64_t outputs =
      random.oneIn(5) ? 16 * random.between(1, 3) : random.between(1, 70);
  Layer layer{name, random.weights(scheme, outputs, columns),
              random.reals(rows, columns), std::nullopt};
  if (name != "text" && random.oneIn(3)) {
    layer.bias = random.reals(1, outputs);
    layer.bias->shape = {outputs};
  }
  return layer;
}

/// Plain functions of random layers, `rows` of each from the list.
std::vector<Layer> addRandom(KernelModule &module, Random &random, int count,
                             const std::vector<int64_t> &rows) {
  std::vector<Layer> layers;
  for (int i = 0; i < count; ++i) {
    Layer layer = randomLayer(random, "f" + std::to_string(i),
                              random.pick(rows), /*integerCodes=*/false);
    addPlain(module, layer);
    layers.push_back(std::move(layer));
  }
  return layers;
}

std::string activations(Random &random) {
  return random.pick(std::vector<std::string>{"int8", "int8", "int8-pow2",
                                              "per-token", "bf16"});
}

/// Functions of a fixed number of rows: eight cases a module.
TEST_P(LinearKernelTest, Plain) {
  Random random{uint64_t(GetParam())};
  KernelModule module;
  std::vector<Layer> layers = addRandom(
      module, random, 8, {1, 1, 2, 3, 5, 7, 9, random.between(10, 40)});
  module.build(activations(random));
  for (const Layer &layer : layers)
    expectClose(callPlain(module, layer),
                expected(module, layer, layer.x.rows()), layer.what());
}

/// The exact mode. Its kernels decode in registers: few rows keep them small.
TEST_P(LinearKernelTest, RealActivations) {
  Random random{uint64_t(GetParam()) + 1000};
  KernelModule module;
  std::vector<Layer> layers = addRandom(module, random, 6, {1, 1, 2, 3});
  module.build("f32");
  for (const Layer &layer : layers)
    expectClose(callPlain(module, layer),
                expected(module, layer, layer.x.rows()), layer.what());
}

/// Activations of bf16: by pack.dot2 where it is an instruction, else widened.
TEST_P(LinearKernelTest, Bf16Activations) {
  Random random{uint64_t(GetParam()) + 4000};
  KernelModule module;
  std::vector<Layer> layers = addRandom(
      module, random, 4, {1, 1, 2, 3, 5, 9, random.between(17, 30)});
  for (int64_t rows : {int64_t(1), random.between(2, 16), int64_t(25)}) {
    int64_t columns = random.between(1, 300);
    layers.push_back({"w" + std::to_string(rows),
                      random.weights(schemeOf("bf16"), random.between(1, 70),
                                     columns),
                      random.reals(rows, columns), std::nullopt});
    addPlain(module, layers.back());
  }
  module.build("bf16");
  for (const Layer &layer : layers)
    expectClose(callPlain(module, layer),
                expected(module, layer, layer.x.rows()), layer.what());
}

/// Panels that exceed the cache are cut along K; partial sums wait in memory.
TEST_P(LinearKernelTest, LongRows) {
  Random random{uint64_t(GetParam()) + 3000};
  KernelModule module;
  std::vector<Layer> layers;
  for (int i = 0; i < 2; ++i) {
    Scheme scheme = random.oneIn(2) ? random.pick(fileSchemes())
                                    : random.scheme();
    int64_t columns = random.between(1500, 6000);
    if (random.oneIn(2))
      columns = columns / 256 * 256;
    layers.push_back({"f" + std::to_string(i),
                      random.weights(scheme, random.between(30, 70), columns),
                      random.reals(random.between(17, 23), columns),
                      std::nullopt});
    addPlain(module, layers.back());
  }
  module.build(activations(random));
  for (const Layer &layer : layers)
    expectClose(callPlain(module, layer),
                expected(module, layer, layer.x.rows()), layer.what());
}

/// The function of decoding has kernels of one row and of any number of rows.
TEST_P(LinearKernelTest, Text) {
  Random random{uint64_t(GetParam()) + 2000};
  KernelModule module;
  Layer layer = randomLayer(random, "text", 40, /*integerCodes=*/true);
  addText(module, layer);
  module.build(activations(random));
  for (int64_t rows :
       {int64_t(1), int64_t(2), random.between(3, 11), int64_t(12),
        random.between(13, 16), random.between(17, 40)})
    expectClose(module.decode(int32_t(rows), rows * layer.outputs()),
                expected(module, layer, rows),
                layer.what() + " of which " + std::to_string(rows));
}

INSTANTIATE_TEST_SUITE_P(Random, LinearKernelTest, testing::Range(0, 12));

} // namespace
