//===- variants.cpp - What a model may become -----------------------------===//

#include "tools/quant-report/variants.h"

#include "tools/common/files.h"

#include <algorithm>
#include <cctype>

using namespace lowbit::tools;
using namespace lowbit::tools::report;

/// Groups are short, as no text corrects rounding: what a user gets who asks
/// for "4 bits" and nothing else. Sizes of rows need not be multiples of them.
static const std::vector<Variant> &builtins() {
  static const std::vector<Variant> all = {
      {"bf16", "BF16", "BF16", "bf16", "", "", false},
      {"source", "As given", "", "", "", "", false},
      {"int8", "INT8", "s8, group 32 scale f16", "", "", "", false},
      {"int4", "INT4", "u4 offset 8, group 32 scale f16", "", "", "", false},
      {"int4-g128", "INT4 g128", "u4 offset 8, group 128 scale f16", "", "", "",
       true},
      {"int3", "INT3", "u3 offset 4, group 32 scale f16", "", "", "", true},
      {"int2", "INT2", "u2, group 32 scale f16 min f16", "", "", "", false},
      {"ternary", "Ternary", "ternary, group 64 scale f16", "", "", "", false},
      {"1-bit", "1-bit", "sign, group 64 scale f16", "", "", "", false},
  };
  return all;
}

const Variant *lowbit::tools::report::findVariant(const std::string &name) {
  for (const Variant &variant : builtins())
    if (variant.name == name)
      return &variant;
  return nullptr;
}

std::string lowbit::tools::report::variantNames() {
  std::string names;
  for (const Variant &variant : builtins())
    names += (names.empty() ? "" : ", ") + variant.name;
  return names;
}

/// The embedding is read a row at a time and is the head of many models: below
/// 8 bits it would decide about everything. (`source` has no recipe.)
static void writeRecipe(Variant &variant, bool calibrated) {
  if (variant.scheme.empty())
    return;
  bool isFloat = variant.scheme == "BF16";
  variant.yaml = "name: " + variant.name + "\ntensors:\n";
  if (!isFloat)
    variant.yaml += "  - match: (token_embd|output)\\.weight\n"
                    "    scheme: Q8_0\n";
  variant.yaml += "  - match: .*\n    scheme: " + variant.scheme + "\n";
  if (!isFloat)
    variant.yaml +=
        calibrated ? "    algorithm: gptq\n" : "    algorithm: search\n";
  if (!variant.activations.empty())
    variant.yaml += "activations: " + variant.activations + "\n";
}

/// A file's name without folders and ending, in letters that any file may have.
static std::string nameOf(const std::string &recipe) {
  std::string name = recipe.substr(recipe.rfind('/') + 1);
  for (const char *ending : {".yaml", ".yml"}) {
    size_t at = name.rfind(ending);
    if (at != std::string::npos &&
        at + std::string(ending).size() == name.size())
      name.resize(at);
  }
  for (char &c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_' &&
        c != '.')
      c = '_';
  return name;
}

static bool isFileName(const std::string &recipe) {
  auto endsWith = [&](const std::string &end) {
    return recipe.size() > end.size() &&
           recipe.compare(recipe.size() - end.size(), end.size(), end) == 0;
  };
  return endsWith(".yaml") || endsWith(".yml");
}

static Error addRecipe(const std::string &recipe,
                       std::vector<Variant> &variants) {
  Variant variant;
  variant.name = variant.title = nameOf(recipe);
  variant.recipe = recipe;
  if (isFileName(recipe))
    TOOLS_TRY(readFile(recipe, variant.yaml));
  for (const Variant &other : variants)
    if (other.name == variant.name)
      return Error("--recipe: two are named '" + variant.name +
                   "'; give one of the files another name");
  variants.push_back(std::move(variant));
  return Error::success();
}

Error lowbit::tools::report::chooseVariants(
    const std::vector<std::string> &names,
    const std::vector<std::string> &recipes, bool full, bool isFile,
    bool calibrated, std::vector<Variant> &variants) {
  for (const Variant &variant : builtins()) {
    bool named =
        std::find(names.begin(), names.end(), variant.name) != names.end();
    bool byDefault = names.empty() && (full || !variant.extra) &&
                     (variant.name != "source" || isFile);
    if (!recipes.empty())
      byDefault = variant.name == "bf16";
    if (named || byDefault)
      variants.push_back(variant);
  }
  for (Variant &variant : variants)
    writeRecipe(variant, calibrated);
  for (const std::string &recipe : recipes)
    TOOLS_TRY(addRecipe(recipe, variants));
  return Error::success();
}
