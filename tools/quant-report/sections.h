//===- sections.h - The parts of a report -----------------------*- C++ -*-===//
//
// Each returns HTML, or nothing where nothing of it was measured.
//
//===----------------------------------------------------------------------===//

#ifndef TOOLS_QUANTREPORT_SECTIONS_H
#define TOOLS_QUANTREPORT_SECTIONS_H

#include "tools/quant-report/document.h"

namespace lowbit::tools::report {

std::string headline(const Report &report);
std::string variantTable(const Report &report);
std::string paretoPlot(const Report &report);
std::string heatMaps(const Report &report);
std::string sensitivityRanking(const Report &report);
std::string histograms(const Report &report);
std::string divergence(const Report &report);
std::string worstTokens(const Report &report);
std::string roofline(const Report &report);
std::string method(const Report &report);

/// A heading, what the reader sees below it, and that.
std::string section(const std::string &anchor, const std::string &title,
                    const std::string &note, const std::string &content);
/// What may be wider than a narrow screen scrolls by itself.
std::string scrolling(const std::string &content);
/// A part that is folded unless `open`.
std::string folded(const std::string &summary, const std::string &content,
                   bool open);
/// The mark of a variant in running text.
std::string swatch(size_t index);

} // namespace lowbit::tools::report

#endif // TOOLS_QUANTREPORT_SECTIONS_H
