//===- histograms.cpp - Where a model's numbers lie -----------------------===//

#include "tools/quant-eval/histograms.h"

#include "tools/quant-eval/weight_rows.h"

#include <algorithm>
#include <cctype>
#include <cstdio>

using namespace lowbit::tools;
using lowbit::ClipRange;
using lowbit::Histogram;

std::string lowbit::tools::roleOf(const std::string &weight) {
  const std::string prefix = "blk.";
  if (weight.compare(0, prefix.size(), prefix) != 0)
    return weight;
  size_t end = prefix.size();
  while (end < weight.size() &&
         std::isdigit(static_cast<unsigned char>(weight[end])))
    ++end;
  bool numbered = end > prefix.size() && end < weight.size();
  return numbered ? prefix + "*" + weight.substr(end) : weight;
}

static Histogram &histogramOf(std::vector<NamedHistogram> &all,
                              const std::string &name) {
  for (NamedHistogram &known : all)
    if (known.name == name)
      return known.histogram;
  all.push_back({name, {}});
  return all.back().histogram;
}

static lowbit::tools::Error addWeight(const std::string &module,
                                      const WeightReader &reader,
                                      const ModuleHeader::Weight &weight,
                                      Histogram &histogram) {
  WeightRows rows;
  TOOLS_TRY(rows.open(module, reader, weight));
  std::vector<float> values;
  constexpr uint64_t lanes = lowbit::PanelLayout::kLanes;
  for (uint64_t row = 0; row < weight.rows; row += lanes) {
    TOOLS_TRY(rows.read(row / lanes, values));
    histogram.add(values.data(),
                  static_cast<int64_t>(std::min(lanes, weight.rows - row) *
                                       weight.columns));
  }
  return Error::success();
}

Error lowbit::tools::weightHistograms(const std::string &module,
                                      std::vector<NamedHistogram> &result) {
  ModuleHeader header;
  WeightReader reader;
  TOOLS_TRY(readModuleHeader(module, header));
  TOOLS_TRY(reader.open(module));
  for (const ModuleHeader::Weight &weight : header.weights)
    if (weight.rows > 1 && weight.scheme != "i32")
      TOOLS_TRY(addWeight(module, reader, weight,
                          histogramOf(result, roleOf(weight.name))));
  return Error::success();
}

namespace {
/// What a row's visit needs to know.
struct ProbeVisit {
  size_t width;
  std::vector<NamedHistogram> *histograms;
  Error error = Error::success();

  qrt_status row(const float *probes) {
    if (!probes) {
      error = Error("the model has no probes");
      return QRT_CANCELLED;
    }
    for (size_t layer = 0; layer < histograms->size(); ++layer)
      (*histograms)[layer].histogram.add(probes + layer * width,
                                         static_cast<int64_t>(width));
    return QRT_OK;
  }
};
} // namespace

Error lowbit::tools::activationHistograms(
    qrt_model *model, size_t probes,
    const std::vector<std::vector<int32_t>> &chunks,
    std::vector<NamedHistogram> &result) {
  for (size_t layer = 0; layer < probes; ++layer)
    result.push_back({"layer " + std::to_string(layer), {}});
  ProbeVisit visit{static_cast<size_t>(modelInfo(model).n_embd), &result};
  for (size_t i = 0; i < chunks.size(); ++i) {
    SessionHandle session;
    int32_t length = static_cast<int32_t>(chunks[i].size());
    TOOLS_TRY(createSession(model, length, session));
    qrt_status status = qrt_append_visit(
        session.get(), chunks[i].data(), length - 1, length / 2,
        [](void *user, int32_t, const float *, const float *values) {
          return static_cast<ProbeVisit *>(user)->row(values);
        },
        &visit);
    if (visit.error)
      return visit.error;
    TOOLS_TRY(check(status));
    std::fprintf(stderr, "activations: chunk %zu of %zu\n", i + 1,
                 chunks.size());
  }
  return Error::success();
}

//===- JSON and text ------------------------------------------------------===//

static ClipRange clipFor(const Histogram &histogram, int levels) {
  lowbit::ClipOptions options;
  options.levels = levels;
  return lowbit::squaredErrorClip(histogram, options);
}

/// Share of the values in bins whose centers lie outside.
static double shareOutside(const Histogram &histogram, ClipRange range) {
  int64_t outside = 0;
  for (int64_t bin = 0; bin < Histogram::kBins; ++bin)
    if (histogram.binCenter(bin) < range.low ||
        histogram.binCenter(bin) > range.high)
      outside += histogram.bins()[static_cast<size_t>(bin)];
  return histogram.count() ? double(outside) / double(histogram.count()) : 0;
}

Json lowbit::tools::histogramJson(const NamedHistogram &named) {
  const Histogram &histogram = named.histogram;
  constexpr int64_t shown = 128, joined = Histogram::kBins / shown;
  Json counts = Json::array(), clips = Json::array();
  for (int64_t bin = 0; bin < shown; ++bin) {
    int64_t sum = 0;
    for (int64_t i = bin * joined; i < (bin + 1) * joined; ++i)
      sum += histogram.bins()[static_cast<size_t>(i)];
    counts.push_back(sum);
  }
  for (int levels : {16, 256}) {
    ClipRange range = clipFor(histogram, levels);
    clips.push_back({{"levels", levels},
                     {"low", range.low},
                     {"high", range.high},
                     {"outside", shareOutside(histogram, range)}});
  }
  return {{"name", named.name},
          {"count", histogram.count()},
          {"non_finite", histogram.nonFinite()},
          {"min", histogram.min()},
          {"max", histogram.max()},
          {"limit", histogram.limit()},
          {"counts", counts},
          {"clips", clips}};
}

std::string
lowbit::tools::histogramText(const std::vector<NamedHistogram> &histograms) {
  std::string text = "       min         max   clip, 16   clip, 256  of\n";
  for (const NamedHistogram &named : histograms) {
    const Histogram &histogram = named.histogram;
    char line[96];
    std::snprintf(line, sizeof line, "%10.4g  %10.4g %10.4g  %10.4g  ",
                  double(histogram.min()), double(histogram.max()),
                  clipFor(histogram, 16).high, clipFor(histogram, 256).high);
    text += line + named.name + "\n";
  }
  return text;
}
