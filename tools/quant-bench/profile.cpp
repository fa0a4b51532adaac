//===- profile.cpp - Where the time of a test went ------------------------===//

#include "tools/quant-bench/profile.h"

#include "tools/quant-bench/table.h"

#include <algorithm>
#include <cmath>
#include <map>

using namespace lowbit::tools;

static bool isLayer(const BenchTest &test) {
  return test.kind == BenchTest::Linear;
}

namespace {
/// How much a test did, of each function and in all samples.
class Extent {
public:
  Extent(const ModuleHeader &header, const BenchTest &test) : test_(test) {
    // The first region of a function is what lies between its calls: left once
    // in each.
    for (size_t i = 0; i < header.regions.size(); ++i)
      calls_.try_emplace(header.regions[i].function, test.regions[i].count);
  }

  /// Calls that read a region's weights. A prompt's logits are wanted of its
  /// last row: what makes them runs once a sample.
  double calls(const ModuleHeader::Region &region) const {
    if (region.isOut && test_.kind == BenchTest::Prompt)
      return samples();
    return calls_.at(region.function);
  }
  double rows(const ModuleHeader::Region &region) const {
    if (isLayer(test_))
      return calls_.at(region.function) * test_.tokens;
    if (region.isOut && test_.kind == BenchTest::Prompt)
      return samples();
    return test_.profiledUnits;
  }

private:
  double samples() const { return double(test_.rate.size()); }

  const BenchTest &test_;
  std::map<uint32_t, double> calls_;
};
} // namespace

std::vector<RegionRow> lowbit::tools::regionRows(const Subject &subject,
                                                 const BenchTest &test) {
  const ModuleHeader &header = subject.header;
  const Extent extent(header, test);
  const double units = test.profiledUnits;
  const double kvPerPosition = double(header.text.kv_bytes_per_position);
  const double kvBytes =
      isLayer(test) ? 0 : makeRow(subject, test).traffic.kv;
  std::map<std::string, RegionRow> rows;
  for (size_t i = 0; i < header.regions.size(); ++i) {
    const ModuleHeader::Region &region = header.regions[i];
    const RegionTime &time = test.regions[i];
    if (time.count == 0)
      continue;
    const double rowCount = extent.rows(region) / units;
    RegionRow &row = rows[region.name];
    row.name = region.name;
    row.count += time.count / units;
    row.seconds += time.seconds / test.threads / units;
    row.weightBytes +=
        double(region.weightBytes) * extent.calls(region) / units +
        double(region.rowWeightBytes) * rowCount;
    row.rowBytes += double(region.rowBytes) * rowCount;
    row.operations += 2.0 * double(region.rowMacs) * rowCount;
    if (kvPerPosition > 0)
      row.kvBytes +=
          kvBytes * double(region.kvBytesPerPosition) / kvPerPosition;
  }
  std::vector<RegionRow> result;
  for (auto &[name, row] : rows)
    result.push_back(std::move(row));
  std::sort(result.begin(), result.end(),
            [](const RegionRow &a, const RegionRow &b) {
              return a.seconds > b.seconds;
            });
  return result;
}

/// A rate, or 0 where a clock saw no time pass.
static double perSecond(double amount, const RegionRow &row) {
  return row.seconds > 0 ? amount / row.seconds : 0;
}

static double secondsOf(const BenchTest &test) {
  return test.profiledSeconds / test.profiledUnits;
}

Json lowbit::tools::profileJson(const Subject &subject, const BenchTest &test) {
  const char *unit = isLayer(test) ? "layer" : "token";
  Json list = Json::array();
  for (const RegionRow &row : regionRows(subject, test)) {
    Json json{{"region", row.name}};
    auto set = [&](const std::string &stem, const Json &value) {
      json[stem + "_per_" + unit] = value;
    };
    set("count", row.count);
    set("microseconds", 1e6 * row.seconds);
    json["share"] = row.seconds / secondsOf(test);
    set("weight_bytes", std::llround(row.weightBytes));
    set("kv_bytes", std::llround(row.kvBytes));
    set("activation_bytes", std::llround(row.rowBytes));
    set("operations", std::llround(row.operations));
    json["bytes_per_second"] = perSecond(row.bytes(), row);
    json["operations_per_second"] = perSecond(row.operations, row);
    json["share_of_bandwidth"] =
        perSecond(row.bytes(), row) / mean(test.bandwidth);
    json["share_of_peak"] = perSecond(row.operations, row) / mean(test.peak);
    list.push_back(json);
  }
  return list;
}

static std::vector<std::string> cellsOf(const RegionRow &row,
                                        const BenchTest &test) {
  double bytes = perSecond(row.bytes(), row);
  double operations = perSecond(row.operations, row);
  return {row.name,
          format("%.4g", row.count),
          format("%.2f", 1e6 * row.seconds),
          format("%.1f %%", 100 * row.seconds / secondsOf(test)),
          format("%.3f", 1e-6 * row.bytes()),
          format("%.1f", 1e-3 * row.rowBytes),
          format("%.1f", 1e-9 * bytes),
          format("%.1f", 100 * bytes / mean(test.bandwidth)),
          format("%.1f", 1e-9 * operations),
          format("%.1f", 100 * operations / mean(test.peak))};
}

std::string lowbit::tools::profileMarkdown(const Subject &subject,
                                           const BenchTest &test) {
  const std::string unit = isLayer(test) ? "/layer" : "/token";
  Table table{{"region", "calls" + unit, "us" + unit, "share", "MB" + unit,
               "activations KB" + unit, "GB/s", "% of bandwidth", "GOP/s",
               "% of peak"}};
  RegionRow sum;
  sum.name = "sum";
  for (const RegionRow &row : regionRows(subject, test)) {
    table.push_back(cellsOf(row, test));
    sum.count += row.count;
    sum.seconds += row.seconds;
    sum.weightBytes += row.weightBytes;
    sum.kvBytes += row.kvBytes;
    sum.rowBytes += row.rowBytes;
    sum.operations += row.operations;
  }
  table.push_back(cellsOf(sum, test));
  return "\n" + test.name() +
         format(", %.0f thread(s): where the time of ", test.threads) +
         format("%.2f us went\n\n", 1e6 * secondsOf(test)) +
         formatTable(table);
}
