//===- Recipe.cpp - How to quantize a model -------------------------------===//

#include "lowbit/Calibration/Recipe.h"

#include "lowbit/Support/Activations.h"
#include "lowbit/Support/KVElement.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/YAMLTraits.h"

#include <optional>

LLVM_YAML_IS_SEQUENCE_VECTOR(lowbit::TensorRule)

namespace llvm::yaml {

using namespace lowbit;

/// LLVM's own enumerations say only that a word is unknown.
template <> struct ScalarTraits<Algorithm> {
  static void output(const Algorithm &, void *, raw_ostream &) {}
  static StringRef input(StringRef word, void *, Algorithm &value) {
    auto found = StringSwitch<std::optional<Algorithm>>(word)
                     .Case("nearest", Algorithm::Nearest)
                     .Case("search", Algorithm::Search)
                     .Case("gptq", Algorithm::GPTQ)
                     .Case("hqq", Algorithm::HQQ)
                     .Default(std::nullopt);
    value = found.value_or(Algorithm::Nearest);
    return found ? "" : "algorithm: expected nearest, search, gptq or hqq";
  }
  static QuotingType mustQuote(StringRef) { return QuotingType::None; }
};

template <> struct ScalarTraits<Scaling> {
  static void output(const Scaling &, void *, raw_ostream &) {}
  static StringRef input(StringRef word, void *, Scaling &value) {
    auto found = StringSwitch<std::optional<Scaling>>(word)
                     .Case("none", Scaling::None)
                     .Case("awq", Scaling::AWQ)
                     .Case("smoothquant", Scaling::SmoothQuant)
                     .Default(std::nullopt);
    value = found.value_or(Scaling::None);
    return found ? "" : "scale: expected none, awq or smoothquant";
  }
  static QuotingType mustQuote(StringRef) { return QuotingType::None; }
};

template <> struct MappingTraits<TensorRule> {
  static void mapping(IO &io, TensorRule &rule) {
    io.mapRequired("match", rule.match);
    io.mapRequired("scheme", rule.scheme);
    io.mapOptional("algorithm", rule.algorithm);
    io.mapOptional("low-rank", rule.lowRank);
    io.mapOptional("optional", rule.isOptional);
    io.mapOptional("fallback", rule.fallsBack);
  }
};

template <> struct MappingTraits<CalibrationText> {
  static void mapping(IO &io, CalibrationText &text) {
    io.mapOptional("text", text.path);
    io.mapOptional("sequences", text.sequences);
    io.mapOptional("length", text.length);
    io.mapOptional("seed", text.seed);
  }
};

template <> struct MappingTraits<Recipe> {
  static void mapping(IO &io, Recipe &recipe) {
    io.mapOptional("name", recipe.name);
    io.mapRequired("tensors", recipe.tensors);
    io.mapOptional("rotate", recipe.rotate);
    io.mapOptional("scale", recipe.scale);
    io.mapOptional("alpha", recipe.alpha);
    io.mapOptional("activations", recipe.activations);
    io.mapOptional("kv", recipe.kv);
    io.mapOptional("rotate-heads", recipe.rotateHeads);
    io.mapOptional("importance", recipe.importance);
    io.mapOptional("calibration", recipe.calibration);
  }
};

} // namespace llvm::yaml

namespace lowbit {

static llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

llvm::StringRef wordOf(Algorithm algorithm) {
  switch (algorithm) {
  case Algorithm::Nearest:
    return "nearest";
  case Algorithm::Search:
    return "search";
  case Algorithm::GPTQ:
    return "gptq";
  case Algorithm::HQQ:
    return "hqq";
  }
  return "";
}

bool Recipe::observes(const TensorRule &rule) const {
  bool isBetterWithText =
      (rule.algorithm == Algorithm::Search && importance.empty()) ||
      rule.lowRank > 0;
  return rule.algorithm == Algorithm::GPTQ ||
         (isBetterWithText && !calibration.path.empty());
}

bool Recipe::needsData() const {
  return scale != Scaling::None ||
         llvm::any_of(tensors,
                      [&](const TensorRule &rule) { return observes(rule); });
}

/// Keeps the first complaint of the reader as one line.
static void keepFirst(const llvm::SMDiagnostic &diagnostic, void *kept) {
  auto &text = *static_cast<std::string *>(kept);
  if (text.empty())
    text =
        (diagnostic.getFilename() + ":" + llvm::Twine(diagnostic.getLineNo()) +
         ": " + diagnostic.getMessage())
            .str();
}

static llvm::Error checkRules(const Recipe &recipe, llvm::StringRef path) {
  std::string problem;
  if (recipe.tensors.empty())
    return failure(path + ": tensors: expected a rule for at least one tensor");
  for (const TensorRule &rule : recipe.tensors)
    if (!llvm::Regex(rule.match).isValid(problem))
      return failure(path + ": match: '" + rule.match +
                     "' is no regular expression: " + problem);
  for (const TensorRule &rule : recipe.tensors)
    if (rule.lowRank < 0 || rule.lowRank > 4096)
      return failure(path + ": match: '" + rule.match +
                     "': low-rank: expected 0 to 4096, but got " +
                     llvm::Twine(rule.lowRank));
  if (!recipe.rotate.empty() && !llvm::Regex(recipe.rotate).isValid(problem))
    return failure(path + ": rotate: '" + recipe.rotate +
                   "' is no regular expression: " + problem);
  return llvm::Error::success();
}

static llvm::Error checkRecipe(const Recipe &recipe, llvm::StringRef path) {
  if (llvm::Error error = checkRules(recipe, path))
    return error;
  if (!recipe.rotate.empty() && recipe.scale != Scaling::None)
    return failure(path +
                   ": rotate and scale are two answers to outliers; give "
                   "one");
  if (!recipe.importance.empty() &&
      (!recipe.rotate.empty() || recipe.scale != Scaling::None))
    return failure(path + ": importance is of the model's own inputs, which "
                          "rotate and scale change: take one out");
  if (!(recipe.alpha >= 0 && recipe.alpha <= 1))
    return failure(path + ": alpha: expected 0 to 1");
  if (!recipe.activations.empty() && !isActivationWord(recipe.activations))
    return failure(path + ": activations: expected " + activationWordList() +
                   ", but got '" + recipe.activations + "'");
  if (!recipe.kv.empty() && !parseKVElement(recipe.kv))
    return failure(path + ": kv: expected f32, f16, bf16, q8 or q4, but got '" +
                   recipe.kv + "'");
  const CalibrationText &text = recipe.calibration;
  if (text.sequences < 1 || text.sequences > (1 << 20))
    return failure(path +
                   ": calibration: sequences: expected 1 to 1048576, "
                   "but got " +
                   llvm::Twine(text.sequences));
  if (text.length < 2 || text.length > (1 << 16))
    return failure(path +
                   ": calibration: length: expected 2 to 65536 tokens, "
                   "but got " +
                   llvm::Twine(text.length));
  return llvm::Error::success();
}

/// A file that a recipe names is relative to it.
static void resolve(std::string &name, llvm::StringRef recipe) {
  if (name.empty() || !llvm::sys::path::is_relative(name))
    return;
  llvm::SmallString<128> whole(llvm::sys::path::parent_path(recipe));
  llvm::sys::path::append(whole, name);
  name = std::string(whole);
}

llvm::Expected<Recipe> readRecipe(llvm::StringRef path) {
  auto file = llvm::MemoryBuffer::getFile(path);
  if (!file)
    return failure("cannot read the recipe " + path + ": " +
                   file.getError().message());
  std::string complaint;
  llvm::yaml::Input input((*file)->getMemBufferRef(), nullptr, keepFirst,
                          &complaint);
  Recipe recipe;
  input >> recipe;
  if (input.error())
    return failure(complaint.empty()
                       ? path + ": is not a recipe: expected the key tensors:"
                       : llvm::Twine(complaint));
  if (llvm::Error error = checkRecipe(recipe, path))
    return std::move(error);
  if (recipe.name.empty())
    recipe.name = llvm::sys::path::stem(path).str();
  resolve(recipe.calibration.path, path);
  resolve(recipe.importance, path);
  return recipe;
}

} // namespace lowbit
