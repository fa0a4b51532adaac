//===- BudgetTensors.h - What may become of each matrix ---------*- C++ -*-===//

#ifndef LOWBIT_LIB_CALIBRATION_BUDGETTENSORS_H
#define LOWBIT_LIB_CALIBRATION_BUDGETTENSORS_H

#include "lowbit/Calibration/Budget.h"

namespace lowbit {

/// A matrix and its plans, one for each candidate that its rows can have.
struct BudgetTensor {
  std::string name;
  std::vector<TensorPlan> plans;
  std::vector<std::string> schemes; ///< of the plans, as recipes take them
  /// Of each candidate of the list: its plan. Where a candidate is not for this
  /// matrix, that of the next smaller one, or else of the smallest.
  std::vector<size_t> planOf;
  bool isMultiplied = true; ///< false: rows are looked up in it, no more
};

struct BudgetTensors {
  std::vector<std::string> candidates; ///< by falling size
  std::vector<BudgetTensor> tensors;
  double fixedBytes = 0; ///< of everything else
  double weights = 0;    ///< of all tensors
};

/// The matrices that a budget chooses for, and the candidates' words. Types of
/// GGUF whose blocks do not divide a row stand for their schemes, with a
/// shorter group at the end of a row, unless a GGUF file is wanted, which has
/// no such rows.
llvm::Expected<BudgetTensors> budgetTensors(const ModelSource &source,
                                            const BudgetOptions &options);

} // namespace lowbit

#endif // LOWBIT_LIB_CALIBRATION_BUDGETTENSORS_H
