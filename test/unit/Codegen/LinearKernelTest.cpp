//===- LinearKernelTest.cpp - Rows times panels, against the reference ----===//
//
// Every case is one (scheme, N, K, T) at every level of this CPU, with one and
// two threads. The bound is that of docs/Numerics.md N3, with its c.
//
//===----------------------------------------------------------------------===//

#include "KernelModule.h"
#include "RandomWeights.h"

#include "gtest/gtest.h"

#include <cmath>

using namespace lowbit;
using namespace lowbit::test;

namespace {

/// N3: one conversion, two products of scales, one fused multiply-add.
constexpr double kC = 4;

struct Layer {
  std::string name;
  LowBits weight;
  Reals x;
  std::optional<Reals> bias;

  int64_t outputs() const { return static_cast<int64_t>(weight.rows.size()); }
  std::string what() const {
    return weight.scheme.str() + ", N = " + std::to_string(outputs()) +
           ", K = " + std::to_string(weight.columns) +
           ", T = " + std::to_string(x.rows()) +
           ", LOWBIT_TEST_SEED = " + std::to_string(testSeed());
  }
};

std::string tensor(int64_t rows, int64_t columns) {
  std::string shape = rows > 0 ? std::to_string(rows) : "?";
  return "tensor<" + shape + "x" + std::to_string(columns) + "xf32>";
}

/// A plain function of a layer, rows and bias its arguments.
std::string plainFunction(const Layer &layer) {
  std::string x = tensor(layer.x.rows(), layer.weight.columns);
  std::string y = tensor(layer.x.rows(), layer.outputs());
  std::string bias = "tensor<" + std::to_string(layer.outputs()) + "xf32>";
  std::string w =
      typeOf(layer.outputs(), layer.weight.columns, layer.weight.scheme);
  return "func.func @" + layer.name + "(%x: " + x +
         (layer.bias ? ", %b: " + bias : "") + ") -> " + y + " {\n" +
         "  %w = lm.weight \"" + layer.name + "\" : " + w + "\n" +
         "  %y = lm.linear %x, %w " + (layer.bias ? "bias %b " : "") + ": " +
         x + ", " + w + (layer.bias ? ", " + bias : "") + " -> " + y + "\n" +
         "  return %y : " + y + "\n}";
}

/// The function `text` around a layer: row t of the batch is row t of a table.
std::string textFunction(const Layer &layer) {
  std::string x = tensor(0, layer.weight.columns);
  std::string y = tensor(0, layer.outputs());
  std::string w =
      typeOf(layer.outputs(), layer.weight.columns, layer.weight.scheme);
  std::string rows = typeOf(layer.x.rows(), layer.weight.columns,
                            Scheme::ofFloat(FieldType::F32));
  std::string kv = "!lm.kv<layers = 1, heads = 1, dim = 8, element = f32>";
  return "func.func @text(%ids: tensor<?xi32>, %given: " + x +
         ", %positions: tensor<?xi32>, %out: tensor<?xi32>, %kv: " + kv +
         ") -> (" + y + ", " + kv + ") {\n" +
         "  %rows = lm.weight \"rows\" : " + rows + "\n" +
         "  %x = lm.embed %positions, %rows : tensor<?xi32>, " + rows + " -> " +
         x + "\n" + "  %w = lm.weight \"text\" : " + w + "\n" +
         "  %y = lm.linear %x, %w : " + x + ", " + w + " -> " + y + "\n" +
         "  return %y, %kv : " + y + ", " + kv + "\n}";
}

void expectClose(const std::vector<LevelResult> &results,
                 const reference::LinearResult &wanted,
                 const std::string &what) {
  int64_t outputs = wanted.values.columns();
  for (const LevelResult &got : results)
    for (size_t i = 0; i < got.values.size(); ++i) {
      int64_t t = int64_t(i) / outputs, n = int64_t(i) % outputs;
      double error = std::fabs(double(got.values[i]) - wanted.values.data[i]);
      if (error <= wanted.bound(t, n, kC))
        continue;
      ADD_FAILURE() << got.level << ": " << what << "\n  result[" << t << ", "
                    << n << "] = " << got.values[i] << ", wanted "
                    << wanted.values.data[i] << " within "
                    << wanted.bound(t, n, kC);
      break; // one line for each level is enough
    }
}

/// The first `rows` rows of x, as the layer's kernel sees them.
reference::LinearResult expected(const KernelModule &module, const Layer &layer,
                                 int64_t rows) {
  Reals x({rows, layer.x.columns()});
  std::copy_n(layer.x.data.begin(), x.data.size(), x.data.begin());
  const Reals *bias = layer.bias ? &*layer.bias : nullptr;
  if (auto scheme = module.activations(layer.name))
    return reference::linear(reference::quantize(x, *scheme), layer.weight,
                             bias);
  return reference::linear(x, layer.weight, bias);
}

void checkPlain(KernelModule &module, const Layer &layer) {
  std::vector<float> x = floats(layer.x), bias;
  std::vector<const void *> inputs = {x.data()};
  if (layer.bias) {
    bias = floats(*layer.bias);
    inputs.push_back(bias.data());
  }
  int64_t rows = layer.x.rows();
  expectClose(module.call(layer.name, inputs, rows * layer.outputs()),
              expected(module, layer, rows), layer.what());
}

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
std::vector<Layer> addPlain(KernelModule &module, Random &random, int count,
                            const std::vector<int64_t> &rows) {
  std::vector<Layer> layers;
  for (int i = 0; i < count; ++i) {
    Layer layer = randomLayer(random, "f" + std::to_string(i),
                              random.pick(rows), /*integerCodes=*/false);
    module.weight(layer.name, layer.weight);
    module.text(plainFunction(layer));
    layers.push_back(std::move(layer));
  }
  return layers;
}

/// Functions of a fixed number of rows: eight cases a module.
TEST_P(LinearKernelTest, Plain) {
  Random random{uint64_t(GetParam())};
  KernelModule module;
  std::vector<Layer> layers = addPlain(
      module, random, 8, {1, 1, 2, 3, 5, 7, 9, random.between(10, 40)});
  module.build(random.oneIn(4) ? "per-token" : "int8");
  for (const Layer &layer : layers)
    checkPlain(module, layer);
}

/// The exact mode. Its kernels decode in registers: few rows keep them small.
TEST_P(LinearKernelTest, RealActivations) {
  Random random{uint64_t(GetParam()) + 1000};
  KernelModule module;
  std::vector<Layer> layers = addPlain(module, random, 6, {1, 1, 2, 3});
  module.build("f32");
  for (const Layer &layer : layers)
    checkPlain(module, layer);
}

/// The function of decoding has kernels of one row and of any number of rows.
TEST_P(LinearKernelTest, Text) {
  Random random{uint64_t(GetParam()) + 2000};
  KernelModule module;
  Layer layer = randomLayer(random, "text", 40, /*integerCodes=*/true);
  module.table("rows", layer.x);
  module.weight("text", layer.weight);
  module.model(layer.outputs(), layer.x.columns());
  module.text(textFunction(layer));
  module.build(random.oneIn(4) ? "per-token" : "int8");
  for (int64_t rows :
       {int64_t(1), int64_t(2), random.between(3, 11), int64_t(12),
        random.between(13, 16), random.between(17, 40)})
    expectClose(module.decode(int32_t(rows), rows * layer.outputs()),
                expected(module, layer, rows),
                layer.what() + " of which " + std::to_string(rows));
}

INSTANTIATE_TEST_SUITE_P(Random, LinearKernelTest, testing::Range(0, 12));

} // namespace
