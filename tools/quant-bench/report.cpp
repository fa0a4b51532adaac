//===- report.cpp - Tables of what was measured ---------------------------===//

#include "tools/quant-bench/report.h"

#include "tools/quant-bench/profile.h"
#include "tools/quant-bench/table.h"

#include <algorithm>
#include <cmath>

using namespace lowbit::tools;

static bool isFloat(const ModuleHeader::Weight &weight) {
  return weight.scheme == "f32" || weight.scheme == "f16" ||
         weight.scheme == "bf16";
}

static bool isSign(const ModuleHeader::Weight &weight) {
  return weight.scheme.compare(0, 5, "sign,") == 0;
}

const char *lowbit::tools::arithmeticOf(const ModuleHeader &header,
                                        const std::string &activations) {
  const ModuleHeader::Weight *weight = header.mainWeight();
  if (header.text.activations == 1 ||
      (activations == "binary" && weight && isSign(*weight)))
    return "xnor";
  if (activations == "bf16" || header.text.activations == 16)
    return "bf16";
  if (activations == "f32" || (weight && isFloat(*weight)))
    return "f32";
  // One matrix of floats among many others makes the header say 32 bits; the
  // exact mode is where there is none.
  bool isMixed = std::any_of(
      header.weights.begin(), header.weights.end(),
      [](const ModuleHeader::Weight &other) {
        return other.rows > 1 && other.streamed && isFloat(other);
      });
  return header.text.activations == 32 && !isMixed ? "f32" : "int8";
}

static bool isLayer(const BenchTest &test) {
  return test.kind == BenchTest::Linear;
}

/// Of each of `rows` tokens read together: only the last one meets the head.
static double operationsPerToken(const ModuleHeader &header, int64_t rows) {
  double all = double(header.text.macs_per_row);
  double head = std::min(all, double(header.text.n_vocab) *
                                  double(header.text.n_embd));
  return 2.0 * (all - head + head / double(rows));
}

/// Bytes and operations of one token or one call of a layer.
static void describeWork(const Subject &subject, const BenchTest &test,
                         Row &row) {
  if (isLayer(test)) {
    // All copies are alike.
    const ModuleHeader::Weight &weight = subject.header.weights.front();
    row.traffic = {double(weight.sourceBytes), double(weight.packedBytes), 0};
    row.operations =
        2.0 * double(weight.rows) * double(weight.columns) * test.tokens;
    return;
  }
  bool generates = test.kind == BenchTest::Generate;
  int64_t rows = generates ? 1 : std::max(subject.info.max_rows, 1);
  row.traffic =
      trafficPerToken(subject.header, test.tokens, rows, test.batch,
                      test.depth);
  row.operations =
      operationsPerToken(subject.header, generates ? 1 : test.tokens);
}

/// Shares are taken sample by sample, each against the ceiling probed beside
/// it.
Row lowbit::tools::makeRow(const Subject &subject, const BenchTest &test) {
  Row row{};
  row.rate = mean(test.rate);
  row.deviation = deviation(test.rate);
  describeWork(subject, test, row);
  std::vector<double> ofBandwidth, ofPeak, ofRoof;
  for (size_t i = 0; i < test.rate.size(); ++i) {
    ofBandwidth.push_back(row.traffic.source * test.rate[i] /
                          test.bandwidth[i]);
    ofPeak.push_back(row.operations * test.rate[i] / test.peak[i]);
    ofRoof.push_back(std::max(ofBandwidth.back(), ofPeak.back()));
  }
  row.shareOfBandwidth = mean(ofBandwidth);
  row.shareOfPeak = mean(ofPeak);
  row.shareOfRoof = mean(ofRoof);
  return row;
}

std::string lowbit::tools::subjectName(const Subject &subject) {
  std::string scheme = subject.header.mainSourceType();
  return std::string(subject.info.name) + (scheme.empty() ? "" : " " + scheme);
}

/// Microseconds of each sample's call.
static std::vector<double> microseconds(const BenchTest &test) {
  std::vector<double> times;
  for (double rate : test.rate)
    times.push_back(1e6 / rate);
  return times;
}

static Json rowJson(const Subject &subject, const BenchTest &test) {
  Row row = makeRow(subject, test);
  bool layer = isLayer(test);
  Json json{{"test", test.name()},
            {"model", subject.info.name},
            {"scheme", subject.header.mainSourceType()},
            {"threads", test.threads}};
  if (layer) {
    json["rows"] = test.tokens;
    json["microseconds"] = mean(microseconds(test));
    json["microseconds_stddev"] = deviation(microseconds(test));
  } else {
    json["batch"] = test.batch;
    json["depth"] = test.depth;
    json["tokens_per_second"] = row.rate;
    json["stddev"] = row.deviation;
  }
  const char *unit = layer ? "bytes_per_layer" : "bytes_per_token";
  json[unit] = std::llround(row.traffic.source);
  json["packed_bytes"] = std::llround(row.traffic.packed);
  json["kv_bytes_per_token"] = std::llround(row.traffic.kv);
  json["bytes_per_second"] = row.bytesPerSecond();
  json["operations_per_second"] = row.operationsPerSecond();
  json["share_of_bandwidth"] = row.shareOfBandwidth;
  json["share_of_peak"] = row.shareOfPeak;
  json["bandwidth"] = mean(test.bandwidth);
  json["peak"] = mean(test.peak);
  json["peak_kind"] = subject.peak->kind;
  json["peak_instruction"] = subject.peak->instruction;
  json["level"] = subject.info.level;
  json["samples"] = test.rate;
  json["discarded"] = test.discarded;
  json["disturbed"] = test.disturbed;
  json["model_size"] = subject.info.source_bytes;
  json["model_n_params"] = subject.info.n_parameters;
  if (subject.profile)
    json["regions"] = profileJson(subject, test);
  return json;
}

Json lowbit::tools::reportJson(const Subject &subject,
                               const std::vector<BenchTest> &tests) {
  Json rows = Json::array();
  for (const BenchTest &test : tests)
    rows.push_back(rowJson(subject, test));
  return rows;
}

/// llama-bench's units: MiB or GiB, M or B.
static std::string formatSize(uint64_t bytes) {
  double mib = double(bytes) / (1 << 20);
  return mib < 1024 ? format("%.2f MiB", mib) : format("%.2f GiB", mib / 1024);
}

static std::string formatParameters(uint64_t count) {
  return count < 1000000000 ? format("%.2f M", double(count) * 1e-6)
                            : format("%.2f B", double(count) * 1e-9);
}

static Table modelTable(const Subject &subject,
                        const std::vector<BenchTest> &tests) {
  Table table{{"model", "size", "params", "backend", "threads", "test", "t/s",
               "MB/token", "GB/s", "GOP/s", "% of bandwidth", "% of peak"}};
  for (const BenchTest &test : tests) {
    Row row = makeRow(subject, test);
    table.push_back(
        {subjectName(subject), formatSize(subject.info.source_bytes),
         formatParameters(subject.info.n_parameters),
         "CPU " + std::string(subject.info.level), std::to_string(test.threads),
         test.name(),
         format("%.2f", row.rate) + " ± " + format("%.2f", row.deviation),
         format("%.2f", row.traffic.source * 1e-6),
         format("%.1f", row.bytesPerSecond() * 1e-9),
         format("%.1f", row.operationsPerSecond() * 1e-9),
         format("%.1f", 100 * row.shareOfBandwidth),
         format("%.1f", 100 * row.shareOfPeak)});
  }
  return table;
}

static Table layerTable(const Subject &subject,
                        const std::vector<BenchTest> &tests) {
  Table table{{"test", "scheme", "size", "backend", "threads", "us", "GB/s",
               "GOP/s", "% of bandwidth", "% of peak"}};
  for (const BenchTest &test : tests) {
    Row row = makeRow(subject, test);
    std::vector<double> times = microseconds(test);
    table.push_back(
        {test.name(), subject.header.mainSourceType(),
         formatSize(static_cast<uint64_t>(row.traffic.source)),
         "CPU " + std::string(subject.info.level), std::to_string(test.threads),
         format("%.1f", mean(times)) + " ± " + format("%.1f", deviation(times)),
         format("%.1f", row.bytesPerSecond() * 1e-9),
         format("%.1f", row.operationsPerSecond() * 1e-9),
         format("%.1f", 100 * row.shareOfBandwidth),
         format("%.1f", 100 * row.shareOfPeak)});
  }
  return table;
}

std::string lowbit::tools::reportMarkdown(const Subject &subject,
                                          const std::vector<BenchTest> &tests) {
  bool layer = !tests.empty() && isLayer(tests.front());
  std::string result = formatTable(layer ? layerTable(subject, tests)
                                         : modelTable(subject, tests)) +
                       "\nceilings:";
  for (size_t i = 0; i < tests.size(); ++i) {
    const BenchTest &test = tests[i];
    if (i > 0 && tests[i - 1].threads == test.threads)
      continue;
    result += (i ? ";" : "") + format(" %.0f thread(s):", test.threads) +
              format(" read %.1f GB/s, ", mean(test.bandwidth) * 1e-9) +
              subject.peak->kind +
              format(" %.0f GOP/s", mean(test.peak) * 1e-9);
  }
  result += std::string(" (") + subject.peak->instruction + ")\n";
  if (subject.profile)
    for (const BenchTest &test : tests)
      result += profileMarkdown(subject, test);
  return result;
}
