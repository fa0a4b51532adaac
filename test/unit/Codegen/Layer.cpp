//===- Layer.cpp - A linear layer as a case of a test ---------------------===//

#include "Layer.h"

#include "RandomWeights.h"

#include "gtest/gtest.h"

#include <cmath>

namespace lowbit::test {

std::string Layer::what() const {
  return weight.scheme.str() + ", N = " + std::to_string(outputs()) +
         ", K = " + std::to_string(weight.columns) +
         ", T = " + std::to_string(x.rows()) +
         (weight.permutation.empty() ? "" : ", permuted") +
         ", LOWBIT_TEST_SEED = " + std::to_string(testSeed());
}

static std::string tensor(int64_t rows, int64_t columns) {
  std::string shape = rows > 0 ? std::to_string(rows) : "?";
  return "tensor<" + shape + "x" + std::to_string(columns) + "xf32>";
}

void addPlain(KernelModule &module, const Layer &layer) {
  std::string x = tensor(layer.x.rows(), layer.weight.columns);
  std::string y = tensor(layer.x.rows(), layer.outputs());
  std::string bias = "tensor<" + std::to_string(layer.outputs()) + "xf32>";
  std::string w = typeOf(layer.weight);
  module.weight(layer.name, layer.weight);
  module.text("func.func @" + layer.name + "(%x: " + x +
              (layer.bias ? ", %b: " + bias : "") + ") -> " + y + " {\n" +
              declarationOf(layer.name, layer.weight) +
              "  %y = lm.linear %x, %w " + (layer.bias ? "bias %b " : "") +
              ": " + x + ", " + w + (layer.bias ? ", " + bias : "") + " -> " +
              y + "\n" + "  return %y : " + y + "\n}");
}

void addText(KernelModule &module, const Layer &layer) {
  std::string x = tensor(0, layer.weight.columns);
  std::string y = tensor(0, layer.outputs());
  std::string w = typeOf(layer.weight);
  std::string rows = typeOf(layer.x.rows(), layer.weight.columns,
                            Scheme::ofFloat(FieldType::F32));
  std::string kv = "!lm.kv<layers = 1, heads = 1, dim = 8, element = f32>";
  module.table("rows", layer.x);
  module.weight("text", layer.weight);
  module.model(layer.outputs(), layer.x.columns());
  module.text("func.func @text(%ids: tensor<?xi32>, %given: " + x +
              ", %positions: tensor<?xi32>, %out: tensor<?xi32>, %kv: " + kv +
              ") -> (" + y + ", " + kv + ") {\n" +
              "  %rows = lm.weight \"rows\" : " + rows + "\n" +
              "  %x = lm.embed %positions, %rows : tensor<?xi32>, " + rows +
              " -> " + x + "\n" + declarationOf("text", layer.weight) +
              "  %y = lm.linear %x, %w : " + x + ", " + w + " -> " + y + "\n" +
              "  return %y, %kv : " + y + ", " + kv + "\n}");
}

std::vector<LevelResult> callPlain(KernelModule &module, const Layer &layer) {
  std::vector<float> x = floats(layer.x), bias;
  std::vector<const void *> inputs = {x.data()};
  if (layer.bias) {
    bias = floats(*layer.bias);
    inputs.push_back(bias.data());
  }
  return module.call(layer.name, inputs, layer.x.rows() * layer.outputs());
}

reference::LinearResult expected(const KernelModule &module, const Layer &layer,
                                 int64_t rows) {
  Reals x({rows, layer.x.columns()});
  std::copy_n(layer.x.data.begin(), x.data.size(), x.data.begin());
  const Reals *bias = layer.bias ? &*layer.bias : nullptr;
  Indices order;
  order.data = layer.weight.permutation;
  if (auto scheme = module.activations(layer.name))
    return reference::linear(
        reference::quantize(x, *scheme, order.data.empty() ? nullptr : &order),
        layer.weight, bias);
  return reference::linear(x, layer.weight, bias);
}

//===- Comparing ----------------------------------------------------------===//

/// One line for the first element that is off; the rest is alike.
template <class IsRight>
static void expectAll(const std::vector<LevelResult> &results,
                      const Reals &wanted, const std::string &what,
                      IsRight isRight) {
  for (const LevelResult &got : results) {
    ASSERT_EQ(got.values.size(), wanted.data.size()) << what;
    for (size_t i = 0; i < wanted.data.size(); ++i) {
      if (isRight(got.values[i], i))
        continue;
      int64_t columns = wanted.columns();
      ADD_FAILURE() << got.level << ": " << what << "\n  result["
                    << int64_t(i) / columns << ", " << int64_t(i) % columns
                    << "] = " << std::hexfloat << got.values[i] << ", wanted "
                    << wanted.data[i];
      break;
    }
  }
}

void expectWithin(
    const std::vector<LevelResult> &results, const Reals &wanted,
    const std::string &what,
    const std::function<double(int64_t row, int64_t column)> &bound) {
  int64_t columns = wanted.columns();
  expectAll(results, wanted, what, [&](float got, size_t i) {
    return std::fabs(got - wanted.data[i]) <=
           bound(int64_t(i) / columns, int64_t(i) % columns);
  });
}

void expectClose(const std::vector<LevelResult> &results,
                 const reference::LinearResult &wanted,
                 const std::string &what) {
  // N3: one conversion, two products of scales, one fused multiply-add.
  constexpr double c = 4;
  expectWithin(results, wanted.values, what,
               [&](int64_t t, int64_t n) { return wanted.bound(t, n, c); });
}

void expectEqual(const std::vector<LevelResult> &results, const Reals &wanted,
                 const std::string &what) {
  expectAll(results, wanted, what, [&](float got, size_t i) {
    return got == static_cast<float>(wanted.data[i]);
  });
}

} // namespace lowbit::test
