//===- report.cpp - Tables of what was measured ---------------------------===//

#include "tools/quant-bench/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace lowbit::tools;

namespace {
/// Figures derived from a test.
struct Row {
  double speed, deviation;
  Traffic traffic;
  double shareOfBandwidth, shareOfPeak;
};
} // namespace

/// Shares are taken sample by sample, each against the ceiling probed beside
/// it.
static Row makeRow(const Subject &subject, const BenchTest &test) {
  Row row;
  row.speed = mean(test.tokensPerSecond);
  row.deviation = deviation(test.tokensPerSecond);
  int64_t rows = test.generates ? 1 : std::max(subject.info.max_rows, 1);
  row.traffic = trafficPerToken(subject.header, test.tokens, rows);
  double operations = 2.0 * double(subject.header.text.macs_per_row);
  std::vector<double> ofBandwidth, ofPeak;
  for (size_t i = 0; i < test.tokensPerSecond.size(); ++i) {
    double speed = test.tokensPerSecond[i];
    ofBandwidth.push_back(row.traffic.source * speed / test.bandwidth[i]);
    ofPeak.push_back(operations * speed / test.peak[i]);
  }
  row.shareOfBandwidth = mean(ofBandwidth);
  row.shareOfPeak = mean(ofPeak);
  return row;
}

Json lowbit::tools::reportJson(const Subject &subject,
                               const std::vector<BenchTest> &tests) {
  Json rows = Json::array();
  for (const BenchTest &test : tests) {
    Row row = makeRow(subject, test);
    rows.push_back({{"test", test.name()},
                    {"model", subject.info.name},
                    {"scheme", subject.header.mainSourceType()},
                    {"threads", test.threads},
                    {"tokens_per_second", row.speed},
                    {"stddev", row.deviation},
                    {"bytes_per_token", std::llround(row.traffic.source)},
                    {"packed_bytes", std::llround(row.traffic.packed)},
                    {"kv_bytes_per_token", std::llround(row.traffic.kv)},
                    {"share_of_bandwidth", row.shareOfBandwidth},
                    {"share_of_peak", row.shareOfPeak},
                    {"bandwidth", mean(test.bandwidth)},
                    {"peak", mean(test.peak)},
                    {"peak_instruction", dotProductName()},
                    {"level", subject.info.level},
                    {"samples", test.tokensPerSecond},
                    {"discarded", test.discarded},
                    {"disturbed", test.disturbed},
                    {"model_size", subject.info.source_bytes},
                    {"model_n_params", subject.info.n_parameters}});
  }
  return rows;
}

static std::string format(const char *pattern, double value) {
  char text[64];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
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

/// Characters, not bytes: the table has a plus-minus sign.
static size_t displayWidth(const std::string &text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

/// The first column is text, to the left; the others to the right.
static std::string
formatTable(const std::vector<std::vector<std::string>> &table) {
  static constexpr size_t leftColumns = 1;
  std::vector<size_t> widths(table[0].size());
  for (const auto &line : table)
    for (size_t i = 0; i < line.size(); ++i)
      widths[i] = std::max(widths[i], displayWidth(line[i]));
  std::string result;
  for (size_t number = 0; number < table.size(); ++number) {
    std::string rule = "|";
    for (size_t i = 0; i < widths.size(); ++i) {
      const std::string &cell = table[number][i];
      std::string blanks(widths[i] - displayWidth(cell), ' ');
      bool left = i < leftColumns;
      result += "| " + (left ? cell + blanks : blanks + cell) + " ";
      rule += " " + std::string(widths[i] - (left ? 0 : 1), '-') +
              (left ? " |" : ": |");
    }
    result += "|\n" + (number == 0 ? rule + "\n" : "");
  }
  return result;
}

std::string lowbit::tools::reportMarkdown(const Subject &subject,
                                          const std::vector<BenchTest> &tests) {
  std::vector<std::vector<std::string>> table{
      {"model", "size", "params", "backend", "threads", "test", "t/s",
       "MB/token", "% of bandwidth", "% of peak"}};
  std::string scheme = subject.header.mainSourceType();
  for (const BenchTest &test : tests) {
    Row row = makeRow(subject, test);
    table.push_back(
        {std::string(subject.info.name) + (scheme.empty() ? "" : " " + scheme),
         formatSize(subject.info.source_bytes),
         formatParameters(subject.info.n_parameters),
         "CPU " + std::string(subject.info.level), std::to_string(test.threads),
         test.name(),
         format("%.2f", row.speed) + " ± " + format("%.2f", row.deviation),
         format("%.2f", row.traffic.source * 1e-6),
         format("%.1f", 100 * row.shareOfBandwidth),
         format("%.1f", 100 * row.shareOfPeak)});
  }
  std::string result = formatTable(table) + "\nceilings:";
  for (size_t i = 0; i < tests.size(); ++i) {
    const BenchTest &test = tests[i];
    if (i > 0 && tests[i - 1].threads == test.threads)
      continue;
    result += (i ? ";" : "") + format(" %.0f thread(s):", test.threads) +
              format(" read %.1f GB/s,", mean(test.bandwidth) * 1e-9) +
              format(" int8 %.0f GOP/s", mean(test.peak) * 1e-9);
  }
  return result + " (" + dotProductName() + ")\n";
}
