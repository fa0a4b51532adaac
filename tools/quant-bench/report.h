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
  qrt_model_info info; ///< its strings belong to the model
  ModuleHeader header;
};

/// Array of one object for each test.
Json reportJson(const Subject &subject, const std::vector<BenchTest> &tests);
/// llama-bench's table, with bytes and shares.
std::string reportMarkdown(const Subject &subject,
                           const std::vector<BenchTest> &tests);

} // namespace lowbit::tools

#endif // TOOLS_QUANTBENCH_REPORT_H
