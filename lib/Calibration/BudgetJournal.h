//===- BudgetJournal.h - What a budget run has measured ---------*- C++ -*-===//

#ifndef LOWBIT_LIB_CALIBRATION_BUDGETJOURNAL_H
#define LOWBIT_LIB_CALIBRATION_BUDGETJOURNAL_H

#include "llvm/Support/JSON.h"

#include <optional>
#include <string>

namespace lowbit {

/// Numbers by section, row and column in a file of JSON that is whole at all
/// times, so that a run that was stopped loses one measurement.
class BudgetJournal {
public:
  /// Takes up what is there; what is no journal counts as none.
  explicit BudgetJournal(std::string path);

  /// Nothing where there is none that is finite.
  std::optional<double> get(llvm::StringRef section, llvm::StringRef row,
                            llvm::StringRef column) const;
  void set(llvm::StringRef section, llvm::StringRef row, llvm::StringRef column,
           double value);
  llvm::Error save() const;

private:
  std::string path_;
  llvm::json::Object sections_;
};

} // namespace lowbit

#endif // LOWBIT_LIB_CALIBRATION_BUDGETJOURNAL_H
