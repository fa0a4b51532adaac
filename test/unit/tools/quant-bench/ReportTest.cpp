//===- ReportTest.cpp - Tables of what was measured -----------------------===//

#include "tools/quant-bench/report.h"

#include "ToolsTest.h"

using namespace lowbit::tools;

namespace {
class ReportTest : public ToolsTest {
protected:
  void SetUp() override {
    ToolsTest::SetUp();
    subject.info = modelInfo(loadFake());
    subject.header = ModuleHeader();
    subject.header.text.macs_per_row = 500;
    subject.header.text.kv_bytes_per_position = 0;
    subject.header.weights = {{"a", "", "T1", 1040, 1000, 10, 4, true, false}};
    tests.push_back({true, 64, 2, {10, 30}, {100000, 100000}, {1e5, 1e5}});
    tests.push_back({false, 16, 2, {100}, {100000}, {1e6}, 3, true});
  }
  Subject subject;
  std::vector<BenchTest> tests;
};
} // namespace

TEST_F(ReportTest, jsonHasTheStatedKeys) {
  Json rows = reportJson(subject, tests);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["test"], "tg64");
  EXPECT_EQ(rows[0]["model"], "Fake");
  EXPECT_EQ(rows[0]["scheme"], "T1");
  EXPECT_EQ(rows[0]["threads"], 2);
  EXPECT_EQ(rows[0]["tokens_per_second"], 20.0);
  EXPECT_DOUBLE_EQ(rows[0]["stddev"], std::sqrt(200.0));
  EXPECT_EQ(rows[0]["bytes_per_token"], 1000);
  EXPECT_EQ(rows[0]["packed_bytes"], 1040);
  EXPECT_DOUBLE_EQ(rows[0]["share_of_bandwidth"], 0.2);
  EXPECT_DOUBLE_EQ(rows[0]["share_of_peak"], 0.2);
  // 16 tokens fit into one call.
  EXPECT_EQ(rows[1]["test"], "pp16");
  EXPECT_EQ(rows[1]["bytes_per_token"], 63);
  EXPECT_DOUBLE_EQ(rows[1]["share_of_peak"], 0.1);
  EXPECT_EQ(rows[1]["disturbed"], true);
}

TEST_F(ReportTest, markdownIsLlamaBenchs) {
  std::string table = reportMarkdown(subject, tests);
  EXPECT_EQ(table.substr(0, 9), "| model  ");
  for (const char *part :
       {"| threads | test |", "| Fake T1 | 1.00 MiB | 2.00 M | CPU none |",
        "20.00 ± 14.14", "| pp16 |", " ------: |"})
    EXPECT_NE(table.find(part), std::string::npos) << part << "\n" << table;
}
