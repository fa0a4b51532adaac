//===- EmbedKernelTest.cpp - Rows out of panels, bit for bit --------------===//

#include "Layer.h"
#include "RandomWeights.h"

#include "lowbit/Reference/LM.h"

#include "gtest/gtest.h"

using namespace lowbit;
using namespace lowbit::test;

namespace {

class EmbedKernelTest : public testing::TestWithParam<int> {
protected:
  void SetUp() override {
    if (levelsOfThisCpu().empty())
      GTEST_SKIP() << "this CPU has none of our levels";
  }
};

struct Lookup {
  std::string name;
  LowBits table;
  Indices tokens;
  std::optional<Reals> given; ///< rows where a token is -1
  float scale = 1;
};

std::string shape(int64_t rows, int64_t columns) {
  return "tensor<" + std::to_string(rows) + "x" + std::to_string(columns) +
         "xf32>";
}

void add(KernelModule &module, const Lookup &lookup) {
  int64_t count = lookup.tokens.rows();
  int64_t columns = lookup.table.columns;
  std::string rows = shape(count, columns);
  std::string ids = "tensor<" + std::to_string(count) + "xi32>";
  std::string table = typeOf(lookup.table);
  std::string scale = lookup.scale == 1 ? "" : " {scale = 5.5 : f32}";
  module.weight(lookup.name, lookup.table);
  module.text("func.func @" + lookup.name + "(%t: " + ids +
              (lookup.given ? ", %g: " + rows : "") + ") -> " + rows + " {\n" +
              declarationOf(lookup.name, lookup.table) +
              "  %y = lm.embed %t, %w" + (lookup.given ? " else %g" : "") +
              scale + " : " + ids + ", " + table +
              (lookup.given ? ", " + rows : "") + " -> " + rows + "\n" +
              "  return %y : " + rows + "\n}");
}

void check(KernelModule &module, const Lookup &lookup) {
  std::vector<const void *> inputs = {lookup.tokens.data.data()};
  std::vector<float> given;
  if (lookup.given) {
    given = floats(*lookup.given);
    inputs.push_back(given.data());
  }
  Reals wanted =
      reference::embed(lookup.tokens, lookup.table,
                       lookup.given ? &*lookup.given : nullptr, lookup.scale);
  expectEqual(
      module.call(lookup.name, inputs, int64_t(wanted.data.size())), wanted,
      lookup.table.scheme.str() + ", K = " + std::to_string(wanted.columns()) +
          (lookup.table.permutation.empty() ? "" : ", permuted") +
          ", LOWBIT_TEST_SEED = " + std::to_string(testSeed()));
}

Lookup randomLookup(Random &random, const std::string &name,
                    const Scheme &scheme) {
  int64_t group = std::max<int64_t>(scheme.innerGroup(), 16);
  int64_t columns =
      random.oneIn(2) ? group * random.between(1, 2) : random.between(1, 300);
  int64_t rows = random.between(1, 50), count = random.between(1, 5);
  Lookup lookup{name, random.weights(scheme, rows, columns), Indices({count}),
                std::nullopt, random.oneIn(3) ? 5.5f : 1.0f};
  if (random.oneIn(3))
    lookup.given = random.reals(count, columns);
  for (int32_t &token : lookup.tokens.data)
    token = lookup.given && random.oneIn(3)
                ? -1
                : int32_t(random.between(0, rows - 1));
  if (random.oneIn(3))
    lookup.table.permutation = random.permutation(columns);
  return lookup;
}

void checkAll(Random &random, const std::vector<Scheme> &schemes) {
  KernelModule module;
  std::vector<Lookup> lookups;
  for (const Scheme &scheme : schemes) {
    lookups.push_back(
        randomLookup(random, "f" + std::to_string(lookups.size()), scheme));
    add(module, lookups.back());
  }
  module.build();
  for (const Lookup &lookup : lookups)
    check(module, lookup);
}

// N1: what dequantizeRow gives, of every format that GGUF has.
TEST_F(EmbedKernelTest, FileSchemes) {
  Random random{7000};
  checkAll(random, fileSchemes());
}

TEST_P(EmbedKernelTest, AnyScheme) {
  Random random{7001 + uint64_t(GetParam())};
  std::vector<Scheme> schemes;
  for (int i = 0; i < 10; ++i)
    schemes.push_back(random.scheme());
  checkAll(random, schemes);
}

INSTANTIATE_TEST_SUITE_P(Random, EmbedKernelTest, testing::Range(0, 3));

} // namespace
