//===- roofline.h - Measured rows under the machine's ceilings --*- C++ -*-===//

#ifndef TOOLS_QUANTBENCH_ROOFLINE_H
#define TOOLS_QUANTBENCH_ROOFLINE_H

#include "tools/quant-bench/report.h"

#include <string>
#include <vector>

namespace lowbit::tools {

/// An SVG page that needs nothing else: operations per byte to the right,
/// operations per second upwards, both logarithmic. The roof of each number of
/// threads is what was probed; each test is a point with its name.
std::string rooflineSvg(const Subject &subject,
                        const std::vector<BenchTest> &tests);

} // namespace lowbit::tools

#endif // TOOLS_QUANTBENCH_ROOFLINE_H
