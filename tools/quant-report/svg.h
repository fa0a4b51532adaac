//===- svg.h - Drawings in a page -------------------------------*- C++ -*-===//
//
// Colours and type come from the page's style (style.cpp), so that a drawing
// follows its light and dark: elements have classes.
//
//===----------------------------------------------------------------------===//

#ifndef TOOLS_QUANTREPORT_SVG_H
#define TOOLS_QUANTREPORT_SVG_H

#include "tools/quant-report/scale.h"

#include <string>
#include <utility>
#include <vector>

namespace lowbit::tools::report {

enum class Anchor { Start, Middle, End };

/// A place for labels, so that none covers another.
struct Box {
  double left, top, right, bottom;
  bool overlaps(const Box &other) const;
};

class Svg {
public:
  /// `title` and `description` are for those who do not see it.
  Svg(double width, double height, const std::string &title,
      const std::string &description);

  void line(double x1, double y1, double x2, double y2, const char *kind);
  void rect(double x, double y, double width, double height, const char *kind,
            const std::string &tip = "", const std::string &style = "");
  void text(double x, double y, const std::string &words, const char *kind,
            Anchor anchor = Anchor::Start);
  /// Turned by 90 degrees, its middle at (x, y).
  void turnedText(double x, double y, const std::string &words,
                  const char *kind);
  void path(const std::string &d, const char *kind,
            const std::string &tip = "");
  /// The mark of the `index`-th series: shapes differ as well as colours.
  void mark(double x, double y, double size, size_t index,
            const std::string &tip = "");

  /// Both axes with their ticks, grid lines and names.
  void axes(const Scale &across, const Scale &up, const Box &frame,
            const std::string &acrossName, const std::string &upName,
            size_t acrossTicks = 7, size_t upTicks = 7);
  /// Writes words beside (x, y) where they cover no taken box, and takes that
  /// place. `within`: what they must not leave.
  void label(double x, double y, double clear, const std::string &words,
             const char *kind, const Box &within);
  /// Labels in a column beside the ends of curves, each as near to its place as
  /// the others allow.
  void column(double x, std::vector<std::pair<double, std::string>> labels,
              const Box &within);
  void take(const Box &box) { taken_.push_back(box); }

  /// `minimum`: pixels below which the page lets it scroll, not shrink.
  std::string finish(double minimum = 0) const;

private:
  double width_, height_;
  std::string head_, body_;
  std::vector<Box> taken_;
};

/// A coordinate.
std::string place(double value);
/// The number at a tick: as short as it can be.
std::string tickLabel(double value);
/// About how wide words are, in pixels, at 12 px.
double widthOf(const std::string &words);

} // namespace lowbit::tools::report

#endif // TOOLS_QUANTREPORT_SVG_H
