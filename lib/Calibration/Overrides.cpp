//===- Overrides.cpp - llama-quantize's words about tensors ---------------===//

#include "lowbit/Calibration/Overrides.h"

#include "lowbit/Support/BitFormat.h"

#include "llvm/Support/Regex.h"

namespace lowbit {

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// llama-quantize takes its types in any case.
static std::string typeOf(llvm::StringRef text) {
  std::string upper = text.upper();
  return findBitFormat(std::string_view(upper)) ? upper : text.str();
}

llvm::Error addTensorType(llvm::StringRef text, RecipeOverrides &overrides) {
  auto [expression, type] = text.rsplit('=');
  if (expression.empty() || type.empty())
    return failure("--tensor-type: expected REGEX=TYPE such as "
                   "ffn_down=Q6_K, but got '" +
                   text + "'");
  std::string problem;
  if (!llvm::Regex(expression).isValid(problem))
    return failure("--tensor-type: '" + expression +
                   "' is no regular expression: " + problem);
  overrides.types.push_back({expression.str(), typeOf(type)});
  return llvm::Error::success();
}

void applyOverrides(const RecipeOverrides &overrides, bool tied,
                    Recipe &recipe) {
  std::vector<TensorRule> rules;
  auto add = [&](std::string match, llvm::StringRef scheme, bool isOptional) {
    rules.push_back({std::move(match), scheme.str(), Algorithm::Search,
                     isOptional, /*fallsBack=*/true});
  };
  // The order in which llama-quantize asks.
  if (overrides.keepsOutput)
    add("output\\.weight", "keep", true);
  if (!overrides.embedding.empty())
    add("token_embd\\.weight", typeOf(overrides.embedding), false);
  if (!overrides.output.empty() && !tied)
    add("output\\.weight", typeOf(overrides.output), overrides.keepsOutput);
  for (const auto &[expression, type] : overrides.types)
    add(".*(" + expression + ").*", type, false);
  if (!overrides.output.empty() && tied)
    add("token_embd\\.weight", typeOf(overrides.output), true);
  if (!overrides.any())
    return;
  // What they take from the recipe is no mistake of the recipe.
  for (TensorRule &rule : recipe.tensors) {
    rule.isOptional = true;
    rules.push_back(std::move(rule));
  }
  if (!overrides.algorithm.empty())
    for (TensorRule &rule : rules)
      if (rule.algorithm == Algorithm::Search)
        rule.algorithm = overrides.algorithm == "gptq"  ? Algorithm::GPTQ
                         : overrides.algorithm == "hqq" ? Algorithm::HQQ
                                                        : Algorithm::Nearest;
  recipe.tensors = std::move(rules);
}

} // namespace lowbit
