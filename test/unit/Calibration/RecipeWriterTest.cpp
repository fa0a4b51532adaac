//===- RecipeWriterTest.cpp - Tests of writeRecipe and rulesOf ------------===//

#include "lowbit/Calibration/Budget.h"

#include "Samples.h"

#include "llvm/Support/Regex.h"

using namespace lowbit;
using namespace lowbit::test;

namespace {

std::string problemOf(llvm::Error error) {
  return error ? llvm::toString(std::move(error)) : "";
}

/// What the first rule that matches says.
std::string schemeOf(const std::vector<TensorRule> &rules,
                     const std::string &name) {
  for (const TensorRule &rule : rules)
    if (llvm::Regex("^(" + rule.match + ")$").match(name))
      return rule.scheme;
  return "";
}

} // namespace

TEST(RecipeWriter, ReadsAsItWas) {
  Folder folder;
  Recipe recipe;
  recipe.name = "budget size=90MB: 'mine'";
  recipe.tensors = {
      {R"(blk\.(0|3)\.attn_q\.weight)", "Q4_K", Algorithm::Search},
      {R"(it's #1)", "u4 offset 8, group 32 scale f16", Algorithm::GPTQ},
      {"output\\.weight", "keep", Algorithm::Nearest}};
  recipe.scale = Scaling::SmoothQuant;
  recipe.alpha = 0.1;
  recipe.activations = "int8-pow2";
  recipe.calibration = {"/somewhere/a text.txt", 17, 96, 5};
  std::string path = folder.path + "/recipe.yaml";
  ASSERT_EQ(problemOf(writeRecipe(path, recipe)), "");
  auto read = readRecipe(path);
  ASSERT_TRUE(bool(read)) << llvm::toString(read.takeError());
  EXPECT_EQ(read->name, recipe.name);
  ASSERT_EQ(read->tensors.size(), recipe.tensors.size());
  for (size_t i = 0; i < recipe.tensors.size(); ++i) {
    EXPECT_EQ(read->tensors[i].match, recipe.tensors[i].match);
    EXPECT_EQ(read->tensors[i].scheme, recipe.tensors[i].scheme);
    EXPECT_EQ(read->tensors[i].algorithm, recipe.tensors[i].algorithm);
  }
  EXPECT_EQ(read->scale, recipe.scale);
  EXPECT_EQ(read->alpha, recipe.alpha);
  EXPECT_EQ(read->activations, recipe.activations);
  EXPECT_EQ(read->calibration.path, recipe.calibration.path);
  EXPECT_EQ(read->calibration.sequences, 17);
  EXPECT_EQ(read->calibration.length, 96);
  EXPECT_EQ(read->calibration.seed, 5u);
}

TEST(RecipeWriter, RotationsAndNoText) {
  Folder folder;
  Recipe recipe;
  recipe.name = "r";
  recipe.tensors = {{".*", "Q8_0", Algorithm::Nearest}};
  recipe.rotate = R"(blk\..*)";
  std::string path = folder.path + "/recipe.yaml";
  ASSERT_EQ(problemOf(writeRecipe(path, recipe)), "");
  auto read = readRecipe(path);
  ASSERT_TRUE(bool(read)) << llvm::toString(read.takeError());
  EXPECT_EQ(read->rotate, recipe.rotate);
  EXPECT_EQ(read->scale, Scaling::None);
  EXPECT_EQ(read->calibration.path, "");
}

TEST(RecipeWriter, NoSuchFolder) {
  Folder folder;
  std::string path = folder.path + "/none/recipe.yaml";
  EXPECT_EQ(problemOf(writeRecipe(path, {}))
                .find("cannot write the recipe " + path + ": "),
            0u);
}

TEST(RecipeWriter, RulesGroupLayers) {
  std::vector<std::string> names = {"token_embd.weight", "blk.0.q.weight",
                                    "blk.1.q.weight",    "blk.2.q.weight",
                                    "blk.0.v.weight",    "a+b.weight"};
  std::vector<std::string> schemes = {"Q6_K", "Q4_K", "Q3_K",
                                      "Q4_K", "Q4_K", "Q3_K"};
  std::vector<TensorRule> rules = rulesOf(names, schemes, Algorithm::GPTQ);
  EXPECT_EQ(rules.size(), 5u); // q of the layers 0 and 2 is one
  for (size_t i = 0; i < names.size(); ++i)
    EXPECT_EQ(schemeOf(rules, names[i]), schemes[i]) << names[i];
  for (const char *other : {"blk.10.q.weight", "blk.02.q.weight",
                            "blkx0.q.weight", "aab.weight", "blk..q.weight"})
    EXPECT_EQ(schemeOf(rules, other), "") << other;
  for (const TensorRule &rule : rules)
    EXPECT_EQ(rule.algorithm, Algorithm::GPTQ);
}
