//===- document.cpp - A report's numbers ----------------------------------===//

#include "tools/quant-report/document.h"

#include "tools/quant-report/read_json.h"

#include <algorithm>
#include <cmath>

using namespace lowbit::tools;
using namespace lowbit::tools::report;

static Speed readSpeed(const Json &row) {
  Speed speed;
  speed.test = textIn(row, "test");
  speed.rate = numberIn(row, "tokens_per_second");
  speed.deviation = numberIn(row, "stddev");
  speed.operations = numberIn(row, "operations_per_second");
  speed.bytes = numberIn(row, "bytes_per_second");
  speed.bandwidth = numberIn(row, "bandwidth");
  speed.peak = numberIn(row, "peak");
  speed.threads = numberIn(row, "threads");
  speed.peakKind = textIn(row, "peak_kind");
  speed.instruction = textIn(row, "peak_instruction");
  speed.level = textIn(row, "level");
  const Json &disturbed = memberOf(row, "disturbed");
  speed.disturbed = disturbed.is_boolean() && disturbed.get<bool>();
  return speed;
}

/// Infinity is null.
static Ratio readRatio(const Json &object) {
  Ratio ratio;
  ratio.name = textIn(object, "name");
  ratio.sqnr = numberIn(object, "sqnr_db");
  if (std::isnan(ratio.sqnr))
    ratio.sqnr = std::numeric_limits<double>::infinity();
  ratio.rows = numberIn(object, "rows");
  ratio.columns = numberIn(object, "columns");
  ratio.bits = numberIn(object, "bits_per_weight");
  return ratio;
}

static WorstToken readWorst(const Json &object) {
  WorstToken token;
  token.kld = numberIn(object, "kld");
  token.p = numberIn(object, "p");
  token.pBase = numberIn(object, "p_base");
  token.before = textIn(object, "before");
  token.text = textIn(object, "text");
  token.after = textIn(object, "after");
  token.top = textIn(object, "top");
  token.topBase = textIn(object, "top_base");
  return token;
}

static Estimate readEstimate(const Json &object, const std::string &key) {
  return {numberIn(object, key.c_str()),
          numberIn(object, (key + "_error").c_str())};
}

static void readQuality(const Json &eval, MeasuredVariant &variant) {
  variant.ppl = readEstimate(eval, "ppl");
  variant.pplRatio = readEstimate(eval, "ppl_ratio");
  variant.pplBase = numberIn(eval, "ppl_base");
  variant.sameTop = readEstimate(eval, "same_top_p");
  const Json &kld = memberOf(eval, "kld");
  variant.kld = readEstimate(kld, "mean");
  variant.percentiles = {numberIn(kld, "p1"),     numberIn(kld, "p5"),
                         numberIn(kld, "median"), numberIn(kld, "p95"),
                         numberIn(kld, "p99"),    numberIn(kld, "max")};
  for (const Json &token : listIn(eval, "worst_tokens"))
    variant.worst.push_back(readWorst(token));
  for (const Json &weight : listIn(eval, "weights"))
    variant.weights.push_back(readRatio(weight));
  for (const Json &layer : listIn(eval, "layers"))
    variant.layers.push_back(readRatio(layer));
}

static MeasuredVariant readVariant(const Json &object, Report &report) {
  MeasuredVariant variant;
  variant.name = textIn(object, "name");
  variant.title = textIn(object, "title");
  variant.scheme = textIn(object, "scheme");
  variant.recipe = textIn(object, "recipe");
  variant.peakBytes = numberIn(object, "peak_bytes");
  variant.moduleBytes = numberIn(object, "module_bytes");
  for (const Json &row : listIn(object, "bench")) {
    bool reads = textIn(row, "test").compare(0, 2, "pp") == 0;
    (reads ? variant.prefill : variant.decode) = readSpeed(row);
    variant.weightBytes = numberIn(row, "model_size");
    report.parameters = numberIn(row, "model_n_params");
    report.modelName = textIn(row, "model");
    report.threads = numberIn(row, "threads");
  }
  const Json &eval = memberOf(object, "eval");
  readQuality(eval, variant);
  report.pplReference = variant.pplBase;
  report.tokensScored = numberIn(eval, "tokens_scored");
  return variant;
}

static HistogramRow readHistogram(const Json &object) {
  HistogramRow row;
  row.name = textIn(object, "name");
  row.count = numberIn(object, "count");
  row.min = numberIn(object, "min");
  row.max = numberIn(object, "max");
  row.limit = numberIn(object, "limit");
  for (const Json &count : listIn(object, "counts"))
    row.counts.push_back(count.is_number() ? count.get<double>() : 0);
  for (const Json &clip : listIn(object, "clips"))
    row.clips.push_back({numberIn(clip, "levels"), numberIn(clip, "low"),
                         numberIn(clip, "high"), numberIn(clip, "outside")});
  return row;
}

/// Divergences measured by rounding one tensor alone come before what layers
/// add to the error.
static void readSensitivity(const Json &list, Report &report) {
  for (const Json &entry : list)
    report.sensitivityIsKl |= !std::isnan(numberIn(entry, "kl"));
  const char *key = report.sensitivityIsKl ? "kl" : "output_error";
  for (const Json &entry : list) {
    Sensitivity row = {textIn(entry, "tensor"), textIn(entry, "variant"),
                       numberIn(entry, key)};
    if (!std::isnan(row.value))
      report.sensitivity.push_back(row);
  }
  std::sort(report.sensitivity.begin(), report.sensitivity.end(),
            [](const Sensitivity &a, const Sensitivity &b) {
              return a.value != b.value ? a.value > b.value
                                        : a.tensor < b.tensor;
            });
}

static void readFacts(const Json &document, Report &report) {
  report.created = textIn(document, "created");
  report.version = textIn(document, "version");
  report.calibration = textIn(document, "calibration");
  const Json &machine = memberOf(document, "machine");
  report.cpu = textIn(machine, "cpu");
  report.system = textIn(machine, "system");
  const Json &model = memberOf(document, "model");
  report.modelPath = textIn(model, "path");
  const Json &isFolder = memberOf(model, "is_folder");
  report.isFolder = isFolder.is_boolean() && isFolder.get<bool>();
  const Json &text = memberOf(document, "text");
  report.textPath = textIn(text, "path");
  report.textBytes = numberIn(text, "bytes");
  report.chunks = numberIn(text, "chunks");
  report.context = numberIn(text, "ctx");
  for (const Json &word : listIn(document, "command"))
    report.command.push_back(word.is_string() ? word.get<std::string>() : "");
}

Error lowbit::tools::report::readReport(const Json &document, Report &report) {
  if (numberIn(document, "lowbit_report") != 1)
    return Error("it has no \"lowbit_report\": 1; give the JSON that "
                 "quant-report wrote beside a report");
  report = Report();
  readFacts(document, report);
  for (const Json &variant : listIn(document, "variants"))
    report.variants.push_back(readVariant(variant, report));
  const Json &histograms = memberOf(document, "histograms");
  for (const Json &row : listIn(histograms, "weights"))
    report.weights.push_back(readHistogram(row));
  for (const Json &row : listIn(histograms, "activations"))
    report.activations.push_back(readHistogram(row));
  readSensitivity(listIn(document, "sensitivity"), report);
  return Error::success();
}

const MeasuredVariant *Report::baseline() const {
  for (const MeasuredVariant &variant : variants)
    if (variant.name == "bf16")
      return &variant;
  return variants.empty() ? nullptr : &variants.front();
}

const MeasuredVariant *Report::best() const {
  const MeasuredVariant *smallest = nullptr, *nearest = nullptr;
  for (const MeasuredVariant &variant : variants) {
    if (&variant == baseline())
      continue;
    if (variant.pplRatio.value <= 1.03 &&
        (!smallest || variant.weightBytes < smallest->weightBytes))
      smallest = &variant;
    if (!nearest || variant.kld.value < nearest->kld.value)
      nearest = &variant;
  }
  return smallest ? smallest : nearest;
}
