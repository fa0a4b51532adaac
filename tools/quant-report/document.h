//===- document.h - A report's numbers --------------------------*- C++ -*-===//
//
// What the renderer knows: the JSON of docs/Report.md, read once. A figure that
// was not measured is NaN, and is drawn as a dash or not at all.
//
//===----------------------------------------------------------------------===//

#ifndef TOOLS_QUANTREPORT_DOCUMENT_H
#define TOOLS_QUANTREPORT_DOCUMENT_H

#include "tools/common/error.h"
#include "tools/common/json.h"

#include <limits>
#include <string>
#include <vector>

namespace lowbit::tools::report {

constexpr double notMeasured = std::numeric_limits<double>::quiet_NaN();

/// Of a prompt (pp) or of generating (tg), as quant-bench prints it.
struct Speed {
  std::string test;                                     ///< "pp512"
  double rate = notMeasured, deviation = notMeasured;   ///< tokens a second
  double operations = notMeasured, bytes = notMeasured; ///< a second
  double bandwidth = notMeasured, peak = notMeasured;   ///< the ceilings
  double threads = notMeasured;
  std::string peakKind, instruction, level;
  bool disturbed = false; ///< other programs ran all the time
};

struct Estimate {
  double value = notMeasured, error = notMeasured;
};

struct WorstToken {
  double kld = notMeasured, p = notMeasured, pBase = notMeasured;
  std::string before, text, after, top, topBase;
};

/// Of a weight or of a layer's output; infinite where nothing differs.
struct Ratio {
  std::string name;
  double sqnr = notMeasured; ///< dB
  double rows = notMeasured, columns = notMeasured;
  double bits = notMeasured; ///< per weight
};

/// Percentiles of the KL divergence of tokens.
struct Percentiles {
  double p1 = notMeasured, p5 = notMeasured, median = notMeasured,
         p95 = notMeasured, p99 = notMeasured, max = notMeasured;
};

struct MeasuredVariant {
  std::string name, title, scheme, recipe;
  Speed prefill, decode;
  double weightBytes = notMeasured; ///< in the scheme, of all tensors
  double peakBytes = notMeasured;   ///< resident, of quant-run
  double moduleBytes = notMeasured;
  Estimate ppl, pplRatio, kld, sameTop; ///< the last one of 1
  double pplBase = notMeasured;
  Percentiles percentiles;
  std::vector<WorstToken> worst;
  std::vector<Ratio> weights, layers;

  /// Of all weights.
  double bits(double parameters) const { return 8 * weightBytes / parameters; }
};

struct Clip {
  double levels = notMeasured, low = notMeasured, high = notMeasured;
  double outside = notMeasured; ///< share of the values
};

struct HistogramRow {
  std::string name;
  double count = 0, min = 0, max = 0, limit = 0;
  std::vector<double> counts; ///< equal bins over [-limit, limit)
  std::vector<Clip> clips;
};

struct Sensitivity {
  std::string tensor, variant;
  double value = notMeasured;
};

struct Report {
  std::string created, version, cpu, system, calibration;
  std::string modelPath, modelName, textPath;
  std::vector<std::string> command;
  bool isFolder = false;
  double parameters = notMeasured, threads = notMeasured;
  double textBytes = notMeasured, chunks = notMeasured, context = notMeasured,
         tokensScored = notMeasured, pplReference = notMeasured;
  std::vector<MeasuredVariant> variants;
  std::vector<Sensitivity> sensitivity; ///< largest first
  bool sensitivityIsKl = false; ///< else the added error of the layer's output
  std::vector<HistogramRow> weights, activations;

  /// What speeds and sizes are compared with: bf16, else the first variant;
  /// nullptr if nothing is measured yet.
  const MeasuredVariant *baseline() const;
  /// The one that the headline is about: the smallest whose perplexity grew by
  /// 3 % at most, else the one nearest to the reference. Never the baseline.
  const MeasuredVariant *best() const;
};

/// Refuses what is not a report's JSON.
Error readReport(const Json &document, Report &report);

} // namespace lowbit::tools::report

#endif // TOOLS_QUANTREPORT_DOCUMENT_H
