//===- Permutation.h - The order in which columns are stored ----*- C++ -*-===//

#ifndef LOWBIT_SUPPORT_PERMUTATION_H
#define LOWBIT_SUPPORT_PERMUTATION_H

#include <cstdint>
#include <string>
#include <vector>

namespace lowbit {

/// Why `columns` does not have each of 0 to size - 1 once; empty if it does.
/// Kernels index by a permutation without looking: whoever brings one asks.
std::string permutationError(const std::vector<int32_t> &columns);

} // namespace lowbit

#endif // LOWBIT_SUPPORT_PERMUTATION_H
