//===- Quantize.cpp - quant-compile --recipe ------------------------------===//

#include "Quantize.h"

#include "lowbit/Calibration/Calibrate.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

namespace lowbit {

static llvm::Expected<Recipe> recipeOf(const Command &command,
                                       const ModelSource &source) {
  if (command.budget.limit)
    return recipeOfBudget(command, source);
  llvm::StringRef word = command.recipe;
  bool isFile = word.ends_with(".yaml") || word.ends_with(".yml");
  std::string key =
      source.string("general.architecture").value_or("").str() + ".block_count";
  auto recipe = isFile ? readRecipe(word)
                       : builtinRecipe(word, source.integer(key).value_or(0));
  if (!recipe)
    return recipe;
  if (!command.text.empty())
    recipe->calibration.path = command.text;
  if (command.sequences)
    recipe->calibration.sequences = command.sequences;
  if (command.length)
    recipe->calibration.length = command.length;
  return recipe;
}

static llvm::StringRef wordOf(Algorithm algorithm) {
  switch (algorithm) {
  case Algorithm::Nearest:
    return "nearest";
  case Algorithm::Search:
    return "search";
  case Algorithm::GPTQ:
    return "gptq";
  }
  return "";
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
  const std::string &output = command.compile.output;
  return (output.empty() ? "lowbit-budget" : output) + ".work";
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
  if (command.compile.output.empty()) // the recipe was all that was wanted
    return llvm::Error::success();
  options.compile = command.compile;
  if (!recipe->activations.empty())
    options.compile.activations = recipe->activations;
  options.recipe = std::move(*recipe);
  options.threads = command.threads;
  options.quiet = command.compile.quiet;
  auto model = quantizeModel(std::move(*source), options);
  if (!model)
    return model.takeError();
  options.compile.prepare = [&](mlir::ModuleOp module) {
    return prepareModel(module, options.recipe, **model);
  };
  return compile(options.compile, model->get());
}

} // namespace lowbit
