//===- sensitivity.cpp - Which layers suffer ------------------------------===//

#include "tools/quant-report/sensitivity.h"

#include "tools/quant-report/read_json.h"

#include <algorithm>
#include <cmath>
#include <vector>

using namespace lowbit::tools;
using namespace lowbit::tools::report;

/// Mean bits of the matrices of layers; NaN if there are none.
static double bitsOf(const Json &weights) {
  double bits = 0, count = 0;
  for (const Json &weight : weights) {
    double rows = numberIn(weight, "rows");
    if (!(rows > 1) || textIn(weight, "name").compare(0, 4, "blk.") != 0)
      continue;
    double elements = rows * numberIn(weight, "columns");
    bits += elements * numberIn(weight, "bits_per_weight");
    count += elements;
  }
  return bits / count;
}

/// Infinite SQNR is null, which reads as NaN.
static double errorOf(const Json &layer) {
  double sqnr = numberIn(layer, "sqnr_db");
  return std::isnan(sqnr) ? 0 : std::pow(10, -sqnr / 10);
}

Json lowbit::tools::report::rankLayers(const Json &variants) {
  const Json *chosen = nullptr;
  double best = 0;
  for (const Json &variant : variants) {
    const Json &eval = memberOf(variant, "eval");
    double distance = std::fabs(bitsOf(listIn(eval, "weights")) - 4);
    if (std::isnan(distance) || listIn(eval, "layers").empty())
      continue;
    if (!chosen || distance < best) {
      chosen = &variant;
      best = distance;
    }
  }
  Json ranking = Json::array();
  if (!chosen)
    return ranking;
  std::vector<std::pair<double, size_t>> added;
  double before = 0;
  for (const Json &layer : listIn(memberOf(*chosen, "eval"), "layers")) {
    double error = errorOf(layer);
    added.push_back({std::max(0.0, error - before), added.size()});
    before = error;
  }
  std::sort(added.begin(), added.end(), [](auto &a, auto &b) {
    return std::pair(-a.first, a.second) < std::pair(-b.first, b.second);
  });
  for (auto [error, layer] : added)
    ranking.push_back({{"tensor", "blk." + std::to_string(layer)},
                       {"output_error", error},
                       {"variant", textIn(*chosen, "name")}});
  return ranking;
}
