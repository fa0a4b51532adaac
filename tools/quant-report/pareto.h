//===- pareto.h - What nothing else beats -----------------------*- C++ -*-===//

#ifndef TOOLS_QUANTREPORT_PARETO_H
#define TOOLS_QUANTREPORT_PARETO_H

#include <cstddef>
#include <vector>

namespace lowbit::tools::report {

/// A choice by what it costs in two ways, less being better in both.
struct Cost {
  double first, second;
};

/// The choices that no other one beats: none is as cheap in both ways and
/// cheaper in one. By their first cost; of equal ones all. Choices with NaN
/// are left out.
std::vector<size_t> paretoFront(const std::vector<Cost> &choices);

} // namespace lowbit::tools::report

#endif // TOOLS_QUANTREPORT_PARETO_H
