//===- section_divergence.cpp - How far tokens are from the original ------===//

#include "tools/quant-report/markup.h"
#include "tools/quant-report/sections.h"
#include "tools/quant-report/svg.h"

#include <algorithm>
#include <cmath>

using namespace lowbit::tools::report;

/// Divergences below are rounding errors.
static constexpr double least = 1e-7;

static Scale scaleOf(const Report &report, double from, double to) {
  double low = INFINITY, high = 0;
  for (const MeasuredVariant &variant : report.variants)
    if (std::isfinite(variant.percentiles.median)) {
      low = std::min(low, std::max(variant.percentiles.p1, least));
      high = std::max(high, variant.percentiles.max);
    }
  return Scale(Scale::Logarithmic, low, high * 1.2, from, to);
}

static void drawRow(Svg &svg, const Scale &scale, double y, size_t index,
                    const MeasuredVariant &variant) {
  const Percentiles &p = variant.percentiles;
  std::string stroke = "l" + std::to_string(index % 8);
  auto at = [&](double value) { return scale.at(std::max(value, least)); };
  svg.text(96, y + 4, shorten(variant.title, 12), "strong", Anchor::End);
  svg.line(at(p.p1), y, at(p.p99), y, ("thin " + stroke).c_str());
  svg.line(at(p.p5), y, at(p.p95), y, ("wide " + stroke).c_str());
  svg.line(at(p.max), y - 5, at(p.max), y + 5, ("thin " + stroke).c_str());
  svg.mark(at(p.median), y, 5.5, index,
           variant.title + ": median " + figure(p.median) + ", 95 % below " +
               figure(p.p95) + ", largest " + figure(p.max));
}

static std::string plot(const Report &report) {
  double rowHeight = 28, width = 1040;
  double bottom = 12 + rowHeight * double(report.variants.size());
  Box frame = {110, 8, width - 20, bottom};
  Scale scale = scaleOf(report, frame.left, frame.right);
  Svg svg(width, bottom + 44, "KL divergence of tokens",
          "For each format the range of the KL divergence of single tokens; "
          "the table below has the numbers.");
  for (double tick : scale.ticks(10)) {
    svg.line(scale.at(tick), frame.top, scale.at(tick), frame.bottom, "grid");
    svg.text(scale.at(tick), frame.bottom + 18, tickLabel(tick), "tick",
             Anchor::Middle);
  }
  svg.text((frame.left + frame.right) / 2, frame.bottom + 38,
           "KL divergence of a token (nats)", "name", Anchor::Middle);
  double y = 12 + rowHeight / 2;
  for (size_t i = 0; i < report.variants.size(); ++i, y += rowHeight)
    if (std::isfinite(report.variants[i].percentiles.median))
      drawRow(svg, scale, y, i, report.variants[i]);
  return scrolling(svg.finish(640));
}

static std::string table(const Report &report) {
  std::string rows;
  for (size_t i = 0; i < report.variants.size(); ++i) {
    const MeasuredVariant &variant = report.variants[i];
    const Percentiles &p = variant.percentiles;
    rows += "<tr><th scope=\"row\">" + swatch(i) + escape(variant.title) +
            "</th><td>" + figure(variant.kld.value) +
            " <span class=\"small\">\u00B1 " + figure(variant.kld.error) +
            "</span></td>";
    for (double value : {p.p5, p.median, p.p95, p.p99, p.max})
      rows +=
          "<td>" + (value < least ? std::string("0") : figure(value)) + "</td>";
    rows += "</tr>\n";
  }
  return scrolling("<table>\n<thead><tr><th scope=\"col\" "
                   "class=\"left\">Format</th><th scope=\"col\">mean</th><th "
                   "scope=\"col\">5 %</th><th scope=\"col\">median</th><th "
                   "scope=\"col\">95 %</th><th scope=\"col\">99 %</th><th "
                   "scope=\"col\">largest</th></tr></thead>\n<tbody>\n" +
                   rows + "</tbody>\n</table>");
}

std::string lowbit::tools::report::divergence(const Report &report) {
  bool any = std::any_of(report.variants.begin(), report.variants.end(),
                         [](const MeasuredVariant &variant) {
                           return std::isfinite(variant.percentiles.median);
                         });
  if (!any)
    return "";
  return section(
      "divergence", "How far single tokens move",
      "KL divergence of a format\u2019s next-token distribution from the "
      "reference\u2019s. Mark: median. Thick line: 5 % to 95 % of the tokens. "
      "Thin line: 1 % to 99 %. Tick: the largest.",
      plot(report) + table(report));
}
