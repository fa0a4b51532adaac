//===- pareto.cpp - What nothing else beats -------------------------------===//

#include "tools/quant-report/pareto.h"

#include <algorithm>
#include <cmath>
#include <utility>

using namespace lowbit::tools::report;

static bool beats(const Cost &a, const Cost &b) {
  return a.first <= b.first && a.second <= b.second &&
         (a.first < b.first || a.second < b.second);
}

std::vector<size_t>
lowbit::tools::report::paretoFront(const std::vector<Cost> &choices) {
  std::vector<size_t> front;
  for (size_t i = 0; i < choices.size(); ++i) {
    bool beaten = std::isnan(choices[i].first) || std::isnan(choices[i].second);
    for (const Cost &other : choices)
      beaten = beaten || beats(other, choices[i]);
    if (!beaten)
      front.push_back(i);
  }
  std::sort(front.begin(), front.end(), [&](size_t a, size_t b) {
    return std::pair(choices[a].first, a) < std::pair(choices[b].first, b);
  });
  return front;
}
