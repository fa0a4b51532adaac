//===- Budget.cpp - quant-compile --budget --------------------------------===//

#include "Quantize.h"

#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

namespace lowbit {

static BudgetOptions optionsOf(const Command &command) {
  BudgetOptions options;
  options.limit = *command.budget.limit;
  options.candidates = command.budget.candidates;
  options.algorithm = command.budget.algorithm;
  options.seconds = command.budget.seconds;
  options.text.path = command.text;
  if (command.sequences)
    options.text.sequences = command.sequences;
  if (command.length)
    options.text.length = command.length;
  options.compile = command.compile;
  options.workFolder = workFolderOf(command);
  options.threads = command.threads;
  options.quiet = command.compile.quiet;
  return options;
}

static llvm::Error writeReport(const std::string &path,
                               const llvm::json::Value &report) {
  llvm::Error error =
      llvm::writeToOutput(path, [&](llvm::raw_ostream &os) -> llvm::Error {
        os << llvm::formatv("{0:2}\n", report);
        return llvm::Error::success();
      });
  if (!error)
    return error;
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 "cannot write the report " + path + ": " +
                                     llvm::toString(std::move(error)));
}

llvm::Expected<Recipe> recipeOfBudget(const Command &command,
                                      const ModelSource &source) {
  BudgetOptions options = optionsOf(command);
  auto result = chooseRecipe(source, options);
  if (!result)
    return result.takeError();
  if (!options.quiet)
    printBudget(*result, llvm::outs());
  const BudgetCommand &budget = command.budget;
  if (!budget.report.empty())
    if (llvm::Error error =
            writeReport(budget.report, budgetJson(*result, options)))
      return std::move(error);
  if (!budget.outputRecipe.empty())
    if (llvm::Error error = writeRecipe(budget.outputRecipe, result->recipe))
      return std::move(error);
  return std::move(result->recipe);
}

} // namespace lowbit
