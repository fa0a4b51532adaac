//===- ReportTest.cpp - Tables of what was measured -----------------------===//

#include "tools/quant-bench/report.h"
#include "tools/quant-bench/roofline.h"

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
    subject.header.weights = {
        {"a", "u4", "T1", 1040, 1000, 10, 4, true, false}};
    subject.peak = findPeak("int8", "");
    tests.push_back({BenchTest::Generate, 64, 2, 1, "", 0, {10, 30},
                     {100000, 100000}, {1e5, 1e5}});
    tests.push_back({BenchTest::Prompt, 16, 2, 1, "", 0, {100}, {100000},
                     {1e6}, 3, true});
    layers.push_back({BenchTest::Linear, 8, 1, 1, "4x10", 0, {1000, 500},
                      {1e7, 1e7}, {1e6, 1e6}});
  }
  Subject subject;
  std::vector<BenchTest> tests, layers;
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
  EXPECT_DOUBLE_EQ(rows[0]["bytes_per_second"], 20000);
  EXPECT_DOUBLE_EQ(rows[0]["operations_per_second"], 20000);
  EXPECT_DOUBLE_EQ(rows[0]["share_of_bandwidth"], 0.2);
  EXPECT_DOUBLE_EQ(rows[0]["share_of_peak"], 0.2);
  EXPECT_EQ(rows[0]["peak_kind"], "int8");
  // 16 tokens fit into one call.
  EXPECT_EQ(rows[1]["test"], "pp16");
  EXPECT_EQ(rows[1]["bytes_per_token"], 63);
  EXPECT_DOUBLE_EQ(rows[1]["share_of_peak"], 0.1);
  EXPECT_EQ(rows[1]["disturbed"], true);
}

TEST_F(ReportTest, aPromptMeetsTheHeadOnce) {
  subject.header.text.n_vocab = 40;
  subject.header.text.n_embd = 8;
  Json rows = reportJson(subject, tests);
  EXPECT_DOUBLE_EQ(rows[0]["operations_per_second"], 20 * 2 * 500.0);
  // 16 tokens, of 180 multiply-accumulates each and 320 of the last one.
  EXPECT_DOUBLE_EQ(rows[1]["operations_per_second"], 100 * 2 * (180 + 20.0));
}

TEST_F(ReportTest, aBatchReadsWeightsOnce) {
  tests[0].batch = 4;
  subject.header.text.kv_bytes_per_position = 2;
  Json rows = reportJson(subject, tests);
  EXPECT_EQ(rows[0]["test"], "tg64@b4");
  EXPECT_EQ(rows[0]["batch"], 4);
  // A quarter of the weights, and on average 32.5 positions of its own.
  EXPECT_EQ(rows[0]["bytes_per_token"], 250 + 65);
  EXPECT_EQ(rows[0]["kv_bytes_per_token"], 65);
}

TEST_F(ReportTest, aDepthReadsItsKeysAndValues) {
  tests[0].depth = 1000;
  subject.header.text.kv_bytes_per_position = 2;
  Json rows = reportJson(subject, tests);
  EXPECT_EQ(rows[0]["test"], "tg64 @ d1000");
  EXPECT_EQ(rows[0]["depth"], 1000);
  EXPECT_EQ(rows[0]["kv_bytes_per_token"], 2000 + 65);
  EXPECT_EQ(rows[0]["bytes_per_token"], 1000 + 2065);
}

TEST_F(ReportTest, layersAreTimed) {
  Json rows = reportJson(subject, layers);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0]["test"], "linear 4x10 m8");
  EXPECT_EQ(rows[0]["rows"], 8);
  EXPECT_EQ(rows[0]["microseconds"], 1500.0);
  EXPECT_FALSE(rows[0].contains("tokens_per_second"));
  EXPECT_EQ(rows[0]["bytes_per_layer"], 1000);
  EXPECT_DOUBLE_EQ(rows[0]["bytes_per_second"], 750e3);
  EXPECT_DOUBLE_EQ(rows[0]["operations_per_second"], 750 * 2.0 * 8 * 40);
  EXPECT_DOUBLE_EQ(rows[0]["share_of_bandwidth"], 0.075);
  EXPECT_DOUBLE_EQ(rows[0]["share_of_peak"], 0.48);
  std::string table = reportMarkdown(subject, layers);
  for (const char *part : {"| linear 4x10 m8 |", "1500.0 ± 707.1", " us |"})
    EXPECT_NE(table.find(part), std::string::npos) << part << "\n" << table;
}

TEST_F(ReportTest, markdownIsLlamaBenchs) {
  std::string table = reportMarkdown(subject, tests);
  EXPECT_EQ(table.substr(0, 9), "| model  ");
  for (const char *part :
       {"| threads | test |", "| Fake T1 | 1.00 MiB | 2.00 M | CPU none |",
        "20.00 ± 14.14", "| pp16 |", " ------: |", "int8 0 GOP/s"})
    EXPECT_NE(table.find(part), std::string::npos) << part << "\n" << table;
}

TEST_F(ReportTest, arithmeticIsTheModules) {
  EXPECT_STREQ(arithmeticOf(subject.header, ""), "int8");
  EXPECT_STREQ(arithmeticOf(subject.header, "f32"), "f32");
  // The exact mode; a head of floats in a low-bit model is not it.
  subject.header.text.activations = 32;
  EXPECT_STREQ(arithmeticOf(subject.header, ""), "f32");
  subject.header.weights.push_back(
      {"head", "f16", "F16", 80, 80, 10, 4, true, false});
  EXPECT_STREQ(arithmeticOf(subject.header, ""), "int8");
  subject.header.weights = {
      {"a", "bf16", "BF16", 1040, 1000, 10, 4, true, false}};
  EXPECT_STREQ(arithmeticOf(subject.header, ""), "f32");
  subject.header.text.activations = 8;
  EXPECT_STREQ(arithmeticOf(subject.header, ""), "f32");
  subject.header.weights.clear();
  EXPECT_STREQ(arithmeticOf(subject.header, ""), "int8");
  subject.header.text.activations = 32;
  EXPECT_STREQ(arithmeticOf(subject.header, ""), "f32");
  // Signs of a model; of a layer the words that it was compiled with.
  subject.header.text.activations = 1;
  EXPECT_STREQ(arithmeticOf(subject.header, ""), "xnor");
  subject.header.text.activations = 0;
  EXPECT_STREQ(arithmeticOf(subject.header, "binary"), "int8");
  subject.header.weights = {
      {"a", "sign, row scale f16", "sign", 1040, 1000, 10, 4, true, false}};
  EXPECT_STREQ(arithmeticOf(subject.header, "binary"), "xnor");
  EXPECT_STREQ(arithmeticOf(subject.header, "int8"), "int8");
}

//===- The roofline -------------------------------------------------------===//

/// Values of an attribute in the order of the page.
static std::vector<double> attributes(const std::string &svg,
                                      const std::string &name) {
  std::vector<double> values;
  std::string mark = " " + name + "=\"";
  for (size_t at = svg.find(mark); at != std::string::npos;
       at = svg.find(mark, at + 1))
    values.push_back(std::strtod(svg.c_str() + at + mark.size(), nullptr));
  return values;
}

static size_t count(const std::string &svg, const std::string &part) {
  size_t number = 0;
  for (size_t at = svg.find(part); at != std::string::npos;
       at = svg.find(part, at + 1))
    ++number;
  return number;
}

TEST_F(ReportTest, rooflineHasAPointForEachTest) {
  tests.push_back(tests[0]);
  tests.back().threads = 1;
  std::string svg = rooflineSvg(subject, tests);
  EXPECT_EQ(count(svg, "<circle "), 3u);
  EXPECT_EQ(count(svg, "tg64: 20 %"), 2u);
  EXPECT_EQ(count(svg, " thread: ") + count(svg, " threads: "), 2u);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
  EXPECT_LT(svg.size(), 20000u);
  // Everything is on the page, and more is faster: higher up.
  for (const char *name : {"x", "x1", "x2", "cx"})
    for (double x : attributes(svg, name))
      EXPECT_TRUE(x >= 0 && x <= 720) << name << " " << x;
  for (const char *name : {"y", "y1", "y2", "cy"})
    for (double y : attributes(svg, name))
      EXPECT_TRUE(y >= 0 && y <= 480) << name << " " << y;
  std::vector<double> heights = attributes(svg, "cy");
  ASSERT_EQ(heights.size(), 3u);
  EXPECT_LT(heights[1], heights[0]);
  EXPECT_EQ(heights[2], heights[0]);
}

TEST_F(ReportTest, rooflineEscapesNames) {
  subject.info.name = "<a&b>";
  std::string svg = rooflineSvg(subject, tests);
  EXPECT_NE(svg.find("&lt;a&amp;b&gt; T1"), std::string::npos);
  EXPECT_NE(rooflineSvg(subject, {}).find("</svg>"), std::string::npos);
}
