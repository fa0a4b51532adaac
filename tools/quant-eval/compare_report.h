//===- compare_report.h - Comparisons as text and JSON ----------*- C++ -*-===//

#ifndef TOOLS_QUANTEVAL_COMPARE_REPORT_H
#define TOOLS_QUANTEVAL_COMPARE_REPORT_H

#include "tools/common/json.h"
#include "tools/quant-eval/compare.h"
#include "tools/quant-eval/weights.h"

#include <string>

namespace lowbit::tools {

/// A line for a chunk of llama-perplexity's table, and the table's head.
std::string comparedChunkHead();
std::string comparedChunkLine(int32_t chunk, const Divergence &sofar);

/// The statistics as llama-perplexity prints them, then bits per byte, the
/// worst tokens and what layers have.
std::string comparisonText(const Comparison &comparison);
Json comparisonJson(const Comparison &comparison);

std::string weightsText(const std::vector<WeightSimilarity> &weights);
Json weightsJson(const std::vector<WeightSimilarity> &weights);

} // namespace lowbit::tools

#endif // TOOLS_QUANTEVAL_COMPARE_REPORT_H
