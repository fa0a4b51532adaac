//===- Permutation.cpp - The order in which columns are stored ------------===//

#include "lowbit/Support/Permutation.h"

namespace lowbit {

std::string permutationError(const std::vector<int32_t> &columns) {
  std::vector<bool> seen(columns.size());
  for (int32_t column : columns) {
    bool exists = column >= 0 && static_cast<size_t>(column) < columns.size();
    if (exists && !seen[static_cast<size_t>(column)]) {
      seen[static_cast<size_t>(column)] = true;
      continue;
    }
    return "expected each column from 0 to " +
           std::to_string(columns.size() - 1) + " once, but got " +
           std::to_string(column) + (exists ? " twice" : "");
  }
  return "";
}

} // namespace lowbit
