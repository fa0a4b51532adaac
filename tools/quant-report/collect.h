//===- collect.h - Measures what a report shows -----------------*- C++ -*-===//

#ifndef TOOLS_QUANTREPORT_COLLECT_H
#define TOOLS_QUANTREPORT_COLLECT_H

#include "tools/common/json.h"
#include "tools/quant-report/report_options.h"

#include <functional>

namespace lowbit::tools::report {

/// Called with all that is known after each step.
using OnProgress = std::function<Error(const Json &document)>;

/// Compiles, runs and compares each variant by the other programs, whose JSON
/// stands in the document as they print it (docs/Report.md).
Error collect(const ReportOptions &options, const OnProgress &onProgress);

} // namespace lowbit::tools::report

#endif // TOOLS_QUANTREPORT_COLLECT_H
