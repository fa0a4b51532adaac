//===- FieldChain.cpp - Fields of one role, level by level ----------------===//

#include "FieldChain.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lowbit {

bool isMin(Component::Role role) {
  return role == Component::Min || role == Component::NegMin;
}

FieldChain chainOf(const Scheme &scheme, Component::Role role) {
  FieldChain chain;
  for (size_t i = 0; i < scheme.levels.size(); ++i) {
    const Level &level = scheme.levels[i];
    for (size_t j = 0; j < level.components.size(); ++j) {
      Component::Role found = level.components[j].role;
      if (found == role || (isMin(found) && isMin(role)))
        chain.push_back({i, j, level.group, level.components[j].type});
    }
  }
  return chain;
}

int64_t elementsOf(int64_t group, int64_t columns) {
  return group > 0 ? group : std::max<int64_t>(columns, 1);
}

bool isSigned(const FieldType &type) {
  if (type.kind == FieldType::UInt)
    return type.offset > 0;
  return type.kind != FieldType::E8M0;
}

std::vector<double> extremes(const FieldType &type) {
  if (type.kind == FieldType::E4M3)
    return {448};
  if (!type.isInteger())
    return {1};
  double span = double((1 << type.bits) - 1);
  double low = type.kind == FieldType::SInt ? -double(1 << (type.bits - 1)) : 0;
  double high = low + span - type.offset;
  low -= type.offset;
  if (low == 0 || high == -low)
    return {high};
  if (high == 0)
    return {low};
  return {high, low};
}

/// sum (target - product of the stored fields)^2 if `outer` is stored above
/// fields of `inner`.
static double fitError(double outer, const FieldType &inner,
                       const double *targets, size_t count) {
  double error = 0;
  for (size_t i = 0; i < count; ++i) {
    double wanted = outer != 0 ? targets[i] / outer : 0;
    double got = outer * fieldValue(inner, fieldBits(inner, float(wanted)));
    error += (targets[i] - got) * (targets[i] - got);
  }
  return error;
}

uint32_t chooseField(const FieldChain &chain, size_t depth,
                     const double *targets, size_t count) {
  double largest = 0;
  for (size_t i = 0; i < count; ++i)
    if (std::abs(targets[i]) > std::abs(largest))
      largest = targets[i];
  const FieldType &type = chain[depth].type;
  if (depth + 1 == chain.size())
    return fieldBits(type, float(largest));

  double reach = 1;
  for (size_t i = depth + 2; i < chain.size(); ++i)
    reach *= extremes(chain[i].type).front();
  uint32_t best = 0;
  double bestError = std::numeric_limits<double>::infinity();
  for (double extreme : extremes(chain[depth + 1].type)) {
    double wanted = largest / (reach * extreme);
    uint32_t bits =
        fieldBits(type, float(isSigned(type) ? wanted : std::abs(wanted)));
    double outer = double(fieldValue(type, bits)) * reach;
    double error = fitError(outer, chain[depth + 1].type, targets, count);
    if (error < bestError) {
      bestError = error;
      best = bits;
    }
  }
  return best;
}

} // namespace lowbit
