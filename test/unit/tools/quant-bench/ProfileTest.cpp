//===- ProfileTest.cpp - Where the time of a test went --------------------===//

#include "tools/quant-bench/profile.h"

#include "ToolsTest.h"

using namespace lowbit::tools;

namespace {
/// Two samples of 10 tokens in 1 s each, in calls of one row.
class ProfileTest : public ToolsTest {
protected:
  void SetUp() override {
    ToolsTest::SetUp();
    subject.info = modelInfo(loadFake());
    subject.header.text.kv_bytes_per_position = 8;
    subject.header.weights = {{"a", "", "", 0, 1000, 10, 4, true, false},
                              {"b", "", "", 0, 500, 10, 4, true, true}};
    //                         name, function, out, weights, of a row, rows,
    //                         macs, kv
    subject.header.regions = {{"between calls", 0, false, 0, 0, 0, 0, 0},
                              {"barrier", 0, false, 0, 0, 0, 0, 0},
                              {"linear a", 0, false, 1000, 50, 7, 300, 0},
                              {"attention", 0, false, 0, 0, 9, 0, 8},
                              {"head", 0, true, 500, 0, 0, 40, 0},
                              {"never", 0, false, 100, 0, 0, 0, 0}};
    subject.peak = findPeak("int8", "");
    subject.profile = true;
    test.rate = {10, 10};
    test.bandwidth = {1e5, 1e5};
    test.peak = {1e6, 1e6};
    test.regions = {{0.4, 20},  {0.4, 100}, {2.0, 60},
                    {0.2, 20}, {0.8, 20}, {0, 0}};
    test.profiledUnits = 20;
    test.profiledSeconds = 2;
  }
  RegionRow row(const std::string &name) const {
    for (const RegionRow &row : regionRows(subject, test))
      if (row.name == name)
        return row;
    return {};
  }
  Subject subject{};
  BenchTest test{BenchTest::Generate, 10, 2};
};
} // namespace

TEST_F(ProfileTest, figuresAreOfAToken) {
  std::vector<RegionRow> rows = regionRows(subject, test);
  ASSERT_EQ(rows.size(), 5u);
  EXPECT_EQ(rows[0].name, "linear a"); // the longest
  EXPECT_DOUBLE_EQ(rows[0].count, 3);
  EXPECT_DOUBLE_EQ(rows[0].seconds, 0.05); // of two threads
  EXPECT_DOUBLE_EQ(rows[0].weightBytes, 1050);
  EXPECT_DOUBLE_EQ(rows[0].rowBytes, 7);
  EXPECT_DOUBLE_EQ(rows[0].operations, 600);
  EXPECT_DOUBLE_EQ(row("attention").kvBytes, 8 * 5.5);
  EXPECT_DOUBLE_EQ(row("barrier").count, 5);
  double sum = 0, bytes = 0;
  for (const RegionRow &each : rows) {
    sum += each.seconds;
    bytes += each.bytes();
  }
  EXPECT_DOUBLE_EQ(sum, 0.095);
  // Both rows of the weights: 1000 + 500 + 500 / 10 of one gathered.
  EXPECT_DOUBLE_EQ(bytes, makeRow(subject, test).traffic.source);
}

TEST_F(ProfileTest, aBatchSharesWeights) {
  test.batch = 4;
  test.profiledUnits = 80;
  EXPECT_DOUBLE_EQ(row("linear a").weightBytes, 1000 / 4.0 + 50);
  EXPECT_DOUBLE_EQ(row("linear a").operations, 600);
  EXPECT_DOUBLE_EQ(row("head").operations, 80);
}

TEST_F(ProfileTest, aPromptHasOneLastRow) {
  test.kind = BenchTest::Prompt;
  for (RegionTime &time : test.regions)
    time.count /= 5; // calls of five rows
  EXPECT_DOUBLE_EQ(row("linear a").weightBytes, 1000 / 5.0 + 50);
  EXPECT_DOUBLE_EQ(row("linear a").operations, 600);
  EXPECT_DOUBLE_EQ(row("head").weightBytes, 500 / 10.0);
  EXPECT_DOUBLE_EQ(row("head").operations, 80 / 10.0);
}

TEST_F(ProfileTest, copiesOfALayerAreOne) {
  subject.header.regions = {{"between calls", 0, false, 0, 0, 0, 0, 0},
                            {"linear layer", 0, false, 1000, 0, 0, 300, 0},
                            {"between calls", 1, false, 0, 0, 0, 0, 0},
                            {"linear layer", 1, false, 1000, 0, 0, 300, 0}};
  test = {BenchTest::Linear, 8, 1, 1, "4x10"};
  test.rate = {1};
  test.bandwidth = test.peak = {1e6};
  test.regions = {{0.1, 5}, {0.4, 5}, {0.1, 5}, {0.4, 5}};
  test.profiledUnits = 10;
  test.profiledSeconds = 1;
  EXPECT_EQ(regionRows(subject, test).size(), 2u);
  EXPECT_DOUBLE_EQ(row("linear layer").count, 1);
  EXPECT_DOUBLE_EQ(row("linear layer").seconds, 0.08);
  EXPECT_DOUBLE_EQ(row("linear layer").weightBytes, 1000);
  EXPECT_DOUBLE_EQ(row("linear layer").operations, 8 * 600);
}

TEST_F(ProfileTest, isReported) {
  Json regions = reportJson(subject, {test})[0]["regions"];
  ASSERT_EQ(regions.size(), 5u);
  EXPECT_EQ(regions[0]["region"], "linear a");
  EXPECT_DOUBLE_EQ(regions[0]["share"], 0.5);
  EXPECT_EQ(regions[0]["weight_bytes_per_token"], 1050);
  EXPECT_DOUBLE_EQ(regions[0]["bytes_per_second"], 1050 / 0.05);
  EXPECT_DOUBLE_EQ(regions[0]["share_of_bandwidth"], 0.21);
  EXPECT_DOUBLE_EQ(regions[0]["share_of_peak"], 0.012);
  std::string table = reportMarkdown(subject, {test});
  for (const char *part : {"tg10, 2 thread(s)", "| linear a ", " 50.0 % |",
                           "| us/token |", "| sum ", " 95.0 % |"})
    EXPECT_NE(table.find(part), std::string::npos) << part << "\n" << table;
  subject.profile = false;
  EXPECT_FALSE(reportJson(subject, {test})[0].contains("regions"));
  EXPECT_EQ(reportMarkdown(subject, {test}).find("linear a"),
            std::string::npos);
}
