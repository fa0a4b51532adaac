//===- section_sensitivity.cpp - What suffers most ------------------------===//

#include "tools/quant-report/markup.h"
#include "tools/quant-report/sections.h"
#include "tools/quant-report/svg.h"

#include <algorithm>

using namespace lowbit::tools::report;

static constexpr size_t mostRows = 15;

static std::string bars(const Report &report) {
  size_t count = 1;
  // Those that add nothing have no rank.
  while (count < std::min(mostRows, report.sensitivity.size()) &&
         report.sensitivity[count].value > 0)
    ++count;
  constexpr double width = 1040, rowHeight = 24;
  double labels = 110; // as the maps of layers have them, or what names take
  for (size_t i = 0; i < count; ++i)
    labels = std::max(
        labels, 20 + widthOf(shorten(report.sensitivity[i].tensor, 28, true)));
  double bottom = 4 + rowHeight * double(count);
  double most = report.sensitivity.front().value;
  Scale scale(Scale::Linear, 0, most, labels, width - 90);
  Svg svg(width, bottom + 6, "Sensitivity",
          "The tensors or layers that suffer most, the largest first.");
  for (size_t i = 0; i < count; ++i) {
    const Sensitivity &row = report.sensitivity[i];
    double y = 4 + rowHeight * double(i);
    double end = row.value > 0 ? scale.at(row.value) : labels;
    svg.text(labels - 10, y + 16, shorten(row.tensor, 28, true), "tick",
             Anchor::End);
    svg.rect(labels, y + 3, std::max(end - labels, 1.0), rowHeight - 6, "bar",
             row.tensor + ": " + figure(row.value));
    svg.text(std::max(end, labels + 1) + 8, y + 16, figure(row.value), "");
  }
  return scrolling(svg.finish(560));
}

std::string lowbit::tools::report::sensitivityRanking(const Report &report) {
  if (report.sensitivity.empty())
    return "";
  std::string variant = report.sensitivity.front().variant;
  for (const MeasuredVariant &known : report.variants)
    if (known.name == variant)
      variant = known.title;
  std::string which =
      variant.empty() ? "" : " Measured with " + escape(variant) + ".";
  std::string note =
      report.sensitivityIsKl
          ? "KL divergence from the original when this tensor alone is "
            "rounded." +
                which
          : "How much a layer adds to the relative squared error of what flows "
            "between layers." +
                which + " Bits are best spent at the top of this list.";
  return section("sensitivity", "Sensitivity", note, bars(report));
}
