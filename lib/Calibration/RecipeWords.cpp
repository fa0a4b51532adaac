//===- RecipeWords.cpp - Recipes that everybody knows ---------------------===//

#include "lowbit/Calibration/Recipe.h"

#include "lowbit/Support/BitFormat.h"

namespace lowbit {

/// Everything in one scheme but the embedding, which is read a row at a time
/// and, as the head of many models, decides about every token.
static Recipe uniform(llvm::StringRef name, llvm::StringRef scheme,
                      llvm::StringRef activations, Algorithm algorithm) {
  Recipe recipe;
  recipe.name = name.str();
  recipe.activations = activations.str();
  recipe.tensors = {{"(token_embd|output)\\.weight", "Q8_0"},
                    {".*", scheme.str(), algorithm}};
  return recipe;
}

llvm::Expected<Recipe> builtinRecipe(llvm::StringRef name) {
  if (findBitFormat(std::string_view(name)))
    return uniform(name, name, "", Algorithm::Nearest);
  if (name == "W4A16")
    return uniform(name, "u4 offset 8, group 128 scale f16", "bf16",
                   Algorithm::GPTQ);
  if (name == "W8A8")
    return uniform(name, "s8, row scale f32", "per-token", Algorithm::Nearest);
  return llvm::createStringError(
      llvm::inconvertibleErrorCode(),
      "'" + name +
          "' is neither a recipe's file nor a built-in one: those are W4A16, "
          "W8A8 and types of GGUF such as Q4_0");
}

} // namespace lowbit
