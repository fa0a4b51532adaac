//===- roofline.cpp - Measured rows under the machine's ceilings ----------===//

#include "tools/quant-bench/roofline.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace lowbit::tools;

namespace {

constexpr double width = 720, height = 480;
constexpr double left = 70, right = 20, top = 50, bottom = 55;
constexpr double letter = 6.3; ///< mean width of one at 11 px
constexpr double lineHeight = 14;
/// Distinct to color-blind readers too (Okabe and Ito).
constexpr const char *colors[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                  "#E69F00", "#56B4E9"};

/// A measured row.
struct Point {
  std::string name;
  int32_t threads;
  double intensity, speed; ///< operations per byte, per second
  double share;            ///< of the roof above it
};

/// What a number of threads can do at most.
struct Roof {
  int32_t threads;
  double bandwidth, peak;
  const char *color;
};

/// The range of a logarithmic axis.
struct Axis {
  double low, high;  ///< exponents of 10
  double begin, end; ///< pixels

  double at(double value) const {
    return begin + (std::log10(value) - low) / (high - low) * (end - begin);
  }
};

struct Box {
  double x, y, width;
  bool overlaps(const Box &other) const {
    return x < other.x + other.width && other.x < x + width &&
           std::fabs(y - other.y) < lineHeight - 2;
  }
};

class Roofline {
public:
  Roofline(const Subject &subject, const std::vector<BenchTest> &tests);
  std::string draw();

private:
  void chooseAxes();
  void drawFrame();
  void drawTicks(const Axis &axis, bool horizontal);
  void drawRoof(const Roof &roof);
  void drawLegend();
  void drawPoint(const Point &point);
  std::string place(double x, double y, const std::string &label);
  void line(double x1, double y1, double x2, double y2,
            const std::string &style);
  void text(double x, double y, const std::string &words,
            const std::string &style);
  const Roof &roofOf(int32_t threads) const;

  const Subject &subject;
  std::vector<Point> points;
  std::vector<Roof> roofs;
  Axis across{}, up{};
  std::vector<Box> taken;
  std::string svg;
};

std::string number(double value, const char *pattern = "%.1f") {
  char buffer[48];
  std::snprintf(buffer, sizeof buffer, pattern, value);
  return buffer;
}

/// Names come from files.
std::string escaped(const std::string &words) {
  std::string result;
  for (char c : words)
    result += c == '<'   ? "&lt;"
              : c == '>' ? "&gt;"
              : c == '&' ? "&amp;"
              : c == '"' ? "&quot;"
                         : std::string(1, static_cast<unsigned char>(c) < 32
                                              ? ' '
                                              : c);
  return result;
}

Roofline::Roofline(const Subject &subject, const std::vector<BenchTest> &tests)
    : subject(subject) {
  for (const BenchTest &test : tests) {
    Row row = makeRow(subject, test);
    if (!(row.traffic.source > 0 && row.operationsPerSecond() > 0))
      continue;
    bool layer = test.kind == BenchTest::Linear; // the title names it
    points.push_back(
        {layer ? "m" + std::to_string(test.tokens) : test.name(), test.threads,
         row.operations / row.traffic.source, row.operationsPerSecond(),
         row.shareOfRoof});
    auto known = std::find_if(roofs.begin(), roofs.end(), [&](const Roof &r) {
      return r.threads == test.threads;
    });
    if (known == roofs.end())
      roofs.push_back({test.threads, mean(test.bandwidth), mean(test.peak),
                       colors[roofs.size() % std::size(colors)]});
  }
  chooseAxes();
}

void Roofline::chooseAxes() {
  double least = 1e300, most = 0, slowest = 1e300, fastest = 0;
  for (const Roof &roof : roofs) {
    double ridge = roof.peak / roof.bandwidth;
    least = std::min(least, ridge / 10);
    most = std::max(most, ridge * 10);
    fastest = std::max(fastest, roof.peak);
  }
  for (const Point &point : points) {
    least = std::min(least, point.intensity);
    most = std::max(most, point.intensity);
    slowest = std::min(slowest, point.speed);
    fastest = std::max(fastest, point.speed);
  }
  if (points.empty())
    least = slowest = 1, most = fastest = 10;
  constexpr double air = 0.2; // for labels, in decades
  across = {std::log10(least) - air, std::log10(most) + 2 * air, left,
            width - right};
  up = {std::log10(slowest) - 2 * air, std::log10(fastest) + 2 * air,
        height - bottom, top};
}

void Roofline::line(double x1, double y1, double x2, double y2,
                    const std::string &style) {
  svg += "<line x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" +
         number(x2) + "\" y2=\"" + number(y2) + "\" " + style + "/>\n";
}

void Roofline::text(double x, double y, const std::string &words,
                    const std::string &style) {
  if (words.empty())
    return;
  svg += "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" " + style +
         ">" + escaped(words) + "</text>\n";
}

void Roofline::drawTicks(const Axis &axis, bool horizontal) {
  for (double decade = std::floor(axis.low); decade < axis.high; ++decade)
    for (int digit = 1; digit < 10; ++digit) {
      double value = digit * std::pow(10, decade), at = axis.at(value);
      if (std::log10(value) < axis.low || std::log10(value) > axis.high)
        continue;
      std::string style =
          digit == 1 ? "stroke=\"#bbb\"" : "stroke=\"#eee\"";
      bool labelled = digit == 1 || digit == 2 || digit == 5;
      std::string label =
          labelled ? number(horizontal ? value : value * 1e-9, "%g") : "";
      if (horizontal) {
        line(at, top, at, height - bottom, style);
        text(at, height - bottom + 16, label, "text-anchor=\"middle\"");
      } else {
        line(left, at, width - right, at, style);
        text(left - 6, at + 4, label, "text-anchor=\"end\"");
      }
    }
}

void Roofline::drawFrame() {
  drawTicks(across, true);
  drawTicks(up, false);
  text(left, 20, subjectName(subject), "font-size=\"14\" font-weight=\"bold\"");
  text(left, 38,
       std::string("CPU level ") + subject.info.level + ", " +
           subject.peak->kind + " peak: " + subject.peak->instruction,
       "fill=\"#555\"");
  text((left + width - right) / 2, height - 12,
       "operations per byte of weights and KV store",
       "text-anchor=\"middle\"");
  text(0, 0, "GOP/s",
       "text-anchor=\"middle\" transform=\"translate(16," +
           number((top + height - bottom) / 2) + ") rotate(-90)\"");
}

/// The slope of memory up to the ridge, the peak's level from there on.
void Roofline::drawRoof(const Roof &roof) {
  double lowest = std::pow(10, up.low);
  double from = std::max(std::pow(10, across.low), lowest / roof.bandwidth);
  double ridge = roof.peak / roof.bandwidth;
  double x = across.at(ridge), y = up.at(roof.peak);
  std::string style = "stroke=\"" + std::string(roof.color) +
                      "\" stroke-width=\"2\"";
  line(across.at(from), up.at(from * roof.bandwidth), x, y, style);
  line(x, y, width - right, y, style);
}

/// In the corner above the slope, where no point is.
void Roofline::drawLegend() {
  double y = top + lineHeight + 4;
  for (const Roof &roof : roofs) {
    std::string label = std::to_string(roof.threads) +
                        (roof.threads == 1 ? " thread: " : " threads: ") +
                        number(roof.bandwidth * 1e-9, "%.0f GB/s, ") +
                        number(roof.peak * 1e-9, "%.0f GOP/s");
    line(left + 10, y - 4, left + 34, y - 4,
         "stroke-width=\"2\" stroke=\"" + std::string(roof.color) + "\"");
    text(left + 40, y, label, "");
    taken.push_back({left, y, 44 + letter * double(label.size())});
    y += lineHeight + 2;
  }
}

/// The first place beside (x, y) where a label covers no other.
std::string Roofline::place(double x, double y, const std::string &label) {
  double size = letter * double(label.size());
  for (int step = 0; step < 24; ++step) {
    double shift = (step / 4) * lineHeight * (step / 2 % 2 ? -1 : 1);
    bool after = step % 2 == 0;
    Box box{after ? x + 7 : x - 7 - size, y + 4 + shift, size};
    bool inside = box.x >= left && box.x + size <= width - right &&
                  box.y > top + 8 && box.y < height - bottom;
    bool isFree = std::none_of(
        taken.begin(), taken.end(),
        [&](const Box &other) { return box.overlaps(other); });
    if (!inside || !isFree)
      continue;
    taken.push_back(box);
    return "x=\"" + number(box.x) + "\" y=\"" + number(box.y) + "\"";
  }
  return "x=\"" + number(x + 7) + "\" y=\"" + number(y + 4) + "\"";
}

const Roof &Roofline::roofOf(int32_t threads) const {
  return *std::find_if(roofs.begin(), roofs.end(), [&](const Roof &roof) {
    return roof.threads == threads;
  });
}

void Roofline::drawPoint(const Point &point) {
  const Roof &roof = roofOf(point.threads);
  double x = across.at(point.intensity), y = up.at(point.speed);
  std::string label = point.name + ": " + number(100 * point.share, "%.0f %%");
  svg += "<circle cx=\"" + number(x) + "\" cy=\"" + number(y) +
         "\" r=\"4\" fill=\"" + roof.color +
         "\"/>\n<text paint-order=\"stroke\" stroke=\"white\" "
         "stroke-width=\"3\" " +
         place(x, y, label) + ">" + escaped(label) + "</text>\n";
}

std::string Roofline::draw() {
  svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " +
        number(width, "%.0f ") + number(height, "%.0f") + "\" width=\"" +
        number(width, "%.0f") + "\" height=\"" + number(height, "%.0f") +
        "\" font-family=\"sans-serif\" font-size=\"11\">\n"
        "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n";
  drawFrame();
  for (const Roof &roof : roofs)
    drawRoof(roof);
  drawLegend();
  // Labels give way to points: all of these stay visible.
  for (const Point &point : points)
    taken.push_back({across.at(point.intensity) - 5, up.at(point.speed) + 4,
                     10});
  for (const Point &point : points)
    drawPoint(point);
  return svg + "</svg>\n";
}

} // namespace

std::string lowbit::tools::rooflineSvg(const Subject &subject,
                                       const std::vector<BenchTest> &tests) {
  return Roofline(subject, tests).draw();
}
