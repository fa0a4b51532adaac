//===- TileKernelTest.cpp - Blocks of rows through tiles ------------------===//
//
// Layers whose rows fill blocks of pack.tile_dot, and rows behind them: as a
// loop, as AMX's instructions under an emulator (KernelModule.cpp), as i8mm's
// under qemu. Integer sums are exact and groups are added in order, so that
// levels of AMX give the bits of avx512vnni.
//
//===----------------------------------------------------------------------===//

#include "Layer.h"
#include "RandomWeights.h"
#include "TileEmulator.h"

#include "gtest/gtest.h"

#include <cstring>

using namespace lowbit;
using namespace lowbit::test;

namespace {

struct Case {
  const char *scheme;
  int64_t outputs, columns, rows;
};

/// Groups of one step of a tile and of several, last groups that are shorter,
/// rows of one long group with quads behind the last tile, several parts; the
/// largest unsigned bytes; panels of a tile of which one is missing.
constexpr Case cases[] = {
    {"u4 offset 8, group 32 scale f16", 48, 256, 64},
    {"u4, group 32 scale f16 min f16", 40, 1100, 37},
    {"s8, group 32 scale f16", 33, 500, 33},
    {"u3 offset 4, group 32 scale f16", 64, 2048, 47},
    {"u8 offset 0, group 64 scale f32", 20, 320, 32},
    {"u2 offset 2, group 128 scale f16", 70, 1000, 32},
    {"u4 codebook [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, "
     "53, 69, 89, 113], group 32 scale f16",
     16, 96, 35},
    {"u8 offset 0, row scale f32", 33, 999, 36},
    {"ternary, row scale f32", 32, 6500, 34},
    {"s8, row scale f32", 17, 140, 65},
    {"u4 offset 8, group 96 scale f16", 35, 960, 32},
    {"u4 offset 8, group 256 scale f16", 35, 2560, 32},
};

class TileKernelTest : public testing::TestWithParam<Case> {};

const std::vector<float> *find(const std::vector<LevelResult> &results,
                               const std::string &level) {
  for (const LevelResult &result : results)
    if (result.level == level)
      return &result.values;
  return nullptr;
}

TEST_P(TileKernelTest, SameAsReferenceAndVnni) {
  if (levelsOfThisCpu().empty())
    GTEST_SKIP() << "this CPU has none of our levels";
  const Case &c = GetParam();
  Random random{uint64_t(c.columns)};
  Layer layer{"f",
              random.weights(schemeOf(c.scheme), c.outputs, c.columns),
              random.reals(c.rows, c.columns), std::nullopt};
  KernelModule module;
  addPlain(module, layer);
  module.build("int8");
  const int64_t before = emulatedProducts();
  std::vector<LevelResult> results = callPlain(module, layer);
  expectClose(results, expected(module, layer, c.rows), layer.what());
  const auto *vnni = find(results, "avx512vnni");
  for (const char *level : {"amx-by-dot4", "amx-emulated"})
    if (const auto *tiled = find(results, level))
      EXPECT_EQ(std::memcmp(tiled->data(), vnni->data(),
                            vnni->size() * sizeof(float)),
                0)
          << level << " differs from avx512vnni";
  if (find(results, "amx-emulated"))
    EXPECT_GT(emulatedProducts(), before) << "no tile was multiplied";
}

INSTANTIATE_TEST_SUITE_P(Schemes, TileKernelTest, testing::ValuesIn(cases));

} // namespace
