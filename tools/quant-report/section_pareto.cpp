//===- section_pareto.cpp - Quality beside size and speed -----------------===//

#include "tools/quant-report/markup.h"
#include "tools/quant-report/pareto.h"
#include "tools/quant-report/sections.h"
#include "tools/quant-report/svg.h"

#include <algorithm>
#include <cmath>

using namespace lowbit::tools::report;

namespace {

struct Point {
  double x, kld;
  size_t variant;
};

/// One of the two plots.
struct Panel {
  const char *title, *axis;
  bool lessIsBetter; ///< of x
};

constexpr double width = 520, height = 380;
constexpr Box frame = {74, 16, width - 16, height - 50};

std::vector<Point> pointsOf(const Report &report, bool size) {
  std::vector<Point> points;
  for (size_t i = 0; i < report.variants.size(); ++i) {
    const MeasuredVariant &variant = report.variants[i];
    double x = size ? variant.weightBytes * 1e-6 : variant.decode.rate;
    // A divergence of rounding errors alone may come out as 0 or less.
    if (std::isfinite(x) && variant.kld.value > 0)
      points.push_back({x, variant.kld.value, i});
  }
  return points;
}

void drawFront(Svg &svg, const std::vector<Point> &points, const Scale &across,
               const Scale &up, bool lessIsBetter) {
  std::vector<Cost> costs;
  for (const Point &point : points)
    costs.push_back({lessIsBetter ? point.x : -point.x, point.kld});
  std::string d;
  for (size_t index : paretoFront(costs))
    d += (d.empty() ? "M" : "L") + place(across.at(points[index].x)) + "," +
         place(up.at(points[index].kld));
  if (!d.empty())
    svg.path(d, "front");
}

std::string drawPanel(const Report &report, const Panel &panel) {
  std::vector<Point> points = pointsOf(report, panel.lessIsBetter);
  if (points.empty())
    return "";
  double most = 0, least = INFINITY, worst = 0;
  for (const Point &point : points) {
    most = std::max(most, point.x);
    least = std::min(least, point.kld);
    worst = std::max(worst, point.kld);
  }
  Scale across(Scale::Linear, 0, most * 1.12, frame.left, frame.right);
  Scale up(Scale::Logarithmic, least / 2, worst * 2, frame.bottom, frame.top);
  Svg svg(width, height, panel.title,
          "Mean KL divergence of each format against " +
              std::string(panel.axis) +
              "; the dashed line joins the formats "
              "that no other one beats in both. The table has the numbers.");
  svg.axes(across, up, frame, panel.axis, "mean KL divergence", 7, 6);
  drawFront(svg, points, across, up, panel.lessIsBetter);
  for (const Point &point : points) {
    double x = across.at(point.x), y = up.at(point.kld);
    const MeasuredVariant &variant = report.variants[point.variant];
    svg.mark(x, y, 7, point.variant,
             variant.title + ": " + figure(point.x) + " " + panel.axis +
                 ", KL " + figure(point.kld));
    svg.take({x - 8, y - 8, x + 8, y + 8});
  }
  for (const Point &point : points)
    svg.label(across.at(point.x), up.at(point.kld), 12,
              shorten(report.variants[point.variant].title, 16), "tag", frame);
  return "<figure>" + svg.finish() + "</figure>\n";
}

} // namespace

std::string lowbit::tools::report::paretoPlot(const Report &report) {
  std::string plots =
      drawPanel(report, {"Quality and size", "weights, MB", true}) +
      drawPanel(report, {"Quality and speed", "generating, tokens/s", false});
  if (plots.empty())
    return "";
  return section("trade-off", "What the bits buy",
                 "Lower is closer to the original. Left is smaller, right is "
                 "faster; the dashed line joins what nothing else beats.",
                 "<div class=\"pair\">\n" + plots + "</div>\n");
}
