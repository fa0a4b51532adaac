//===- Overrides.h - llama-quantize's words about tensors -------*- C++ -*-===//

#ifndef LOWBIT_CALIBRATION_OVERRIDES_H
#define LOWBIT_CALIBRATION_OVERRIDES_H

#include "lowbit/Calibration/Recipe.h"

namespace lowbit {

/// What the command line says of single tensors, before the recipe's rules.
struct RecipeOverrides {
  /// Pairs of an expression, which part of a name matches, and a type.
  std::vector<std::pair<std::string, std::string>> types;
  std::string output;    ///< type of the head, of a tied embedding too
  std::string embedding; ///< type of the embedding
  bool keepsOutput = false;
  bool pure = false; ///< of a mixture: its most frequent type for every matrix
  std::string algorithm; ///< of all rules that search; "": as they say

  bool any() const {
    return !types.empty() || !output.empty() || !embedding.empty() ||
           keepsOutput || pure || !algorithm.empty();
  }
};

/// Reads "REGEX=TYPE".
llvm::Error addTensorType(llvm::StringRef text, RecipeOverrides &overrides);

/// Puts rules for `overrides` in front of the recipe's; `tied`: the embedding
/// is the head, too.
void applyOverrides(const RecipeOverrides &overrides, bool tied,
                    Recipe &recipe);

} // namespace lowbit

#endif // LOWBIT_CALIBRATION_OVERRIDES_H
