//===- FieldChain.h - Fields of one role, level by level --------*- C++ -*-===//

#ifndef LOWBIT_QUANTIZE_FIELDCHAIN_H
#define LOWBIT_QUANTIZE_FIELDCHAIN_H

#include "lowbit/Support/Scheme.h"

#include <vector>

namespace lowbit {

/// One field in the chain of levels whose product is S or M.
struct FieldLink {
  size_t level, component;
  int64_t group; ///< elements, as Level::group
  FieldType type;
};
using FieldChain = std::vector<FieldLink>;

bool isMin(Component::Role role);
/// The levels that have `role`, outermost first; minima of both signs are one
/// role.
FieldChain chainOf(const Scheme &scheme, Component::Role role);
/// Elements of a group in a row of `columns`.
int64_t elementsOf(int64_t group, int64_t columns);
/// Can a field of this type be negative?
bool isSigned(const FieldType &type);
/// The numbers that the largest inner field of a group should become when an
/// outer field is chosen: the ends of an integer range, the largest e4m3; 1 for
/// types with range to spare.
std::vector<double> extremes(const FieldType &type);
/// The field of `chain[depth]` above inner fields whose products should become
/// `targets`.
uint32_t chooseField(const FieldChain &chain, size_t depth,
                     const double *targets, size_t count);

} // namespace lowbit

#endif // LOWBIT_QUANTIZE_FIELDCHAIN_H
