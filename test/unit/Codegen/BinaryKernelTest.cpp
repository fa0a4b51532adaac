//===- BinaryKernelTest.cpp - Signs times signs ---------------------------===//
//
// Activations of 1 bit at every level of this CPU. Where a weight's scales are
// powers of two and its groups few, results are exact: a wrong sign, a bit that
// pads a word or another order of the magnitudes' sum is seen.
//
//===----------------------------------------------------------------------===//

#include "Layer.h"
#include "RandomWeights.h"

#include "gtest/gtest.h"

#include <cmath>
#include <limits>

using namespace lowbit;
using namespace lowbit::test;

namespace {

class BinaryKernelTest : public testing::Test {
protected:
  void SetUp() override {
    if (levelsOfThisCpu().empty())
      GTEST_SKIP() << "this CPU has none of our levels";
  }

  Random random{11000};
};

/// A number whose multiples are all that a row's sums hold: 1, and what an
/// integer or a delta divides it into.
void setFields(LowBits &weight, Random &random) {
  for (RowFields &row : weight.rows)
    for (size_t level = 0; level < weight.scheme.levels.size(); ++level) {
      const auto &components = weight.scheme.levels[level].components;
      for (size_t i = 0; i < components.size(); ++i)
        for (uint32_t &field : row.fields[level][i])
          field = components[i].type.isInteger()
                      ? uint32_t(random.between(
                            0, std::min(7, (1 << components[i].type.bits) - 1)))
                      : fieldBits(components[i].type,
                                  std::ldexp(random.oneIn(2) ? 1.0f : -1.0f,
                                             int(random.between(-2, 2))));
    }
}

/// The magnitudes of a row are one power of two, which is then its scale.
Reals signs(Random &random, int64_t rows, int64_t columns) {
  Reals x({rows, columns});
  for (int64_t t = 0; t < rows; ++t) {
    double size = std::ldexp(1.0, int(random.between(-3, 3)));
    int64_t kind = random.between(0, 3);
    for (int64_t k = 0; k < columns; ++k)
      x.row(t)[k] = kind == 0 || (kind > 1 && random.oneIn(2)) ? size : -size;
  }
  return x;
}

struct Shape {
  const char *levels;
  int64_t columns, outputs, rows;
};

std::vector<Layer> exactLayers(Random &random,
                               const std::vector<Shape> &shapes) {
  std::vector<Layer> layers;
  for (const Shape &shape : shapes) {
    Scheme scheme = schemeOf(std::string("sign, ") + shape.levels);
    layers.push_back({"f" + std::to_string(layers.size()),
                      random.weights(scheme, shape.outputs, shape.columns),
                      signs(random, shape.rows, shape.columns), std::nullopt});
    setFields(layers.back().weight, random);
  }
  return layers;
}

void checkEqual(const std::vector<Layer> &layers) {
  KernelModule module;
  for (const Layer &layer : layers)
    addPlain(module, layer);
  module.build("binary");
  for (const Layer &layer : layers) {
    auto scheme = module.activations(layer.name);
    ASSERT_EQ(scheme ? scheme->str() : "", "sign, row scale f32");
    expectEqual(callPlain(module, layer),
                expected(module, layer, layer.x.rows()).values, layer.what());
  }
}

// Every tail of a word, of the words that are unrolled, and of a panel.
TEST_F(BinaryKernelTest, RowsOfOneGroup) {
  checkEqual(exactLayers(random, {{"row scale f32", 1, 1, 1},
                                  {"row scale f32", 31, 16, 2},
                                  {"row scale f32", 33, 17, 4},
                                  {"row scale f16", 100, 50, 8},
                                  {"tensor scale f32", 127, 33, 16},
                                  {"row scale f32", 256, 49, 33},
                                  {"row scale f32", 257, 96, 33},
                                  {"row scale f32", 511, 15, 3},
                                  {"row scale f32", 1000, 65, 23},
                                  {"row scale f32", 4099, 20, 1}}));
}

TEST_F(BinaryKernelTest, Groups) {
  checkEqual(exactLayers(
      random, {{"group 32 scale f16", 32, 16, 1},
               {"group 32 scale f16", 77, 40, 2},
               {"group 64 scale bf16", 200, 17, 33},
               {"group 128 scale f16", 384, 50, 4},
               {"group 128 scale f16", 300, 48, 16},
               {"group 256 scale f32", 100, 5, 8},
               {"group 256 scale f32", 1029, 33, 21},
               {"group 4096 scale f32", 5000, 18, 2},
               {"tensor scale f32, group 96 scale u3", 400, 20, 3},
               {"group 256 scale f16, group 64 scale u4", 700, 31, 18},
               {"row scale f32, group 32 scale e8m0", 333, 16, 5}}));
}

// The sum of a group's signs meets a weight's minimum or delta.
TEST_F(BinaryKernelTest, MinimaAndDeltas) {
  checkEqual(
      exactLayers(random, {{"row scale f32 min f32", 45, 18, 2},
                           {"group 64 scale f16 neg_min f16", 130, 40, 17},
                           {"group 256 scale f32 min f16", 600, 16, 1},
                           {"group 32 scale f16 delta 0.125", 100, 9, 4}}));
}

// One group with a scale of 1 and one rounding: fl(P * scale), whatever the
// activations are. P tells the signs, the product the bits of the scale.
TEST_F(BinaryKernelTest, SignsAndScalesOfAnyRow) {
  std::vector<Layer> layers;
  for (int64_t columns : {1, 15, 17, 47, 64, 333, 1025}) {
    Layer layer{"f" + std::to_string(columns),
                random.weights(schemeOf("sign, row scale f32"), 19, columns),
                random.reals(6, columns), std::nullopt};
    for (RowFields &row : layer.weight.rows)
      row.fields[0][0][0] = fieldBits({}, 1);
    for (int64_t k = 0; k < columns; ++k) {
      layer.x.row(1)[k] *= random.oneIn(2) ? 1e-30 : 1e-38; // denormal sums
      layer.x.row(2)[k] = k % 3 ? 0.0 : -0.0;
      layer.x.row(3)[k] *= random.oneIn(3) ? 1e6 : 1;
    }
    layer.x.row(4)[columns / 2] = -0.0;
    layers.push_back(std::move(layer));
  }
  checkEqual(layers);
}

// A row that is not finite gives what it gives, and its neighbours nothing of
// it.
TEST_F(BinaryKernelTest, NotFinite) {
  std::vector<Layer> layers = exactLayers(
      random,
      {{"row scale f32", 70, 20, 3}, {"group 32 scale f32", 70, 20, 9}});
  KernelModule module;
  for (Layer &layer : layers) {
    layer.x.row(1)[5] = std::numeric_limits<double>::quiet_NaN();
    layer.x.row(1)[64] = -std::numeric_limits<double>::infinity();
    addPlain(module, layer);
  }
  module.build("binary");
  for (const Layer &layer : layers) {
    Reals wanted = expected(module, layer, layer.x.rows()).values;
    std::vector<LevelResult> results = callPlain(module, layer);
    for (int64_t n = 0; n < wanted.columns(); ++n) {
      wanted.row(1)[n] = 0;
      for (LevelResult &result : results)
        result.values[size_t(wanted.columns() + n)] = 0;
    }
    expectEqual(results, wanted, layer.what());
  }
}

TEST_F(BinaryKernelTest, PermutedColumns) {
  std::vector<Layer> layers =
      exactLayers(random, {{"row scale f32", 75, 20, 3},
                           {"group 64 scale f32", 150, 20, 18}});
  for (Layer &layer : layers)
    layer.weight.permutation = random.permutation(layer.weight.columns);
  checkEqual(layers);
}

// Weights that are no signs, or whose groups share words, keep int8.
TEST_F(BinaryKernelTest, OtherWeights) {
  KernelModule module;
  std::vector<Layer> layers;
  for (const char *scheme :
       {"u1, row scale f32", "u4 offset 8, group 32 scale f16",
        "sign, group 48 scale f16", "u1 codebook [-1.0, 1.0], row scale f32"}) {
    layers.push_back({"f" + std::to_string(layers.size()),
                      random.weights(schemeOf(scheme), 17, 100),
                      random.reals(2, 100), std::nullopt});
    addPlain(module, layers.back());
  }
  module.build("binary");
  for (const Layer &layer : layers) {
    auto activations = module.activations(layer.name);
    ASSERT_TRUE(activations);
    EXPECT_EQ(activations->bits, 8);
    expectClose(callPlain(module, layer),
                expected(module, layer, layer.x.rows()), layer.what());
  }
}

// Any scales; the kernels of one row and of any number of rows.
TEST_F(BinaryKernelTest, Text) {
  for (const char *levels : {"row scale f16", "group 128 scale f16"}) {
    KernelModule module;
    Layer layer{"text",
                random.weights(schemeOf(std::string("sign, ") + levels), 100,
                               random.between(300, 700)),
                Reals(), std::nullopt};
    layer.x = random.reals(40, layer.weight.columns);
    addText(module, layer);
    module.build("binary");
    for (int64_t rows : {1, 2, 4, 8, 16, 33, 40})
      expectClose(module.decode(int32_t(rows), rows * layer.outputs()),
                  expected(module, layer, rows),
                  layer.what() + " of which " + std::to_string(rows));
  }
}

} // namespace
