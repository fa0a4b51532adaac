//===- OverridesTest.cpp - Tests of Overrides.h ---------------------------===//

#include "lowbit/Calibration/Overrides.h"

#include "Samples.h"

using namespace lowbit;

namespace {

Recipe uniform() {
  Recipe recipe;
  recipe.tensors = {{".*", "Q4_0", Algorithm::Search}};
  return recipe;
}

std::vector<std::string> schemesOf(const Recipe &recipe) {
  std::vector<std::string> schemes;
  for (const TensorRule &rule : recipe.tensors)
    schemes.push_back(rule.scheme);
  return schemes;
}

} // namespace

TEST(OverridesTest, nothing_said) {
  Recipe recipe = uniform();
  applyOverrides({}, /*tied=*/true, recipe);
  ASSERT_EQ(recipe.tensors.size(), 1u);
  EXPECT_FALSE(recipe.tensors[0].isOptional);
}

// As llama_tensor_get_type asks: the embedding's and the head's own types,
// then expressions, then the head's for an embedding that is tied to it.
TEST(OverridesTest, the_order_is_llama_quantizes) {
  RecipeOverrides overrides;
  overrides.output = "q6_k";
  overrides.embedding = "q5_0";
  ASSERT_FALSE(bool(addTensorType("attn=q8_0", overrides)));
  ASSERT_FALSE(bool(addTensorType("a=b=F16", overrides)));
  EXPECT_EQ(overrides.types[1].first, "a=b");
  Recipe untied = uniform(), tied = uniform();
  applyOverrides(overrides, false, untied);
  EXPECT_EQ(schemesOf(untied),
            (std::vector<std::string>{"Q5_0", "Q6_K", "Q8_0", "F16", "Q4_0"}));
  applyOverrides(overrides, true, tied);
  EXPECT_EQ(schemesOf(tied),
            (std::vector<std::string>{"Q5_0", "Q8_0", "F16", "Q6_K", "Q4_0"}));
  EXPECT_TRUE(tied.tensors.back().isOptional);
}

TEST(OverridesTest, another_algorithm_in_place_of_search) {
  RecipeOverrides overrides;
  overrides.algorithm = "gptq";
  Recipe recipe = uniform();
  recipe.tensors.push_back({"b", "Q8_0", Algorithm::Nearest});
  applyOverrides(overrides, true, recipe);
  EXPECT_EQ(recipe.tensors[0].algorithm, Algorithm::GPTQ);
  EXPECT_EQ(recipe.tensors[1].algorithm, Algorithm::Nearest);
}

TEST(OverridesTest, what_is_no_pair) {
  RecipeOverrides overrides;
  for (const char *text : {"", "a", "=Q4_0", "a=", "(=Q4_0"}) {
    llvm::Error error = addTensorType(text, overrides);
    EXPECT_TRUE(bool(error)) << text;
    llvm::consumeError(std::move(error));
  }
}
