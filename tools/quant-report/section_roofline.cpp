//===- section_roofline.cpp - Speeds under the machine's ceilings ---------===//

#include "tools/quant-report/markup.h"
#include "tools/quant-report/sections.h"
#include "tools/quant-report/svg.h"

#include <algorithm>
#include <cmath>

using namespace lowbit::tools::report;

namespace {

struct Point {
  std::string label, test;
  size_t variant;
  bool generates;
  double intensity, rate; ///< operations per byte; per second, in 10^9
};

struct Peak {
  std::string kind, instruction;
  double rate, count; ///< mean of so many
};

struct Roofline {
  std::vector<Point> points;
  std::vector<Peak> peaks;
  double bandwidth = 0; ///< mean, 10^9 bytes a second
  size_t samples = 0;

  void add(const Report &report, size_t variant, bool generates);
};

void Roofline::add(const Report &report, size_t variant, bool generates) {
  const MeasuredVariant &measured = report.variants[variant];
  const Speed &speed = generates ? measured.decode : measured.prefill;
  if (!(speed.operations > 0 && speed.bytes > 0 && speed.peak > 0 &&
        speed.bandwidth > 0) ||
      !std::isfinite(speed.operations / speed.bytes))
    return;
  points.push_back({measured.title + " " + speed.test, speed.test, variant,
                    generates, speed.operations / speed.bytes,
                    speed.operations * 1e-9});
  bandwidth += (speed.bandwidth * 1e-9 - bandwidth) / double(++samples);
  auto known = std::find_if(peaks.begin(), peaks.end(), [&](const Peak &peak) {
    return peak.kind == speed.peakKind;
  });
  if (known == peaks.end())
    known =
        peaks.insert(peaks.end(), {speed.peakKind, speed.instruction, 0, 0});
  known->count += 1;
  known->rate += (speed.peak * 1e-9 - known->rate) / known->count;
}

constexpr double width = 1040, height = 460;
constexpr Box frame = {76, 16, width - 24, height - 52};

/// The slope of memory, and a level for each kind of arithmetic.
void drawRoofs(Svg &svg, const Roofline &roofline, const Scale &across,
               const Scale &up) {
  double highest = 0;
  for (const Peak &peak : roofline.peaks)
    highest = std::max(highest, peak.rate);
  double from = std::max(across.low(), up.low() / roofline.bandwidth);
  double ridge = std::min(highest / roofline.bandwidth, across.high());
  svg.path("M" + place(across.at(from)) + "," +
               place(up.at(from * roofline.bandwidth)) + "L" +
               place(across.at(ridge)) + "," +
               place(up.at(ridge * roofline.bandwidth)),
           "roof");
  for (const Peak &peak : roofline.peaks) {
    double x = across.at(peak.rate / roofline.bandwidth), y = up.at(peak.rate);
    svg.line(x, y, frame.right, y, "roof");
    std::string words = peak.kind + ": " + grouped(peak.rate) + " GOP/s";
    svg.text(frame.right, y - 7, words, "tag", Anchor::End);
  }
  std::string words = "memory: " + figure(roofline.bandwidth) + " GB/s";
  double x = across.at(from) + 12;
  svg.text(x, frame.top + 14, words, "tag");
}

/// Points of one test lie together: its name stands below them.
void nameClusters(Svg &svg, const Roofline &roofline, const Scale &across,
                  const Scale &up) {
  std::vector<std::string> named;
  for (const Point &first : roofline.points) {
    if (std::find(named.begin(), named.end(), first.test) != named.end())
      continue;
    named.push_back(first.test);
    double left = INFINITY, right = 0, bottom = 0;
    for (const Point &point : roofline.points)
      if (point.test == first.test) {
        left = std::min(left, across.at(point.intensity));
        right = std::max(right, across.at(point.intensity));
        bottom = std::max(bottom, up.at(point.rate));
      }
    std::string words = (first.generates ? "generating, " : "reading, ") +
                        shorten(first.test, 16);
    double half = widthOf(words) / 2;
    double x = std::clamp((left + right) / 2, frame.left + half + 4,
                          frame.right - half - 4);
    svg.text(x, std::min(bottom + 28, frame.bottom - 8), words, "tag-soft",
             Anchor::Middle);
  }
}

/// What the marks stand for.
std::string legend(const Report &report) {
  std::string words;
  for (size_t i = 0; i < report.variants.size(); ++i)
    words +=
        "<span>" + swatch(i) + escape(report.variants[i].title) + "</span>";
  return "<div class=\"legend\">" + words + "</div>\n";
}

std::string draw(const Roofline &roofline) {
  double least = INFINITY, most = 0, slowest = INFINITY, fastest = 0;
  for (const Point &point : roofline.points) {
    least = std::min(least, point.intensity);
    most = std::max(most, point.intensity);
    slowest = std::min(slowest, point.rate);
    fastest = std::max(fastest, point.rate);
  }
  for (const Peak &peak : roofline.peaks) {
    fastest = std::max(fastest, peak.rate);
    most = std::max(most, 4 * peak.rate / roofline.bandwidth);
  }
  Scale across(Scale::Logarithmic, least / 2.5, most * 2, frame.left,
               frame.right);
  Scale up(Scale::Logarithmic, slowest / 2.5, fastest * 1.8, frame.bottom,
           frame.top);
  Svg svg(width, height, "Roofline",
          "Speeds of generating and of reading a prompt below what memory and "
          "arithmetic of this machine allow.");
  svg.axes(across, up, frame, "operations per byte of weights, keys and values",
           "GOP/s", 9, 8);
  drawRoofs(svg, roofline, across, up);
  for (const Point &point : roofline.points) {
    double x = across.at(point.intensity), y = up.at(point.rate);
    svg.mark(x, y, 6, point.variant,
             point.label + ": " + figure(point.rate) + " GOP/s at " +
                 figure(point.intensity) + " operations per byte");
  }
  nameClusters(svg, roofline, across, up);
  return scrolling(svg.finish(680));
}

} // namespace

std::string lowbit::tools::report::roofline(const Report &report) {
  Roofline roofline;
  for (size_t i = 0; i < report.variants.size(); ++i) {
    roofline.add(report, i, true);
    roofline.add(report, i, false);
  }
  if (roofline.points.empty())
    return "";
  std::string instructions;
  for (const Peak &peak : roofline.peaks)
    instructions += (instructions.empty() ? "" : ", ") + escape(peak.kind) +
                    " " + escape(peak.instruction);
  return section("roofline", "Roofline",
                 "Speed beside what this machine can do: a plain read of "
                 "memory (slope), the fastest loop of products in registers "
                 "(levels: " +
                     instructions +
                     "), both probed between the samples. Fewer bits move "
                     "generating (tg) to the right and up. A model that stays "
                     "in the cache rises above the slope.",
                 legend(report) + draw(roofline));
}
