//===- SensitivityTable.h - What each choice costs the model ----*- C++ -*-===//

#ifndef LOWBIT_LIB_CALIBRATION_SENSITIVITYTABLE_H
#define LOWBIT_LIB_CALIBRATION_SENSITIVITYTABLE_H

#include "llvm/ADT/StringMap.h"

#include <optional>
#include <string>
#include <vector>

namespace lowbit {

/// KL divergences of the model with one tensor rounded, measured for some
/// choices and predicted for the others. For small changes the divergence is a
/// quadratic form of them, so between choices of a tensor it goes as the
/// squared error of what the tensor computes:
///
///     kl(t, c) = gain(t) * error(t, c)
///
/// gain from the measured choice whose error is nearest (in its logarithm). A
/// tensor that was not measured has the median gain of its kind: of those whose
/// names differ in digits alone; else of all.
class SensitivityTable {
public:
  /// errors[tensor][choice], at least 0, in units of the tensor's own.
  SensitivityTable(std::vector<std::string> names,
                   std::vector<std::vector<double>> errors);

  void set(size_t tensor, size_t choice, double kl);
  bool isMeasured(size_t tensor, size_t choice) const {
    return measured_[tensor][choice].has_value();
  }
  double kl(size_t tensor, size_t choice) const;

private:
  std::optional<double> ownGain(size_t tensor, double error) const;
  double medianGain(llvm::StringRef kind) const; ///< "": of all

  std::vector<std::string> kinds_;
  std::vector<std::vector<double>> errors_;
  std::vector<std::vector<std::optional<double>>> measured_;
};

} // namespace lowbit

#endif // LOWBIT_LIB_CALIBRATION_SENSITIVITYTABLE_H
