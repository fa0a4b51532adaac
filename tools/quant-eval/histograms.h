//===- histograms.h - Where a model's numbers lie ---------------*- C++ -*-===//

#ifndef TOOLS_QUANTEVAL_HISTOGRAMS_H
#define TOOLS_QUANTEVAL_HISTOGRAMS_H

#include "lowbit/Quantize/Histogram.h"
#include "tools/common/json.h"
#include "tools/common/runtime.h"

#include <string>
#include <vector>

namespace lowbit::tools {

struct NamedHistogram {
  std::string name;
  Histogram histogram;
};

/// "blk.7.attn_q.weight" is one of "blk.*.attn_q.weight".
std::string roleOf(const std::string &weight);

/// Of the matrices of a module, those of one role together, in the module's
/// order.
Error weightHistograms(const std::string &module,
                       std::vector<NamedHistogram> &result);

/// Of each layer's output over the scored rows, the second half of each chunk:
/// the first rows of a sequence may be a thousand times larger than all others.
/// The module has `probes` of them.
Error activationHistograms(qrt_model *model, size_t probes,
                           const std::vector<std::vector<int32_t>> &chunks,
                           std::vector<NamedHistogram> &result);

/// Counts in 128 equal bins over [-limit, limit), exact extremes, and for 16
/// and 256 codes the symmetric range with the least squared error (see
/// squaredErrorClip) with the share of values outside it.
Json histogramJson(const NamedHistogram &named);
std::string histogramText(const std::vector<NamedHistogram> &histograms);

} // namespace lowbit::tools

#endif // TOOLS_QUANTEVAL_HISTOGRAMS_H
