//===- page.h - A report as one HTML file -----------------------*- C++ -*-===//

#ifndef TOOLS_QUANTREPORT_PAGE_H
#define TOOLS_QUANTREPORT_PAGE_H

#include "tools/quant-report/document.h"

namespace lowbit::tools::report {

/// Style and drawings inside, no script, nothing loaded from elsewhere.
std::string renderPage(const Report &report);
/// The page's style sheet.
const char *pageStyle();

} // namespace lowbit::tools::report

#endif // TOOLS_QUANTREPORT_PAGE_H
