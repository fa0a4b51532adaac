//===- section_noise.cpp - Signal to noise by layer and matrix ------------===//

#include "tools/quant-report/markup.h"
#include "tools/quant-report/sections.h"
#include "tools/quant-report/svg.h"

#include <algorithm>
#include <cmath>

using namespace lowbit::tools::report;

namespace {

/// One matrix of one layer.
struct Cell {
  size_t layer, role;
  const Ratio *ratio;
};

struct HeatMap {
  std::vector<std::string> roles; ///< "attn_q", in the model's order
  std::vector<Cell> cells;
  size_t layers = 0;
  double low = INFINITY, high = -INFINITY; ///< dB, of what is not equal
};

/// "blk.12.attn_q.weight": 12 and "attn_q".
bool splitName(const std::string &name, size_t &layer, std::string &role) {
  if (name.compare(0, 4, "blk.") != 0)
    return false;
  size_t at = 4;
  layer = 0;
  for (; at < name.size() && name[at] >= '0' && name[at] <= '9' && at < 9; ++at)
    layer = layer * 10 + static_cast<size_t>(name[at] - '0');
  if (at == 4 || at >= name.size() || name[at] != '.')
    return false;
  role = name.substr(at + 1);
  size_t ending = role.rfind(".weight");
  if (ending != std::string::npos && ending + 7 == role.size())
    role.resize(ending);
  return true;
}

/// More layers than any model has would only fill the page.
constexpr size_t mostLayers = 512, mostRoles = 64;

HeatMap heatMapOf(const MeasuredVariant &variant) {
  HeatMap map;
  for (const Ratio &ratio : variant.weights) {
    size_t layer = 0;
    std::string role;
    if (!(ratio.rows > 1) || !splitName(ratio.name, layer, role) ||
        layer >= mostLayers)
      continue;
    size_t index = static_cast<size_t>(
        std::find(map.roles.begin(), map.roles.end(), role) -
        map.roles.begin());
    if (index == mostRoles)
      continue;
    if (index == map.roles.size())
      map.roles.push_back(role);
    map.cells.push_back({layer, index, &ratio});
    map.layers = std::max(map.layers, layer + 1);
    if (std::isfinite(ratio.sqnr)) {
      map.low = std::min(map.low, ratio.sqnr);
      map.high = std::max(map.high, ratio.sqnr);
    }
  }
  return map;
}

/// Cividis (Nunez, Anderton, Renslow 2018), from much noise to little: its
/// lightness rises evenly, and readers who see fewer colours see the same.
std::string colorOf(double share, bool &dark) {
  static constexpr double stops[][3] = {
      {0, 32, 77},     {42, 63, 109},   {87, 92, 109}, {124, 123, 120},
      {166, 157, 117}, {211, 193, 100}, {255, 234, 70}};
  double at = share > 0 ? 6 * std::min(share, 1.0) : 0;
  size_t stop = std::min<size_t>(static_cast<size_t>(at), 5);
  std::string color = "fill:#";
  for (int channel = 0; channel < 3; ++channel) {
    double value =
        stops[stop][channel] +
        (at - double(stop)) * (stops[stop + 1][channel] - stops[stop][channel]);
    static constexpr char digits[] = "0123456789abcdef";
    int byte = static_cast<int>(std::lround(value));
    color += digits[byte / 16];
    color += digits[byte % 16];
  }
  dark = share < 0.55;
  return color;
}

constexpr double labels = 110, cellHeight = 24, top = 4, wide = 1040;

void drawCell(Svg &svg, const HeatMap &map, const Cell &cell, double width) {
  double x = labels + double(cell.layer) * width;
  double y = top + double(cell.role) * cellHeight;
  double sqnr = cell.ratio->sqnr;
  if (!std::isfinite(sqnr)) {
    svg.rect(x + 1, y + 1, width - 2, cellHeight - 2, "same",
             cell.ratio->name + ": equal");
    return;
  }
  bool dark = false;
  double span = map.high - map.low;
  std::string color = colorOf(span > 0 ? (sqnr - map.low) / span : 1, dark);
  svg.rect(x, y, width - 1, cellHeight - 1, "heat",
           cell.ratio->name + ": " + number(sqnr, "%.2f dB"), color);
  if (width >= 19)
    svg.text(x + width / 2 - 0.5, y + 16,
             number(sqnr, span < 5 && width >= 28 ? "%.1f" : "%.0f"),
             dark ? "cell on-dark" : "cell on-light");
}

void drawLegend(Svg &svg, const HeatMap &map, double y) {
  constexpr int steps = 24;
  constexpr double width = 7;
  double x = labels;
  if (!(map.high >= map.low))
    return;
  for (int i = 0; i < steps; ++i) {
    bool dark = false;
    svg.rect(x + i * width, y, width + 0.5, 10, "heat", "",
             colorOf(double(i) / (steps - 1), dark));
  }
  svg.text(x - 8, y + 9, number(map.low, "%.1f dB"), "tick", Anchor::End);
  svg.text(x + steps * width + 8, y + 9, number(map.high, "%.1f dB"), "tick");
}

std::string drawHeatMap(const MeasuredVariant &variant, const HeatMap &map) {
  double width = std::min(40.0, (wide - labels) / double(map.layers));
  double bottom = top + cellHeight * double(map.roles.size());
  Svg svg(wide, bottom + 62, "Signal to noise of " + variant.title,
          "Ratio in dB of each matrix (rows) in each layer (columns), from " +
              number(map.low, "%.1f") + " to " + number(map.high, "%.1f") +
              " dB.");
  for (size_t role = 0; role < map.roles.size(); ++role)
    svg.text(labels - 8, top + cellHeight * double(role) + 16,
             shorten(map.roles[role], 14), "tick", Anchor::End);
  for (const Cell &cell : map.cells)
    drawCell(svg, map, cell, width);
  size_t every = width >= 19 ? 1 : width >= 9 ? 5 : 10;
  for (size_t layer = 0; layer < map.layers; layer += every)
    svg.text(labels + (double(layer) + 0.5) * width, bottom + 15,
             std::to_string(layer), "tick", Anchor::Middle);
  svg.text(labels - 8, bottom + 15, "layer", "name", Anchor::End);
  drawLegend(svg, map, bottom + 36);
  return scrolling(svg.finish(720));
}

/// The ratio of layers' outputs, a curve for each variant.
std::string drawLayers(const Report &report) {
  constexpr double width = 1040, height = 300;
  Box frame = {64, 12, width - 120, height - 50};
  double low = INFINITY, high = -INFINITY;
  size_t count = 0;
  for (const MeasuredVariant &variant : report.variants)
    for (const Ratio &layer : variant.layers) {
      count = std::max(count, variant.layers.size());
      if (!std::isfinite(layer.sqnr))
        continue;
      low = std::min(low, layer.sqnr);
      high = std::max(high, layer.sqnr);
    }
  if (!(high >= low))
    return "";
  Scale across(Scale::Linear, 0, std::max(1.0, double(count) - 1), frame.left,
               frame.right);
  Scale up(Scale::Linear, std::min(0.0, low), high + 3, frame.bottom,
           frame.top);
  Svg svg(width, height, "Signal to noise of layers' outputs",
          "A curve for each format over the layers, in dB.");
  svg.axes(across, up, frame, "layer", "SQNR of its output, dB",
           std::min<size_t>(count, 16), 6);
  std::vector<std::pair<double, std::string>> labels;
  for (size_t i = 0; i < report.variants.size(); ++i) {
    std::string d;
    double x = 0, y = 0;
    const std::vector<Ratio> &layers = report.variants[i].layers;
    for (size_t layer = 0; layer < layers.size(); ++layer) {
      if (!std::isfinite(layers[layer].sqnr))
        continue;
      x = across.at(double(layer));
      y = up.at(layers[layer].sqnr);
      d += (d.empty() ? "M" : "L") + place(x) + "," + place(y);
    }
    if (d.empty())
      continue;
    svg.path(d, ("curve l" + std::to_string(i % 8)).c_str(),
             report.variants[i].title);
    svg.mark(x, y, 4.5, i);
    labels.push_back({y, shorten(report.variants[i].title, 13)});
  }
  svg.column(frame.right + 12, labels, frame);
  return "<h3>Outputs of layers</h3>\n" + scrolling(svg.finish(640));
}

} // namespace

/// The maps of variants that have noise; open is that of the best, or if it has
/// none the first behind the baseline.
static std::string foldedMaps(const Report &report) {
  std::vector<HeatMap> maps;
  const MeasuredVariant *opened = nullptr;
  for (const MeasuredVariant &variant : report.variants) {
    maps.push_back(heatMapOf(variant));
    bool noisy = maps.back().high >= maps.back().low;
    if (noisy && (&variant == report.best() ||
                  (!opened && &variant != report.baseline())))
      opened = &variant;
  }
  std::string text;
  for (size_t i = 0; i < maps.size(); ++i) {
    const MeasuredVariant &variant = report.variants[i];
    if (maps[i].high >= maps[i].low)
      text += folded(swatch(i) + escape(variant.title),
                     drawHeatMap(variant, maps[i]), &variant == opened);
  }
  return text;
}

std::string lowbit::tools::report::heatMaps(const Report &report) {
  std::string maps = foldedMaps(report);
  std::string layers = drawLayers(report);
  if (!maps.empty())
    maps = "<h3>Weights</h3>\n" + maps;
  return section("noise", "Where the noise is",
                 "Signal to noise (SQNR): how much larger the original\u2019s "
                 "numbers are than their error, in dB; 6 dB is about one bit. "
                 "Each map has its own colours; a frame stands for equal "
                 "weights; formats that have no others are left out.",
                 layers + maps);
}
