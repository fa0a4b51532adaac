//===- RowwiseKernelTest.cpp - Norms, gates, rotation, against f64 --------===//
//
// Bounds are those of docs/Numerics.md N5 to N7.
//
//===----------------------------------------------------------------------===//

#include "Layer.h"
#include "RandomWeights.h"

#include "lowbit/Reference/LM.h"
#include "lowbit/Support/HadamardMatrix.h"

#include "gtest/gtest.h"

#include <cmath>
#include <functional>

using namespace lowbit;
using namespace lowbit::test;

namespace {

constexpr double kUlp = 0x1p-24; ///< half an ulp of 1: one rounding

/// Lengths of rows: whole vectors, tails, less than one.
const int64_t kColumns[] = {1, 15, 16, 40, 96, 333};
constexpr int64_t kRows = 5;

std::string tensor(int64_t rows, int64_t columns,
                   const std::string &element = "f32") {
  return "tensor<" + (rows ? std::to_string(rows) + "x" : "") +
         std::to_string(columns) + "x" + element + ">";
}

/// A function of one op.
std::string functionOf(const std::string &name, const std::string &arguments,
                       const std::string &op, const std::string &result) {
  return "func.func @" + name + "(" + arguments + ") -> " + result +
         " {\n  %y = " + op + "\n  return %y : " + result + "\n}";
}

class RowwiseKernelTest : public testing::Test {
protected:
  using Bound = std::function<double(int64_t row, int64_t column)>;

  void SetUp() override {
    if (levelsOfThisCpu().empty())
      GTEST_SKIP() << "this CPU has none of our levels";
  }

  Reals vector(int64_t columns) {
    Reals result = random.reals(1, columns);
    result.shape = {columns};
    return result;
  }

  /// Calls function `name` and compares each element within its bound.
  void check(const std::string &name, const std::vector<const Reals *> &inputs,
             const Reals &wanted, const Bound &bound) {
    std::vector<std::vector<float>> data;
    for (const Reals *input : inputs)
      data.push_back(floats(*input));
    std::vector<const void *> pointers;
    for (const std::vector<float> &values : data)
      pointers.push_back(values.data());
    compare(name, module.call(name, pointers, int64_t(wanted.data.size())),
            wanted, bound);
  }

  void compare(const std::string &name, const std::vector<LevelResult> &results,
               const Reals &wanted, const Bound &bound) {
    expectWithin(results, wanted,
                 "@" + name +
                     ", LOWBIT_TEST_SEED = " + std::to_string(testSeed()),
                 bound);
  }

  Random random{9000};
  KernelModule module;
};

//===- Norms --------------------------------------------------------------===//

TEST_F(RowwiseKernelTest, RmsNorm) {
  for (int64_t d : kColumns)
    for (int64_t parts : {1, 3}) {
      std::string x = tensor(kRows, d * parts), g = tensor(0, d);
      module.text(functionOf(
          "f" + std::to_string(d) + "_" + std::to_string(parts),
          "%x: " + x + ", %g: " + g,
          "lm.rms_norm %x, %g {epsilon = 1.0e-5 : f32} : " + x + ", " + g, x));
    }
  module.build();
  for (int64_t d : kColumns)
    for (int64_t parts : {1, 3}) {
      Reals x = random.reals(kRows, d * parts), gain = vector(d);
      Reals wanted = reference::rmsNorm(x, gain, double(1.0e-5f));
      check("f" + std::to_string(d) + "_" + std::to_string(parts), {&x, &gain},
            wanted, [&](int64_t t, int64_t k) {
              return double(d / 16 + 8) * kUlp * std::fabs(wanted.row(t)[k]);
            });
    }
}

TEST_F(RowwiseKernelTest, LayerNorm) {
  for (int64_t d : kColumns) {
    std::string x = tensor(kRows, d), g = tensor(0, d);
    module.text(functionOf("f" + std::to_string(d),
                           "%x: " + x + ", %g: " + g + ", %b: " + g,
                           "lm.layer_norm %x, %g, %b {epsilon = 1.0e-5 : f32}"
                           " : " +
                               x + ", " + g + ", " + g,
                           x));
  }
  module.build();
  for (int64_t d : kColumns) {
    Reals x = random.reals(kRows, d), gain = vector(d), bias = vector(d);
    for (double &value : x.data) // a mean that is not small
      value = float(value + 3);
    Reals wanted = reference::layerNorm(x, gain, bias, double(1.0e-5f));
    check("f" + std::to_string(d), {&x, &gain, &bias}, wanted,
          [&](int64_t t, int64_t k) {
            double mean = 0, absolute = 0, variance = 0;
            for (int64_t i = 0; i < d; ++i) {
              mean += x.row(t)[i] / double(d);
              absolute += std::fabs(x.row(t)[i]) / double(d);
            }
            for (int64_t i = 0; i < d; ++i)
              variance += std::pow(x.row(t)[i] - mean, 2) / double(d);
            // The terms: x and the mean, each over the deviation; the bias.
            double terms = (std::fabs(x.row(t)[k]) + 2 * absolute) /
                               std::sqrt(variance + 1e-5) *
                               std::fabs(gain.data[size_t(k)]) +
                           std::fabs(bias.data[size_t(k)]);
            return double(d / 16 + 8) * kUlp * terms;
          });
  }
}

//===- Nonlinearities -----------------------------------------------------===//

const std::pair<const char *, reference::Function> kFunctions[] = {
    {"silu", reference::Function::Silu},
    {"gelu", reference::Function::Gelu},
    {"gelu_tanh", reference::Function::GeluTanh},
    {"relu", reference::Function::Relu}};

/// From the flat ends to the bend, zeros of both signs among them.
Reals bends(Random &random, int64_t rows, int64_t columns) {
  Reals x = random.reals(rows, columns);
  const float values[] = {0.0f,   -0.0f,   1e-30f, -1e-30f, 88.5f,
                          -88.5f, -104.0f, 200.0f, -200.0f, 1e30f,
                          -1e30f, -5.5f,   5.5f};
  for (size_t i = 0; i < std::size(values) && i < x.data.size(); ++i)
    x.data[i] = values[i];
  return x;
}

TEST_F(RowwiseKernelTest, Activate) {
  for (auto [name, function] : kFunctions)
    for (int64_t d : {16, 333})
      module.text(functionOf(
          name + std::to_string(d), "%x: " + tensor(kRows, d),
          std::string("lm.activate ") + name + " %x : " + tensor(kRows, d),
          tensor(kRows, d)));
  module.build();
  for (auto [name, function] : kFunctions)
    for (int64_t d : {16, 333}) {
      Reals x = bends(random, kRows, d);
      check(name + std::to_string(d), {&x}, reference::activate(function, x),
            [&](int64_t t, int64_t k) {
              return 0x1p-20 * std::max(1.0, std::fabs(x.row(t)[k]));
            });
    }
}

/// One rounding, of the square.
TEST_F(RowwiseKernelTest, SquareOfRelu) {
  constexpr int64_t d = 333;
  std::string type = tensor(kRows, d);
  module.text(functionOf("activate", "%x: " + type,
                         "lm.activate relu2 %x : " + type, type));
  module.text(functionOf("gate", "%x: " + type + ", %u: " + type,
                         "lm.gate relu2 %x, %u : " + type, type));
  module.build();
  Reals x = bends(random, kRows, d), up = random.reals(kRows, d);
  for (double &value : x.data)
    value = std::min(value, double(0x1p60f)); // the square is finite
  auto square = [&](int64_t t, int64_t k) {
    return 0x1p-24 * x.row(t)[k] * x.row(t)[k] + 0x1p-149;
  };
  using reference::Function;
  check("activate", {&x}, reference::activate(Function::Relu2, x), square);
  check("gate", {&x, &up}, reference::gate(Function::Relu2, x, up),
        [&](int64_t t, int64_t k) {
          return 3 * square(t, k) * std::max(1.0, std::fabs(up.row(t)[k]));
        });
}

TEST_F(RowwiseKernelTest, Gate) {
  constexpr int64_t d = 70;
  std::string x = tensor(kRows, d);
  for (auto [name, function] : kFunctions)
    module.text(functionOf(name, "%g: " + x + ", %u: " + x,
                           std::string("lm.gate ") + name + " %g, %u : " + x,
                           x));
  module.build();
  for (auto [name, function] : kFunctions) {
    Reals gate = bends(random, kRows, d), up = random.reals(kRows, d);
    check(name, {&gate, &up}, reference::gate(function, gate, up),
          [&](int64_t t, int64_t k) {
            return 0x1p-20 * std::max(1.0, std::fabs(gate.row(t)[k])) *
                   std::fabs(up.row(t)[k]) * (1 + 0x1p-3);
          });
  }
}

//===- Rotation -----------------------------------------------------------===//

TEST_F(RowwiseKernelTest, RopeTable) {
  Indices positions({7});
  positions.data = {0, 1, 2, 511, 100003, 1000000, (1 << 24) - 1};
  std::string ids = tensor(0, 7, "i32");
  for (int64_t d : {2, 24, 64})
    for (bool scaled : {false, true}) {
      std::string name = (scaled ? "g" : "f") + std::to_string(d);
      std::string factors = tensor(0, d / 2), y = tensor(7, d);
      std::string attributes =
          scaled ? " {base = 5.0e+5 : f32, frequency_scale = 0.25 : f32,"
                   " magnitude = 1.25 : f32}"
                 : " {base = 1.0e+4 : f32}";
      module.text(
          functionOf(name, "%p: " + ids + (scaled ? ", %f: " + factors : ""),
                     std::string("lm.rope_table %p") +
                         (scaled ? " factors %f" : "") + attributes + " : " +
                         ids + (scaled ? ", " + factors : "") + " -> " + y,
                     y));
    }
  module.build();
  for (int64_t d : {2, 24, 64})
    for (bool scaled : {false, true}) {
      Reals factors({d / 2});
      for (double &factor : factors.data)
        factor = float(random.between(1, 32));
      reference::RopeParameters parameters;
      if (scaled)
        parameters = {5.0e+5, 0.25, 1.25};
      std::vector<float> data = floats(factors);
      std::vector<const void *> inputs = {positions.data.data()};
      if (scaled)
        inputs.push_back(data.data());
      std::string name = (scaled ? "g" : "f") + std::to_string(d);
      compare(name, module.call(name, inputs, 7 * d),
              reference::ropeTable(positions, d, scaled ? &factors : nullptr,
                                   parameters),
              [&](int64_t, int64_t) { return parameters.magnitude * kUlp; });
    }
}

TEST_F(RowwiseKernelTest, Rope) {
  struct Case {
    const char *style;
    int64_t headDim, heads, rotated;
  };
  const std::vector<Case> cases = {{"halves", 64, 3, 64},
                                   {"pairs", 64, 3, 64},
                                   {"halves", 24, 2, 24},
                                   {"pairs", 24, 1, 6},
                                   {"halves", 40, 2, 16}};
  auto nameOf = [](const Case &c) {
    return std::string(c.style) + std::to_string(c.headDim) + "_" +
           std::to_string(c.rotated);
  };
  for (const Case &c : cases) {
    std::string x = tensor(kRows, c.heads * c.headDim);
    std::string table = tensor(kRows, c.rotated);
    module.text(
        functionOf(nameOf(c), "%x: " + x + ", %r: " + table,
                   std::string("lm.rope ") + c.style + " %x, %r {head_dim = " +
                       std::to_string(c.headDim) + "} : " + x + ", " + table,
                   x));
  }
  module.build();
  for (const Case &c : cases) {
    Reals x = random.reals(kRows, c.heads * c.headDim);
    Indices positions({kRows});
    positions.data = {0, 1, 17, 300, 100000};
    Reals table = reference::ropeTable(positions, c.rotated, nullptr, {});
    for (double &value : table.data)
      value = float(value);
    auto style = std::string(c.style) == "pairs" ? reference::RopeStyle::Pairs
                                                 : reference::RopeStyle::Halves;
    // Two products and a sum, of two elements that are at most the largest.
    check(nameOf(c), {&x, &table}, reference::rope(style, x, table, c.headDim),
          [&](int64_t t, int64_t) {
            double most = 0;
            for (int64_t k = 0; k < x.columns(); ++k)
              most = std::max(most, std::fabs(x.row(t)[k]));
            return 4 * kUlp * most;
          });
  }
}

//===- Moving and adding --------------------------------------------------===//

TEST_F(RowwiseKernelTest, Rotate) {
  // Blocks of less than a vector, of one, of many; rows with tails; orders that
  // are no powers of two: 20 * 16, 36 * 16, 28 * 32.
  const std::pair<int64_t, int64_t> kSizes[] = {
      {4, 2},     {24, 8},    {16, 16},    {96, 32},  {576, 64},
      {512, 512}, {640, 320}, {1152, 576}, {896, 896}};
  for (auto [columns, block] : kSizes) {
    std::string x = tensor(kRows, columns);
    module.text(functionOf("f" + std::to_string(columns), "%x: " + x,
                           "lm.rotate columns %x {block = " +
                               std::to_string(block) + "} : " + x + " -> " + x,
                           x));
  }
  module.build();
  for (auto [columns, block] : kSizes) {
    Reals x = random.reals(kRows, columns);
    int64_t base = hadamardBase(block);
    double rounds = double(base) + std::log2(double(block / base)) + 2;
    check("f" + std::to_string(columns), {&x},
          reference::rotate(x, block, /*alongRows=*/false),
          [&, block = block](int64_t t, int64_t k) {
            double sum = 0; // no intermediate sum is larger
            for (int64_t i = k / block * block; i < (k / block + 1) * block;
                 ++i)
              sum += std::fabs(x.row(t)[i]);
            return rounds * kUlp * sum / std::sqrt(double(block));
          });
  }
}

TEST_F(RowwiseKernelTest, Add) {
  for (int64_t d : kColumns) {
    std::string x = tensor(kRows, d);
    module.text(functionOf("f" + std::to_string(d), "%a: " + x + ", %b: " + x,
                           "lm.add %a, %b : " + x, x));
  }
  module.build();
  for (int64_t d : kColumns) {
    Reals a = random.reals(kRows, d), b = random.reals(kRows, d);
    std::vector<float> left = floats(a), right = floats(b);
    expectEqual(module.call("f" + std::to_string(d),
                            {left.data(), right.data()}, kRows * d),
                reference::add(a, b), "add");
  }
}

TEST_F(RowwiseKernelTest, GatherRows) {
  std::string x = tensor(kRows, 40), ids = tensor(0, 9, "i32");
  module.text(functionOf("f", "%x: " + x + ", %i: " + ids,
                         "lm.gather_rows %x, %i : " + x + ", " + ids + " -> " +
                             tensor(9, 40),
                         tensor(9, 40)));
  module.build();
  Reals rows = random.reals(kRows, 40);
  Indices indices({9});
  for (int32_t &index : indices.data)
    index = int32_t(random.between(0, kRows - 1));
  std::vector<float> data = floats(rows);
  expectEqual(module.call("f", {data.data(), indices.data.data()}, 9 * 40),
              reference::gatherRows(rows, indices), "gather_rows");
}

TEST_F(RowwiseKernelTest, MeanRows) {
  std::string x = tensor(kRows, 40), ids = tensor(0, 9, "i32");
  module.text(functionOf("f", "%x: " + x + ", %a: " + ids + ", %b: " + ids,
                         "lm.mean_rows %x, %a to %b : " + x + ", " + ids +
                             " -> " + tensor(9, 40),
                         tensor(9, 40)));
  module.build();
  Reals rows = random.reals(kRows, 40);
  Indices first({9}), last({9});
  for (size_t i = 0; i < 9; ++i) {
    int64_t begin = random.between(0, kRows - 1);
    first.data[i] = int32_t(begin);
    last.data[i] = int32_t(random.between(begin, kRows - 1));
  }
  std::vector<float> data = floats(rows);
  compare("f",
          module.call("f", {data.data(), first.data.data(), last.data.data()},
                      9 * 40),
          reference::meanRows(rows, first, last), [&](int64_t i, int64_t k) {
            double sum = 0;
            int64_t begin = first.data[size_t(i)], end = last.data[size_t(i)];
            for (int64_t t = begin; t <= end; ++t)
              sum += std::fabs(rows.row(t)[k]);
            return double(end - begin + 2) * kUlp * sum /
                   double(end - begin + 1);
          });
}

} // namespace
