//===- svg.cpp - Drawings in a page ---------------------------------------===//

#include "tools/quant-report/svg.h"

#include "tools/quant-report/markup.h"

#include <algorithm>
#include <cmath>

using namespace lowbit::tools::report;

bool Box::overlaps(const Box &other) const {
  return left < other.right && other.left < right && top < other.bottom &&
         other.top < bottom;
}

std::string lowbit::tools::report::place(double value) {
  if (!std::isfinite(value))
    return "0";
  return number(value, "%.1f");
}

std::string lowbit::tools::report::tickLabel(double value) {
  double size = std::fabs(value);
  if (size >= 1e6 || (size > 0 && size < 1e-4))
    return scientific(value);
  return number(value, "%g");
}

double lowbit::tools::report::widthOf(const std::string &words) {
  double characters = 0;
  for (char c : words)
    characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return 7.2 * characters;
}

Svg::Svg(double width, double height, const std::string &title,
         const std::string &description)
    : width_(width), height_(height) {
  head_ = "<title>" + escape(title) + "</title><desc>" + escape(description) +
          "</desc>\n";
}

static std::string classOf(const char *kind) {
  return std::string(" class=\"") + kind + "\"";
}

/// An element with a tooltip, if there is one.
static std::string close(const std::string &element, const std::string &tip) {
  return tip.empty()
             ? "/>\n"
             : "><title>" + escape(tip) + "</title></" + element + ">\n";
}

void Svg::line(double x1, double y1, double x2, double y2, const char *kind) {
  body_ += "<line x1=\"" + place(x1) + "\" y1=\"" + place(y1) + "\" x2=\"" +
           place(x2) + "\" y2=\"" + place(y2) + "\"" + classOf(kind) + "/>\n";
}

void Svg::rect(double x, double y, double width, double height,
               const char *kind, const std::string &tip,
               const std::string &style) {
  body_ += "<rect x=\"" + place(x) + "\" y=\"" + place(y) + "\" width=\"" +
           place(width) + "\" height=\"" + place(height) + "\"" + classOf(kind);
  if (!style.empty())
    body_ += " style=\"" + style + "\"";
  body_ += close("rect", tip);
}

void Svg::text(double x, double y, const std::string &words, const char *kind,
               Anchor anchor) {
  body_ +=
      "<text x=\"" + place(x) + "\" y=\"" + place(y) + "\"" + classOf(kind);
  if (anchor != Anchor::Start)
    body_ += anchor == Anchor::End ? " text-anchor=\"end\""
                                   : " text-anchor=\"middle\"";
  body_ += ">" + escape(words) + "</text>\n";
}

void Svg::turnedText(double x, double y, const std::string &words,
                     const char *kind) {
  body_ += "<text transform=\"translate(" + place(x) + "," + place(y) +
           ") rotate(-90)\" text-anchor=\"middle\"" + classOf(kind) + ">" +
           escape(words) + "</text>\n";
}

void Svg::path(const std::string &d, const char *kind, const std::string &tip) {
  body_ += "<path d=\"" + d + "\"" + classOf(kind) + close("path", tip);
}

/// Circle, square, triangle, diamond, cross, triangle on its tip; then again.
static std::string shapeOf(double x, double y, double r, size_t index) {
  auto point = [&](double dx, double dy) {
    return place(x + r * dx) + "," + place(y + r * dy);
  };
  switch (index % 6) {
  case 0:
    return "M" + point(-1, 0) + " a" + place(r) + "," + place(r) + " 0 1 0 " +
           place(2 * r) + ",0 a" + place(r) + "," + place(r) + " 0 1 0 " +
           place(-2 * r) + ",0Z";
  case 1:
    return "M" + point(-.88, -.88) + "L" + point(.88, -.88) + "L" +
           point(.88, .88) + "L" + point(-.88, .88) + "Z";
  case 2:
    return "M" + point(0, -1.2) + "L" + point(1.1, .8) + "L" + point(-1.1, .8) +
           "Z";
  case 3:
    return "M" + point(0, -1.25) + "L" + point(1.25, 0) + "L" + point(0, 1.25) +
           "L" + point(-1.25, 0) + "Z";
  case 4:
    return "M" + point(-.38, -1.1) + "H" + place(x + .38 * r) + "V" +
           place(y - .38 * r) + "H" + place(x + 1.1 * r) + "V" +
           place(y + .38 * r) + "H" + place(x + .38 * r) + "V" +
           place(y + 1.1 * r) + "H" + place(x - .38 * r) + "V" +
           place(y + .38 * r) + "H" + place(x - 1.1 * r) + "V" +
           place(y - .38 * r) + "H" + place(x - .38 * r) + "Z";
  default:
    return "M" + point(0, 1.2) + "L" + point(1.1, -.8) + "L" +
           point(-1.1, -.8) + "Z";
  }
}

void Svg::mark(double x, double y, double size, size_t index,
               const std::string &tip) {
  std::string kind = "mark s" + std::to_string(index % 8);
  path(shapeOf(x, y, size, index), kind.c_str(), tip);
}

void Svg::axes(const Scale &across, const Scale &up, const Box &frame,
               const std::string &acrossName, const std::string &upName,
               size_t acrossTicks, size_t upTicks) {
  for (double tick : across.ticks(acrossTicks)) {
    line(across.at(tick), frame.top, across.at(tick), frame.bottom, "grid");
    text(across.at(tick), frame.bottom + 18, tickLabel(tick), "tick",
         Anchor::Middle);
  }
  for (double tick : up.ticks(upTicks)) {
    line(frame.left, up.at(tick), frame.right, up.at(tick), "grid");
    text(frame.left - 8, up.at(tick) + 4, tickLabel(tick), "tick", Anchor::End);
  }
  line(frame.left, frame.bottom, frame.right, frame.bottom, "axis");
  text((frame.left + frame.right) / 2, frame.bottom + 38, acrossName, "name",
       Anchor::Middle);
  turnedText(14, (frame.top + frame.bottom) / 2, upName, "name");
}

void Svg::label(double x, double y, double clear, const std::string &words,
                const char *kind, const Box &within) {
  double width = widthOf(words);
  constexpr double height = 14;
  for (int step = 0; step < 26; ++step) {
    bool after = step % 2 == 0;
    int row = step / 2;
    double shift = (row + 1) / 2 * height * (row % 2 ? -1 : 1);
    double left = after ? x + clear : x - clear - width;
    Box box = {left, y + shift - height / 2, left + width,
               y + shift + height / 2};
    bool fits = box.left >= within.left && box.right <= within.right &&
                box.top >= within.top && box.bottom <= within.bottom;
    for (const Box &other : taken_)
      fits = fits && !box.overlaps(other);
    if (!fits && step < 25)
      continue;
    take(box);
    text(after ? box.left : box.right, y + shift + 4, words, kind,
         after ? Anchor::Start : Anchor::End);
    return;
  }
}

void Svg::column(double x, std::vector<std::pair<double, std::string>> labels,
                 const Box &within) {
  constexpr double gap = 15;
  std::sort(labels.begin(), labels.end());
  double lowest = within.top;
  for (auto &[y, words] : labels) {
    y = std::max(y, lowest);
    lowest = y + gap;
  }
  double highest = within.bottom;
  for (size_t i = labels.size(); i-- > 0; highest = labels[i].first - gap)
    labels[i].first = std::min(labels[i].first, highest);
  for (const auto &[y, words] : labels)
    text(x, y + 4, words, "tag");
}

std::string Svg::finish(double minimum) const {
  std::string style =
      minimum > 0 ? " style=\"min-width:" + place(minimum) + "px\"" : "";
  return "<svg role=\"img\" viewBox=\"0 0 " + place(width_) + " " +
         place(height_) + "\"" + style + ">" + head_ + body_ + "</svg>\n";
}
