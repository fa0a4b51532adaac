//===- Options.h - The command line of quant-compile ------------*- C++ -*-===//

#ifndef LOWBIT_TOOLS_QUANT_COMPILE_OPTIONS_H
#define LOWBIT_TOOLS_QUANT_COMPILE_OPTIONS_H

#include "lowbit/Calibration/Budget.h"
#include "lowbit/Calibration/Overrides.h"
#include "lowbit/Driver/Compile.h"

namespace lowbit {

/// --budget and what belongs to it.
struct BudgetCommand {
  std::optional<BudgetLimit> limit;
  std::vector<std::string> candidates; ///< none: the usual ones
  Algorithm algorithm = Algorithm::Search;
  double seconds = 600;
  std::string report;       ///< a file for the figures; "": none
  std::string outputRecipe; ///< a file for the recipe; "": none
};

struct Command {
  CompileOptions compile;
  std::string recipe;     ///< a file or a built-in word; "": none
  std::string text;       ///< that calibrates, in place of the recipe's
  std::string workFolder; ///< "": beside the output, removed at the end
  int32_t sequences = 0, length = 0; ///< 0: as the recipe says
  int32_t threads = 0;
  bool dryRun = false;
  std::string importance;       ///< an imatrix file, in place of the recipe's
  std::string outputImportance; ///< one to write
  RecipeOverrides overrides;
  BudgetCommand budget;
};

/// Reads the command line; an error says which word is wrong and what to do.
/// `done`: help or version was asked for and printed.
llvm::Expected<Command> parseOptions(int argc, char **argv, bool &done);

} // namespace lowbit

#endif // LOWBIT_TOOLS_QUANT_COMPILE_OPTIONS_H
