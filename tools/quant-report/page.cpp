//===- page.cpp - A report as one HTML file -------------------------------===//

#include "tools/quant-report/page.h"

#include "tools/quant-report/markup.h"
#include "tools/quant-report/sections.h"
#include "tools/quant-report/svg.h"

using namespace lowbit::tools::report;

std::string lowbit::tools::report::section(const std::string &anchor,
                                           const std::string &title,
                                           const std::string &note,
                                           const std::string &content) {
  if (content.empty())
    return "";
  return "<section id=\"" + anchor + "\">\n<h2>" + escape(title) +
         "</h2>\n<p class=\"note\">" + note + "</p>\n" + content +
         "</section>\n";
}

std::string lowbit::tools::report::scrolling(const std::string &content) {
  // Keyboards scroll what has the focus.
  return "<div class=\"scroll\" tabindex=\"0\">" + content + "</div>\n";
}

std::string lowbit::tools::report::folded(const std::string &summary,
                                          const std::string &content,
                                          bool open) {
  return std::string("<details") + (open ? " open" : "") + "><summary>" +
         summary + "</summary>\n" + content + "</details>\n";
}

std::string lowbit::tools::report::swatch(size_t index) {
  Svg svg(14, 14, "", "");
  svg.mark(7, 7, 4.6, index);
  std::string drawing = svg.finish();
  // Decoration: the words beside it say the same.
  return "<svg class=\"swatch\" aria-hidden=\"true\" viewBox=\"0 0 14 14\">" +
         drawing.substr(drawing.find("<path"));
}

/// Links to the parts that there are.
static std::string contents(const std::string &body) {
  static constexpr const char *parts[][2] = {
      {"formats", "Formats"},       {"trade-off", "Trade-off"},
      {"divergence", "Divergence"}, {"worst", "Worst tokens"},
      {"noise", "Noise"},           {"sensitivity", "Sensitivity"},
      {"histograms", "Histograms"}, {"roofline", "Roofline"},
      {"method", "Method"}};
  std::string links;
  for (auto [anchor, title] : parts)
    if (body.find(std::string("<section id=\"") + anchor + "\"") !=
        std::string::npos)
      links += std::string("<a href=\"#") + anchor + "\">" + title + "</a>";
  return "<nav aria-label=\"Parts of the report\">" + links + "</nav>\n";
}

std::string lowbit::tools::report::renderPage(const Report &report) {
  std::string body = variantTable(report) + paretoPlot(report) +
                     divergence(report) + worstTokens(report) +
                     heatMaps(report) + sensitivityRanking(report) +
                     histograms(report) + roofline(report) + method(report);
  std::string title =
      report.modelName.empty() ? report.modelPath : report.modelName;
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta "
         "charset=\"utf-8\">\n<meta name=\"viewport\" "
         "content=\"width=device-width, initial-scale=1\">\n<meta "
         "name=\"color-scheme\" content=\"light dark\">\n<title>" +
         escape(title) + " \u2013 LowBit report</title>\n<style>" +
         pageStyle() + "</style>\n</head>\n<body>\n<main>\n" +
         headline(report) + contents(body) + body +
         "</main>\n</body>\n</html>\n";
}
