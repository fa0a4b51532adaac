//===- Quantize.cpp - quant-compile --recipe ------------------------------===//

#include "Quantize.h"

#include "lowbit/Calibration/Calibrate.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

namespace lowbit {

static ModelShape shapeOf(const ModelSource &source) {
  std::string prefix =
      source.string("general.architecture").value_or("").str() + ".";
  auto number = [&](const char *key) {
    return source.integer(prefix + key).value_or(0);
  };
  int64_t heads = number("attention.head_count"),
          keys = number("attention.head_count_kv");
  return {number("block_count"), keys > 0 ? heads / keys : 1,
          !source.find("output.weight")};
}

/// What --output-imatrix without a recipe does: nothing is rounded.
static llvm::Expected<Recipe> onlyLooks() {
  Recipe recipe;
  recipe.name = "importance";
  recipe.tensors = {{".*", "keep"}};
  recipe.activations = "f32";
  return recipe;
}

static llvm::Expected<Recipe> recipeOf(const Command &command,
                                       const ModelSource &source) {
  if (command.budget.limit)
    return recipeOfBudget(command, source);
  llvm::StringRef word = command.recipe;
  bool isFile = word.ends_with(".yaml") || word.ends_with(".yml");
  ModelShape shape = shapeOf(source);
  auto recipe = word.empty() ? onlyLooks()
                : isFile ? readRecipe(word)
                         : builtinRecipe(word, shape, command.overrides.pure);
  if (!recipe)
    return recipe;
  // A file of GGUF holds whole blocks only.
  if (!isFile && command.compile.emit == Emit::GGUF)
    for (TensorRule &rule : recipe->tensors)
      rule.fallsBack = true;
  applyOverrides(command.overrides, shape.tied, *recipe);
  if (!command.importance.empty())
    recipe->importance = command.importance;
  if (!recipe->importance.empty() &&
      (!recipe->rotate.empty() || recipe->scale != Scaling::None))
    return llvm::createStringError(
        llvm::inconvertibleErrorCode(),
        "--imatrix is of the model's own inputs, which the recipe " +
            recipe->name + " rotates or scales: take one out");
  if (!command.outputImportance.empty() && !recipe->rotate.empty())
    return llvm::createStringError(
        llvm::inconvertibleErrorCode(),
        "--output-imatrix is of the model's own inputs, which the recipe " +
            recipe->name + " rotates: make it without --recipe");
  if (!command.text.empty())
    recipe->calibration.path = command.text;
  if (command.sequences)
    recipe->calibration.sequences = command.sequences;
  if (command.length)
    recipe->calibration.length = command.length;
  return recipe;
}

/// A line for each tensor, as llama-quantize --dry-run has them.
static llvm::Error printPlan(const ModelSource &source, const Recipe &recipe) {
  auto plan = planTensors(source, recipe);
  if (!plan)
    return plan.takeError();
  uint64_t before = 0, after = 0, weights = 0;
  for (const SourceTensor &tensor : source.tensors()) {
    before += tensor.bytes;
    after += tensor.bytes;
    weights += uint64_t(tensor.rows()) * uint64_t(tensor.columns());
  }
  for (const TensorPlan &tensor : *plan) {
    after += tensor.bytes() - tensor.sourceBytes;
    llvm::outs() << llvm::format(
        "%-32s %7d x %-7d %10.3f MB -> %10.3f MB  %s, %s\n",
        tensor.name.c_str(), int(tensor.rows), int(tensor.columns),
        double(tensor.sourceBytes) / 1e6, double(tensor.bytes()) / 1e6,
        tensor.format.c_str(), wordOf(tensor.algorithm).str().c_str());
  }
  llvm::outs() << llvm::format(
      "recipe %s: %d tensors, %.2f MB -> %.2f MB, %.3f bits per weight\n",
      recipe.name.c_str(), int(plan->size()), double(before) / 1e6,
      double(after) / 1e6, 8 * double(after) / double(weights));
  return llvm::Error::success();
}

std::string workFolderOf(const Command &command) {
  if (!command.workFolder.empty())
    return command.workFolder;
  for (const std::string &output :
       {command.compile.output, command.outputImportance})
    if (!output.empty())
      return output + ".work";
  return "lowbit-budget.work";
}

llvm::Error quantize(const Command &command) {
  QuantizeOptions options;
  options.workFolder = workFolderOf(command);
  bool isMeasured = command.budget.limit.has_value();
  llvm::scope_exit clean([&] {
    if (command.workFolder.empty() && (isMeasured || !command.dryRun))
      llvm::sys::fs::remove_directories(options.workFolder);
  });
  auto source = openModel(command.compile.input);
  if (!source)
    return source.takeError();
  auto recipe = recipeOf(command, **source);
  if (!recipe)
    return recipe.takeError();
  if (command.dryRun)
    return printPlan(**source, *recipe);
  bool onlyRecipe = isMeasured && command.compile.output.empty();
  if (onlyRecipe) // the recipe was all that was wanted
    return llvm::Error::success();
  if (command.compile.emit == Emit::GGUF &&
      llvm::any_of(recipe->tensors,
                   [](const TensorRule &rule) { return rule.lowRank > 0; }))
    return llvm::createStringError(
        llvm::inconvertibleErrorCode(),
        "recipe " + recipe->name +
            ": no key of a GGUF file speaks of corrections of low rank: take "
            "low-rank out, or write a module");
  options.compile = command.compile;
  if (!recipe->activations.empty())
    options.compile.activations = recipe->activations;
  options.compile.kv = parseKVElement(recipe->kv).value_or(options.compile.kv);
  recipe->rotateHeads |= options.compile.rotateHeads;
  options.recipe = std::move(*recipe);
  options.threads = command.threads;
  options.quiet = command.compile.quiet;
  options.outputImportance = command.outputImportance;
  auto model = quantizeModel(std::move(*source), options);
  if (!model)
    return model.takeError();
  if (command.compile.output.empty()) // only the imatrix was asked for
    return llvm::Error::success();
  options.compile.prepare = [&](mlir::ModuleOp module) {
    return prepareModel(module, options.recipe, **model);
  };
  return compile(options.compile, model->get());
}

} // namespace lowbit
