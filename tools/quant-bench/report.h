//===- report.h - Tables of what was measured -------------------*- C++ -*-===//

#ifndef TOOLS_QUANTBENCH_REPORT_H
#define TOOLS_QUANTBENCH_REPORT_H

#include "tools/common/json.h"
#include "tools/common/module_header.h"
#include "tools/quant-bench/measure.h"

#include <string>
#include <vector>

namespace lowbit::tools {

/// What a row needs besides its samples.
struct Subject {
  qrt_model_info info{}; ///< its strings belong to the model
  ModuleHeader header;
  const PeakLoop *peak = nullptr; ///< that the tests were measured beside
  bool profile = false;           ///< report where the time went
};

/// The kind of arithmetic that the module's matrices are multiplied in.
const char *arithmeticOf(const ModuleHeader &header,
                         const std::string &activations);

/// Figures derived from a test, of a token or a call of a layer.
struct Row {
  double rate, deviation; ///< per second
  Traffic traffic;
  double operations;
  double shareOfBandwidth, shareOfPeak;
  double shareOfRoof; ///< of the lower of the two ceilings
  double bytesPerSecond() const { return traffic.source * rate; }
  double operationsPerSecond() const { return operations * rate; }
};
Row makeRow(const Subject &subject, const BenchTest &test);

/// "llama-3.2-1b (random) Q4_0"
std::string subjectName(const Subject &subject);

/// Array of one object for each test.
Json reportJson(const Subject &subject, const std::vector<BenchTest> &tests);
/// llama-bench's table, with bytes and shares; of layers one of its own.
std::string reportMarkdown(const Subject &subject,
                           const std::vector<BenchTest> &tests);

} // namespace lowbit::tools

#endif // TOOLS_QUANTBENCH_REPORT_H
