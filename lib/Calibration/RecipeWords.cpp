//===- RecipeWords.cpp - Recipes that everybody knows ---------------------===//

#include "lowbit/Calibration/Recipe.h"

#include "lowbit/Support/BitFormat.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace lowbit {

namespace {

/// What llama-quantize gives the matrices that decide most, by its words.
/// Others get `base`; of `more`, those in the layers that useMoreBits names, or
/// in the first ones.
struct Mixture {
  llvm::StringLiteral word, base;
  llvm::StringLiteral values;     ///< attn_v
  llvm::StringLiteral moreValues; ///< of some layers; "": none
  llvm::StringLiteral down;       ///< ffn_down
  llvm::StringLiteral moreDown;
  llvm::StringLiteral output; ///< attn_output
  /// Which layers have more: those of useMoreBits, or the first 1/part.
  int64_t valuesPart = 0, downPart = 0;
};

} // namespace

// As llama.cpp's llama_tensor_get_type has it for models without experts
// (llama.cpp of November 2026); its mixtures differ a little with the number of
// query heads for each key head, which is left out here.
static constexpr Mixture kMixtures[] = {
    {"Q2_K", "Q2_K", "Q3_K", "", "Q3_K", "", "Q3_K"},
    {"Q3_K_S", "Q3_K", "Q3_K", "", "Q3_K", "", "Q3_K"},
    {"Q3_K_M", "Q3_K", "Q4_K", "Q5_K", "Q3_K", "Q4_K", "Q4_K", 16},
    {"Q3_K_L", "Q3_K", "Q5_K", "", "Q5_K", "", "Q5_K"},
    {"Q4_K_S", "Q4_K", "Q4_K", "Q5_K", "Q4_K", "Q5_K", "Q4_K", 8, 8},
    {"Q4_K_M", "Q4_K", "Q4_K", "Q6_K", "Q4_K", "Q6_K", "Q4_K"},
    {"Q5_K_S", "Q5_K", "Q5_K", "", "Q5_K", "", "Q5_K"},
    {"Q5_K_M", "Q5_K", "Q5_K", "Q6_K", "Q5_K", "Q6_K", "Q5_K"},
};

/// The first and last eighth of the layers, and each third between.
static bool useMoreBits(int64_t layer, int64_t layers) {
  int64_t eighth = layers / 8;
  return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2;
}

/// "0|1|5": layers that have more.
static std::string layersWithMore(int64_t layers, int64_t part) {
  std::vector<std::string> numbers;
  for (int64_t layer = 0; layer < layers; ++layer)
    if (part ? layer < std::max<int64_t>(1, layers / part)
             : useMoreBits(layer, layers))
      numbers.push_back(std::to_string(layer));
  return llvm::join(numbers, "|");
}

static Recipe ofMixture(const Mixture &mixture, int64_t layers) {
  Recipe recipe;
  recipe.name = mixture.word.str();
  auto add = [&](const std::string &match, llvm::StringRef scheme) {
    recipe.tensors.push_back({match, scheme.str(), Algorithm::Search});
  };
  auto addLayers = [&](int64_t part, const char *name, llvm::StringRef scheme) {
    std::string numbers = layersWithMore(layers, part);
    if (!scheme.empty() && !numbers.empty())
      add("blk\\.(" + numbers + ")\\." + name + "\\.weight", scheme);
  };
  add("(token_embd|output)\\.weight", "Q6_K");
  addLayers(mixture.valuesPart, "attn_v", mixture.moreValues);
  add("blk\\..*\\.attn_v\\.weight", mixture.values);
  addLayers(mixture.downPart, "ffn_down", mixture.moreDown);
  add("blk\\..*\\.ffn_down\\.weight", mixture.down);
  add("blk\\..*\\.attn_output\\.weight", mixture.output);
  add("blk\\..*", mixture.base);
  return recipe;
}

/// Everything in one scheme but the embedding, which is read a row at a time
/// and, as the head of many models, decides about every token.
static Recipe uniform(llvm::StringRef name, llvm::StringRef scheme,
                      llvm::StringRef activations, Algorithm algorithm) {
  Recipe recipe;
  recipe.name = name.str();
  recipe.activations = activations.str();
  recipe.tensors = {
      {"(token_embd|position_embd|token_types|output)\\.weight", "Q8_0"},
      {".*", scheme.str(), algorithm}};
  return recipe;
}

llvm::Expected<Recipe> builtinRecipe(llvm::StringRef name, int64_t layers) {
  for (const Mixture &mixture : kMixtures)
    if (name.equals_insensitive(mixture.word))
      return ofMixture(mixture, layers);
  if (findBitFormat(std::string_view(name)))
    return uniform(name, name, "", Algorithm::Search);
  if (name == "W4A16")
    return uniform(name, "u4 offset 8, group 128 scale f16", "bf16",
                   Algorithm::GPTQ);
  if (name == "W8A8")
    return uniform(name, "s8, row scale f32", "per-token", Algorithm::Search);
  auto words = llvm::map_range(
      kMixtures, [](const Mixture &mixture) { return mixture.word.str(); });
  return llvm::createStringError(
      llvm::inconvertibleErrorCode(),
      "'" + name +
          "' is neither a recipe's file (.yaml) nor a built-in one: those are "
          "W4A16, W8A8, " +
          llvm::join(words, ", ") + " and types of GGUF such as Q4_0");
}

} // namespace lowbit
