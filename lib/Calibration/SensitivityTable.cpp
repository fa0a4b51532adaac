//===- SensitivityTable.cpp - What each choice costs the model ------------===//

#include "SensitivityTable.h"

#include "llvm/ADT/StringExtras.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lowbit {

static std::string kindOf(llvm::StringRef name) {
  std::string kind;
  for (char c : name)
    if (!llvm::isDigit(c))
      kind += c;
  return kind;
}

SensitivityTable::SensitivityTable(std::vector<std::string> names,
                                   std::vector<std::vector<double>> errors)
    : errors_(std::move(errors)) {
  for (const std::string &name : names)
    kinds_.push_back(kindOf(name));
  for (const std::vector<double> &list : errors_)
    measured_.emplace_back(list.size());
}

void SensitivityTable::set(size_t tensor, size_t choice, double kl) {
  measured_[tensor][choice] = kl;
}

double SensitivityTable::kl(size_t tensor, size_t choice) const {
  if (measured_[tensor][choice])
    return *measured_[tensor][choice];
  double error = errors_[tensor][choice];
  if (error == 0) // the tensor as it is
    return 0;
  if (auto gain = ownGain(tensor, error))
    return *gain * error;
  return medianGain(kinds_[tensor]) * error;
}

std::optional<double> SensitivityTable::ownGain(size_t tensor,
                                                double error) const {
  std::optional<double> gain;
  double nearest = std::numeric_limits<double>::infinity();
  for (size_t c = 0; c < errors_[tensor].size(); ++c) {
    if (!measured_[tensor][c] || errors_[tensor][c] == 0)
      continue;
    double distance = std::abs(std::log(errors_[tensor][c] / error));
    if (distance < nearest) {
      nearest = distance;
      gain = *measured_[tensor][c] / errors_[tensor][c];
    }
  }
  return gain;
}

double SensitivityTable::medianGain(llvm::StringRef kind) const {
  std::vector<double> gains;
  for (size_t t = 0; t < errors_.size(); ++t)
    if (kind.empty() || kind == kinds_[t])
      for (size_t c = 0; c < errors_[t].size(); ++c)
        if (measured_[t][c] && errors_[t][c] > 0)
          gains.push_back(*measured_[t][c] / errors_[t][c]);
  if (gains.empty())
    return kind.empty() ? 1 : medianGain("");
  auto middle = gains.begin() + ptrdiff_t(gains.size() / 2);
  std::nth_element(gains.begin(), middle, gains.end());
  return *middle;
}

} // namespace lowbit
