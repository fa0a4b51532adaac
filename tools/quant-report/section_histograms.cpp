//===- section_histograms.cpp - Where numbers lie -------------------------===//

#include "tools/quant-report/markup.h"
#include "tools/quant-report/sections.h"
#include "tools/quant-report/svg.h"

#include <algorithm>
#include <cmath>

using namespace lowbit::tools::report;

static constexpr double width = 260, height = 132;
static constexpr Box frame = {8, 6, width - 8, height - 24};

/// Bars of the logarithm of counts, as one outline; 1 is not 0.
static std::string outline(const HistogramRow &row, const Scale &across,
                           double most) {
  double bin = 2 * row.limit / double(row.counts.size());
  std::string d = "M" + place(across.at(row.min)) + "," + place(frame.bottom);
  for (size_t i = 0; i < row.counts.size(); ++i) {
    double low = -row.limit + bin * double(i);
    if (low + bin < row.min || low > row.max)
      continue;
    double share =
        row.counts[i] > 0 ? std::log1p(row.counts[i]) / std::log1p(most) : 0;
    double y = frame.bottom - share * (frame.bottom - frame.top);
    d += "L" + place(across.at(low)) + "," + place(y) + "L" +
         place(across.at(low + bin)) + "," + place(y);
  }
  return d + "L" + place(across.at(row.max)) + "," + place(frame.bottom) + "Z";
}

static std::string describe(const Clip &clip) {
  return number(clip.levels, "%.0f") + " codes: \u00B1" + figure(clip.high) +
         ", " +
         number(100 * clip.outside,
                clip.outside < 0.001 ? "%.2g %%" : "%.1f %%") +
         " outside";
}

static std::string draw(const HistogramRow &row) {
  double most = *std::max_element(row.counts.begin(), row.counts.end());
  if (!(most > 0 && row.max > row.min && row.limit > 0))
    return "";
  Scale across(Scale::Linear, row.min, row.max, frame.left, frame.right);
  std::string clips;
  for (const Clip &clip : row.clips)
    clips += "; " + describe(clip);
  Svg svg(width, height, "Histogram of " + row.name,
          grouped(row.count) + " values from " + figure(row.min) + " to " +
              figure(row.max) + clips);
  svg.path(outline(row, across, most), "bins");
  svg.line(frame.left, frame.bottom, frame.right, frame.bottom, "axis");
  for (const Clip &clip : row.clips)
    for (double end : {clip.low, clip.high})
      if (end > row.min && end < row.max)
        svg.line(across.at(end), frame.top, across.at(end), frame.bottom,
                 clip.levels <= 16 ? "clip" : "clip-wide");
  svg.text(frame.left, height - 8, figure(row.min), "tick");
  svg.text(frame.right, height - 8, figure(row.max), "tick", Anchor::End);
  if (row.min < 0 && row.max > 0) {
    double zero = across.at(0);
    if (zero > frame.left + 50 && zero < frame.right - 50)
      svg.text(zero, height - 8, "0", "tick", Anchor::Middle);
  }
  std::string caption = "<b>" + escape(row.name) + "</b>";
  for (const Clip &clip : row.clips)
    caption += "<br>" + describe(clip);
  return "<figure>" + svg.finish() + "<figcaption>" + caption +
         "</figcaption></figure>\n";
}

/// Of many, some: the first, the last, and evenly between.
static std::string drawSome(const std::vector<HistogramRow> &rows,
                            size_t most) {
  std::string figures;
  size_t count = std::min(most, rows.size());
  for (size_t i = 0; i < count; ++i) {
    size_t index = count == 1 ? 0 : i * (rows.size() - 1) / (count - 1);
    if (!rows[index].counts.empty())
      figures += draw(rows[index]);
  }
  return figures;
}

std::string lowbit::tools::report::histograms(const Report &report) {
  std::string weights = drawSome(report.weights, 16);
  std::string layers = drawSome(report.activations, 8);
  std::string content;
  if (!weights.empty())
    content += "<h3>Weights, all layers together</h3>\n<div "
               "class=\"small-multiples\">\n" +
               weights + "</div>\n";
  if (!layers.empty())
    content += "<h3>Outputs of layers</h3>\n<div class=\"small-multiples\">\n" +
               layers + "</div>\n";
  return section("histograms", "Where the numbers lie",
                 "Heights are logarithms of counts. Lines: where one scale for "
                 "all values would clip them for the least squared error, with "
                 "16 codes (solid) and 256 codes (dashed). Far lines and long "
                 "tails are why short groups have scales of their own.",
                 content);
}
