//===- RecipeTest.cpp - Tests of Recipe.h ---------------------------------===//

#include "lowbit/Calibration/Recipe.h"

#include "Samples.h"

#include "llvm/Support/Regex.h"

using namespace lowbit;
using namespace lowbit::test;

namespace {

Recipe read(const Folder &folder, const std::string &text) {
  auto recipe = readRecipe(folder.write("mine.yaml", text));
  if (!recipe) {
    ADD_FAILURE() << llvm::toString(recipe.takeError());
    return {};
  }
  return *recipe;
}

std::string problemOf(const std::string &text) {
  Folder folder;
  auto recipe = readRecipe(folder.write("mine.yaml", text));
  return recipe ? "" : llvm::toString(recipe.takeError());
}

} // namespace

// The example of docs/Quantization.md.
TEST(RecipeTest, every_key) {
  Folder folder;
  Recipe recipe = read(folder, R"(
name: mixed
tensors:
  - match: blk\..*\.ffn_down\.weight
    scheme: Q6_K
    algorithm: search
  - match: (token_embd|output)\.weight
    scheme: keep
  - match: .*
    scheme: u4 offset 8, group 32 scale f16
    algorithm: gptq
scale: smoothquant
alpha: 0.6
rotate-heads: true
activations: per-token
kv: q4
calibration:
  text: sample.txt
  sequences: 64
  length: 256
  seed: 7
)");
  EXPECT_EQ(recipe.name, "mixed");
  ASSERT_EQ(recipe.tensors.size(), 3u);
  EXPECT_EQ(recipe.tensors[0].match, R"(blk\..*\.ffn_down\.weight)");
  EXPECT_EQ(recipe.tensors[0].algorithm, Algorithm::Search);
  EXPECT_EQ(recipe.tensors[1].scheme, "keep");
  EXPECT_EQ(recipe.tensors[1].algorithm, Algorithm::Nearest);
  EXPECT_EQ(recipe.tensors[2].scheme, "u4 offset 8, group 32 scale f16");
  EXPECT_EQ(recipe.tensors[2].algorithm, Algorithm::GPTQ);
  EXPECT_EQ(recipe.scale, Scaling::SmoothQuant);
  EXPECT_EQ(recipe.alpha, 0.6);
  EXPECT_EQ(recipe.activations, "per-token");
  EXPECT_TRUE(recipe.rotateHeads);
  EXPECT_EQ(recipe.kv, "q4");
  EXPECT_EQ(recipe.calibration.path, folder.path + "/sample.txt");
  EXPECT_EQ(recipe.calibration.sequences, 64);
  EXPECT_EQ(recipe.calibration.length, 256);
  EXPECT_EQ(recipe.calibration.seed, 7u);
  EXPECT_TRUE(recipe.needsData());
}

TEST(RecipeTest, what_is_left_out) {
  Folder folder;
  Recipe recipe = read(folder, "tensors:\n  - match: .*\n    scheme: Q4_0\n");
  EXPECT_EQ(recipe.name, "mine");
  EXPECT_EQ(recipe.rotate, "");
  EXPECT_EQ(recipe.scale, Scaling::None);
  EXPECT_EQ(recipe.activations, "");
  EXPECT_FALSE(recipe.rotateHeads);
  EXPECT_EQ(recipe.kv, "");
  EXPECT_EQ(recipe.calibration.path, "");
  EXPECT_EQ(recipe.calibration.sequences, 128);
  EXPECT_EQ(recipe.calibration.length, 512);
  EXPECT_FALSE(recipe.needsData());
}

TEST(RecipeTest, rotations_need_no_data_and_factors_do) {
  Folder folder;
  const std::string rules = "tensors:\n  - match: .*\n    scheme: Q4_0\n";
  EXPECT_FALSE(read(folder, rules + "rotate: .*\n").needsData());
  EXPECT_TRUE(read(folder, rules + "scale: awq\n").needsData());
}

TEST(RecipeTest, a_text_is_of_use_to_searches) {
  Folder folder;
  const std::string rules =
      "tensors:\n  - {match: .*, scheme: Q4_0, algorithm: search}\n";
  EXPECT_FALSE(read(folder, rules).needsData());
  EXPECT_TRUE(read(folder, rules + "calibration: {text: t.txt}\n").needsData());
}

TEST(RecipeTest, a_text_elsewhere_stays_there) {
  Folder folder;
  Recipe recipe = read(folder, "tensors:\n  - {match: .*, scheme: Q4_0}\n"
                               "calibration: {text: /data/wiki.txt}\n");
  EXPECT_EQ(recipe.calibration.path, "/data/wiki.txt");
}

TEST(RecipeTest, errors_name_the_line) {
  EXPECT_NE(problemOf("tensors:\n  - match: .*\n    scheme: Q4_0\nodd: 1\n")
                .find("mine.yaml:4: unknown key 'odd'"),
            std::string::npos);
  EXPECT_NE(problemOf("tensors:\n  - match: .*\n").find("mine.yaml:2: "),
            std::string::npos);
  EXPECT_NE(problemOf("tensors:\n  - {match: .*, scheme: Q4_0}\n"
                      "scale: awk\n")
                .find("mine.yaml:3: scale: expected none, awq or smoothquant"),
            std::string::npos);
}

TEST(RecipeTest, ranges) {
  const std::string rules = "tensors:\n  - {match: .*, scheme: Q4_0}\n";
  for (const char *good :
       {"alpha: 0", "alpha: 1", "kv: f16", "activations: int4",
        "calibration: {sequences: 1048576}", "calibration: {length: 2}",
        "calibration: {length: 65536}",
        "calibration: {seed: 18446744073709551615}"})
    EXPECT_EQ(problemOf(rules + good + "\n"), "") << good;
  for (const char *bad :
       {"kv: q5", "activations: int3", "rotate-heads: perhaps", "alpha: -0.1",
        "alpha: 1.1", "alpha: .nan", "calibration: {sequences: 1048577}",
        "calibration: {sequences: -1}", "calibration: {length: 1}",
        "calibration: {length: 65537}",
        "calibration: {seed: 18446744073709551616}",
        "calibration: {sequences: 99999999999999999999}"})
    EXPECT_NE(problemOf(rules + bad + "\n"), "") << bad;
}

TEST(RecipeTest, words) {
  auto recipe = builtinRecipe("Q4_K", 2);
  ASSERT_TRUE(bool(recipe));
  EXPECT_EQ(recipe->tensors.back().scheme, "Q4_K");
  EXPECT_FALSE(recipe->needsData());
  recipe = builtinRecipe("W4A16", 2);
  ASSERT_TRUE(bool(recipe));
  EXPECT_EQ(recipe->activations, "bf16");
  EXPECT_TRUE(recipe->needsData());
  recipe = builtinRecipe("W8A8", 2);
  ASSERT_TRUE(bool(recipe));
  EXPECT_EQ(recipe->activations, "per-token");
  recipe = builtinRecipe("W5A5", 2);
  ASSERT_FALSE(bool(recipe));
  EXPECT_NE(llvm::toString(recipe.takeError()).find("'W5A5'"),
            std::string::npos);
}

TEST(RecipeTest, mixtures_give_some_layers_more) {
  auto recipe = builtinRecipe("q4_k_m", 8);
  ASSERT_TRUE(bool(recipe));
  auto schemeOf = [&](const std::string &name) -> std::string {
    for (const TensorRule &rule : recipe->tensors)
      if (llvm::Regex("^(" + rule.match + ")$").match(name))
        return rule.scheme;
    return "";
  };
  // An eighth at each end, and each third between.
  for (int layer : {0, 3, 6, 7})
    for (const char *name : {".attn_v.weight", ".ffn_down.weight"})
      EXPECT_EQ(schemeOf("blk." + std::to_string(layer) + name), "Q6_K");
  for (int layer : {1, 2, 4, 5})
    EXPECT_EQ(schemeOf("blk." + std::to_string(layer) + ".attn_v.weight"),
              "Q4_K");
  EXPECT_EQ(schemeOf("blk.0.attn_q.weight"), "Q4_K");
  EXPECT_EQ(schemeOf("token_embd.weight"), "Q6_K");
}

namespace {
/// The first rule for a matrix of so many columns.
std::string typeOf(const Recipe &recipe, const std::string &name,
                   int64_t columns = 256) {
  for (const TensorRule &rule : recipe.tensors)
    if (llvm::Regex("^(" + rule.match + ")$").match(name))
      return rule.fallsBack ? fittingType(rule.scheme, columns) : rule.scheme;
  return "";
}

Recipe builtin(const std::string &word, const ModelShape &shape,
               bool pure = false) {
  auto recipe = builtinRecipe(word, shape, pure);
  if (recipe)
    return *recipe;
  ADD_FAILURE() << llvm::toString(recipe.takeError());
  return {};
}
} // namespace

// What llama-quantize of November 2026 prints for Gemma 3 270M: 18 layers, 640
// wide, 4 query heads on one of keys.
TEST(RecipeTest, mixtures_as_llama_quantize_has_them) {
  Recipe recipe = builtin("Q3_K_M", {18, 4});
  EXPECT_EQ(typeOf(recipe, "blk.1.attn_v.weight", 640), "Q5_1");
  EXPECT_EQ(typeOf(recipe, "blk.2.attn_v.weight", 640), "Q5_0");
  EXPECT_EQ(typeOf(recipe, "blk.0.ffn_down.weight", 2048), "Q5_K");
  EXPECT_EQ(typeOf(recipe, "blk.1.ffn_down.weight", 2048), "Q4_K");
  EXPECT_EQ(typeOf(recipe, "blk.1.attn_output.weight", 1024), "Q4_K");
  EXPECT_EQ(typeOf(recipe, "blk.1.attn_q.weight", 640), "Q4_0");
  EXPECT_EQ(typeOf(recipe, "token_embd.weight", 640), "Q8_0");
  EXPECT_EQ(typeOf(builtin("Q2_K", {18, 4}), "blk.3.attn_v.weight"), "Q4_K");
  EXPECT_EQ(typeOf(builtin("Q2_K", {18, 2}), "blk.3.attn_v.weight"), "Q3_K");
  EXPECT_EQ(typeOf(builtin("Q4_K_S", {18}), "blk.3.attn_v.weight"), "Q5_K");
  EXPECT_EQ(typeOf(builtin("Q4_K_S", {18}), "blk.4.attn_v.weight"), "Q4_K");
}

// An embedding that is not the head, too, is nothing special.
TEST(RecipeTest, the_head_is_special) {
  Recipe recipe = builtin("Q2_K", {2, 1, /*tied=*/false});
  EXPECT_EQ(typeOf(recipe, "output.weight"), "Q6_K");
  EXPECT_EQ(typeOf(recipe, "token_embd.weight"), "Q2_K");
  recipe = builtin("Q2_K", {2, 1, /*tied=*/true});
  EXPECT_EQ(typeOf(recipe, "token_embd.weight"), "Q6_K");
  recipe = builtin("Q2_K", 2, /*pure=*/true);
  EXPECT_EQ(typeOf(recipe, "token_embd.weight"), "Q2_K");
  EXPECT_EQ(typeOf(recipe, "blk.0.ffn_down.weight"), "Q2_K");
}

TEST(RecipeTest, types_that_fit) {
  EXPECT_EQ(fittingType("Q4_K", 512), "Q4_K");
  EXPECT_EQ(fittingType("Q4_K", 640), "Q5_0");
  EXPECT_EQ(fittingType("Q6_K", 96), "Q8_0");
  EXPECT_EQ(fittingType("Q6_K", 100), "F16");
  EXPECT_EQ(fittingType("Q8_0", 100), "F16");
  EXPECT_EQ(fittingType("IQ4_XS", 640), "IQ4_NL");
  EXPECT_EQ(fittingType("u4, row scale f32", 7), "u4, row scale f32");
}

TEST(RecipeTest, presets_of_compressed_tensors) {
  EXPECT_EQ(builtin("W8A16", 2).activations, "bf16");
  EXPECT_EQ(builtin("INT8", 2).activations, "per-token");
  EXPECT_EQ(builtin("W4A8", 2).activations, "per-token");
  EXPECT_EQ(builtin("NVFP4A16", 2).tensors.back().scheme, "NVFP4");
  for (const char *word : {"W4A16_ASYM", "W8A16", "MXFP4A16"}) {
    std::string scheme = builtin(word, 2).tensors.back().scheme;
    EXPECT_EQ(test::scheme(scheme).check(), "") << word;
  }
  auto recipe = builtinRecipe("FP8_DYNAMIC", 2);
  ASSERT_FALSE(bool(recipe));
  EXPECT_NE(llvm::toString(recipe.takeError()).find("floats of 8 bits"),
            std::string::npos);
}

TEST(RecipeTest, importance_takes_the_place_of_a_text) {
  Folder folder;
  std::string rules =
      "tensors:\n  - match: .*\n    scheme: Q4_0\n    algorithm: search\n";
  Recipe recipe = read(folder, rules + "importance: im.gguf\n"
                                       "calibration: {text: t.txt}\n");
  EXPECT_EQ(recipe.importance, folder.path + "/im.gguf");
  EXPECT_FALSE(recipe.needsData());
  EXPECT_NE(problemOf(rules + "importance: im.gguf\nrotate: .*\n")
                .find("importance is of the model's own inputs"),
            std::string::npos);
}

TEST(RecipeTest, low_rank) {
  Folder folder;
  std::string rules =
      "tensors:\n  - match: .*\n    scheme: Q4_0\n    low-rank: ";
  Recipe recipe = read(folder, rules + "8\n");
  EXPECT_EQ(recipe.tensors[0].lowRank, 8);
  EXPECT_FALSE(recipe.needsData());
  recipe.calibration.path = "text.txt"; // of use
  EXPECT_TRUE(recipe.needsData());
  EXPECT_NE(problemOf(rules + "-1\n").find("low-rank: expected 0 to 4096"),
            std::string::npos);
}
