//===- ProvenanceTest.cpp - Tests of Provenance.h -------------------------===//

#include "Provenance.h"

#include "Samples.h"

using namespace lowbit;
using namespace lowbit::test;

namespace {

std::string hashOf(float value, const std::string &name = "a", int64_t rows = 2,
                   int threads = 1) {
  MemorySource model;
  model.add(name, rows, 8 / rows, std::vector<float>(8, value));
  model.add("b", 0, 3, {1, 2, 3});
  ThreadPool pool(threads);
  return sourceHash(model, pool);
}

} // namespace

TEST(ProvenanceTest, the_hash_is_of_all_that_counts) {
  std::string hash = hashOf(1);
  EXPECT_EQ(hash.substr(0, 9), "xxh3-64:" + hash.substr(8, 1));
  EXPECT_EQ(hash.size(), 8u + 16);
  EXPECT_EQ(hashOf(1, "a", 2, 3), hash);
  EXPECT_NE(hashOf(2), hash);
  EXPECT_NE(hashOf(1, "c"), hash);
  EXPECT_NE(hashOf(1, "a", 4), hash);
}

TEST(ProvenanceTest, a_recipes_text_is_the_recipe) {
  Folder folder;
  Recipe recipe;
  recipe.name = "a \"name\"";
  recipe.tensors = {{"blk\\..*", "u4, group 32 scale f16", Algorithm::GPTQ},
                    {".*", "Q6_K", Algorithm::Search, /*isOptional=*/true,
                     /*fallsBack=*/true, /*lowRank=*/4}};
  recipe.scale = Scaling::SmoothQuant;
  recipe.alpha = 0.25;
  recipe.activations = "per-token";
  recipe.calibration = {"/text.txt", 5, 17, 3};
  auto again = readRecipe(folder.write("again.yaml", recipeText(recipe)));
  ASSERT_TRUE(bool(again)) << llvm::toString(again.takeError());
  EXPECT_EQ(recipeText(*again), recipeText(recipe));
  EXPECT_EQ(again->tensors[1].lowRank, 4);
  EXPECT_TRUE(again->tensors[1].isOptional);
  EXPECT_TRUE(again->tensors[1].fallsBack);
  EXPECT_EQ(again->calibration.length, 17);
}
