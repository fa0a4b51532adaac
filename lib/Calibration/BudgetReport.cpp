//===- BudgetReport.cpp - What a budget run has found ---------------------===//

#include "lowbit/Calibration/Budget.h"

#include "llvm/Support/Format.h"

#include <cmath>

namespace lowbit {

static std::string number(std::optional<double> value, const char *form) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (value)
    os << llvm::format(form, *value);
  else
    os << "-";
  return text;
}

static std::optional<double> riseOf(const BudgetPoint &point) {
  if (!point.lnRatio)
    return std::nullopt;
  return 100 * std::expm1(*point.lnRatio);
}

static std::optional<double> millisecondsOf(const BudgetPoint &point) {
  if (point.microseconds <= 0) // not measured
    return std::nullopt;
  return point.microseconds / 1e3;
}

void printBudget(const BudgetResult &result, llvm::raw_ostream &os) {
  os << "   size MB    bpw  predicted KL  measured KL     PPL %  ms a token\n";
  for (const BudgetPoint &point : result.points)
    os << llvm::format(
        "%s%8.2f %6.3f  %12.6f %12s %9s %11s  %s\n",
        point.isChosen ? "* " : "  ", point.bytes / 1e6, point.bitsPerWeight,
        point.predicted, number(point.measured, "%.6f").c_str(),
        number(riseOf(point), "%+.2f").c_str(),
        number(millisecondsOf(point), "%.3f").c_str(), point.name.c_str());
  os << llvm::format(
      "%d measurements of %d tokens each, %.0f s%s\n", int(result.measurements),
      int(result.tokens), result.seconds,
      result.isComplete ? ""
                        : "; the time ended them: --budget-time gives more");
}

static llvm::json::Value orNull(std::optional<double> value) {
  return value ? llvm::json::Value(*value) : llvm::json::Value(nullptr);
}

llvm::json::Value budgetJson(const BudgetResult &result,
                             const BudgetOptions &options) {
  llvm::json::Array front, sensitivity, candidates;
  for (const BudgetPoint &point : result.points)
    front.push_back(
        llvm::json::Object{{"name", point.name},
                           {"bytes", point.bytes},
                           {"bits_per_weight", point.bitsPerWeight},
                           {"predicted_kl", point.predicted},
                           {"kl", orNull(point.measured)},
                           {"ppl_change_percent", orNull(riseOf(point))},
                           {"ms_per_token", orNull(millisecondsOf(point))},
                           {"chosen", point.isChosen}});
  for (const TensorSensitivity &tensor : result.sensitivity)
    sensitivity.push_back(llvm::json::Object{{"tensor", tensor.tensor},
                                             {"scheme", tensor.scheme},
                                             {"kl", tensor.kl},
                                             {"measured", tensor.isMeasured}});
  for (const std::string &word : result.candidates)
    candidates.push_back(word);
  return llvm::json::Object{{"budget", options.limit.text},
                            {"candidates", std::move(candidates)},
                            {"complete", result.isComplete},
                            {"measurements", result.measurements},
                            {"seconds", result.seconds},
                            {"front", std::move(front)},
                            {"sensitivity", std::move(sensitivity)}};
}

} // namespace lowbit
