//===- BudgetSearch.h - Measures and chooses under a limit ------*- C++ -*-===//
//
// What each matrix costs the model in each candidate is measured where the
// choice turns on it, and predicted elsewhere; a choice for all of them is then
// measured as a whole, and the best of those that were is taken.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CALIBRATION_BUDGETSEARCH_H
#define LOWBIT_LIB_CALIBRATION_BUDGETSEARCH_H

#include "BudgetJournal.h"
#include "BudgetTensors.h"
#include "ModelProbe.h"
#include "SensitivityTable.h"
#include "TensorStore.h"
#include "WorkFolder.h"

#include "lib/Driver/Console.h"
#include "lowbit/Quantize/Budget.h"

#include <chrono>

namespace lowbit {

/// `value` in `unit`, with three digits; read again, it is not below `value`.
std::string atLeast(double value, double unit);

class BudgetSearch {
public:
  BudgetSearch(const ModelSource &source, const BudgetOptions &options);
  llvm::Expected<BudgetResult> run();

private:
  using Choices = std::vector<size_t>; ///< a plan of each tensor

  // Beginning.
  llvm::Error begin();
  llvm::Error openWork();
  llvm::Error checkSize() const;
  llvm::Error roundAll();
  llvm::Error roundTensor(size_t tensor, InputStats &stats);
  llvm::Error measureCosts();
  llvm::Error checkLatency() const;

  // Measurements.
  bool hasTime() const;
  double seconds() const;
  llvm::Expected<ModelProbe::ReadReals> rowsOf(size_t tensor,
                                               size_t choice) const;
  llvm::Expected<double> measureSingle(size_t tensor, size_t choice);
  llvm::Expected<PredictionChange> measureAll(const Choices &choices);
  llvm::Error measureFirst();
  llvm::Error refine(double limit);
  bool isWorthMeasuring(size_t tensor, size_t choice, double loss) const;

  // Choices.
  BudgetCost costKind() const;
  double limitOfCost() const;
  std::vector<std::vector<BudgetChoice>> table() const;
  llvm::Expected<Choices> solve(double limit) const;
  Choices uniform(size_t candidate) const;
  double bytesOf(const Choices &choices) const; ///< fixed ones too
  double costOf(const Choices &choices) const;
  llvm::Error chooseWithin(double limit);
  llvm::Error chooseByPerplexity();
  llvm::Error bisect(double low, double high, int steps);
  llvm::Error addFront();
  llvm::Expected<size_t> addPoint(const Choices &choices, bool measure,
                                  const std::string &name = "");
  void refreshPoint(BudgetPoint &point) const;
  llvm::Expected<BudgetResult> result();

  const ModelSource &source_;
  const BudgetOptions &options_;
  Console console_;
  ThreadPool pool_;
  WorkFolder work_;
  TensorStore store_;
  BudgetTensors tensors_;
  std::unique_ptr<BudgetJournal> journal_;
  std::unique_ptr<ModelProbe> probe_;
  std::unique_ptr<SensitivityTable> losses_;
  std::vector<std::vector<double>> errors_, microseconds_;
  std::vector<size_t> first_; ///< what is measured of each tensor first
  std::vector<BudgetPoint> points_;
  std::optional<size_t> chosen_;
  int64_t measurements_ = 0;
  bool isComplete_ = true;
  std::chrono::steady_clock::time_point start_;
};

} // namespace lowbit

#endif // LOWBIT_LIB_CALIBRATION_BUDGETSEARCH_H
