//===- PageTest.cpp - A report as one HTML file ---------------------------===//

#include "tools/quant-report/page.h"

#include "ToolsTest.h"

#include <cmath>

using namespace lowbit::tools;
using namespace lowbit::tools::report;

/// A variant as collect() writes it.
static Json variant(const std::string &name, double bytes, double rate,
                    double ratio, double kld) {
  Json row = {{"model", "Tiny <b>"},
              {"threads", 2},
              {"operations_per_second", 1e9 * rate},
              {"bytes_per_second", bytes * rate},
              {"bandwidth", 4e10},
              {"peak", 1e12},
              {"peak_kind", "int8"},
              {"model_size", bytes},
              {"model_n_params", 1e6}};
  Json prefill = row, decode = row;
  prefill.update({{"test", "pp512"}, {"tokens_per_second", 10 * rate}});
  decode.update({{"test", "tg64"}, {"tokens_per_second", rate}});
  return {
      {"name", name},
      {"title", name},
      {"bench", {prefill, decode}},
      {"eval",
       {{"ppl_ratio", ratio},
        {"ppl_base", 20.0},
        {"same_top_p", 0.9},
        {"kld", {{"mean", kld}, {"median", kld}, {"p1", kld}, {"max", kld}}},
        {"layers", {{{"sqnr_db", 30}}, {{"sqnr_db", nullptr}}}},
        {"weights",
         {{{"name", "blk.0.attn_q.weight"},
           {"rows", 4},
           {"columns", 4},
           {"bits_per_weight", 4.5},
           {"sqnr_db", 20.5}}}},
        {"worst_tokens",
         {{{"kld", kld}, {"text", "<script>x</script>\xFF"}}}}}}};
}

static Json document() {
  return {{"lowbit_report", 1},
          {"model", {{"path", "m.gguf"}}},
          {"variants",
           {variant("bf16", 8e6, 100, 1, 1e-6),
            variant("int8", 4e6, 150, 1.001, 1e-3),
            variant("int4", 2e6, 200, 1.02, 1e-2),
            variant("int2", 1e6, 250, 1.4, 1)}},
          {"sensitivity",
           {{{"tensor", "blk.1"}, {"output_error", 0.5}},
            {{"tensor", "blk.0"}, {"output_error", 2}}}}};
}

static Report read(const Json &json) {
  Report report;
  EXPECT_SUCCESS(readReport(json, report));
  return report;
}

TEST(PageTest, headline_is_about_the_smallest_that_is_good) {
  Json json = document();
  EXPECT_EQ(read(json).baseline()->name, "bf16");
  EXPECT_EQ(read(json).best()->name, "int4");
  json["variants"][2]["eval"]["ppl_ratio"] = 1.031;
  EXPECT_EQ(read(json).best()->name, "int8");
  json["variants"][1]["eval"]["ppl_ratio"] = 1.5;
  EXPECT_EQ(read(json).best()->name, "int8"); // the nearest
}

TEST(PageTest, numbers_stand_in_the_page) {
  std::string page = renderPage(read(document()));
  for (const char *words :
       {"4.00\u00D7 smaller", "2.00\u00D7 faster", "+2.00\u00A0% perplexity",
        "id=\"formats\"", "id=\"trade-off\"", "id=\"divergence\"",
        "id=\"worst\"", "id=\"noise\"", "id=\"sensitivity\"", "id=\"roofline\"",
        "id=\"method\"", "20.50 dB"})
    EXPECT_NE(page.find(words), std::string::npos) << words;
  // There were no histograms.
  EXPECT_EQ(page.find("id=\"histograms\""), std::string::npos);
  EXPECT_EQ(page.find("nan"), std::string::npos);
}

TEST(PageTest, nothing_of_the_model_is_markup) {
  std::string page = renderPage(read(document()));
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;x&lt;/script&gt;\uFFFD"),
            std::string::npos);
  EXPECT_NE(page.find("<h1>Tiny &lt;b&gt;</h1>"), std::string::npos);
}

TEST(PageTest, measured_sensitivities_come_first) {
  Json json = document();
  Report report = read(json);
  EXPECT_FALSE(report.sensitivityIsKl);
  ASSERT_EQ(report.sensitivity.size(), 2u);
  EXPECT_EQ(report.sensitivity[0].tensor, "blk.0");
  json["sensitivity"].push_back(
      {{"tensor", "blk.0.attn_q.weight"}, {"kl", 0.1}});
  report = read(json);
  EXPECT_TRUE(report.sensitivityIsKl);
  ASSERT_EQ(report.sensitivity.size(), 1u);
  EXPECT_EQ(report.sensitivity[0].tensor, "blk.0.attn_q.weight");
}

TEST(PageTest, refuses_other_json) {
  Report report;
  EXPECT_ERROR(readReport(Json::array(), report), "lowbit_report");
  EXPECT_ERROR(readReport({{"lowbit_report", 2}}, report), "lowbit_report");
}

/// Whatever the JSON holds in place of a member, there is a page.
static void replaceEach(Json &root, Json &at, const Json &with) {
  if (at.is_object() || at.is_array())
    for (Json &member : at)
      replaceEach(root, member, with);
  if (&at == &root || &at == &root["lowbit_report"])
    return;
  Json kept = at;
  at = with;
  EXPECT_NE(renderPage(read(root)).find("</html>"), std::string::npos);
  at = std::move(kept);
}

TEST(PageTest, anything_may_be_missing_or_of_another_type) {
  Json json = document();
  json["histograms"] = {{"weights",
                         {{{"name", "w"},
                           {"count", 4},
                           {"min", -1},
                           {"max", 1},
                           {"limit", 2},
                           {"counts", {1, 0, 2, 1}},
                           {"clips", {{{"levels", 16}, {"high", 0.5}}}}}}}};
  for (const Json &with : {Json(), Json("text"), Json(-1), Json(1e308),
                           Json::array(), Json::object()})
    replaceEach(json, json, with);
  EXPECT_NE(renderPage(read({{"lowbit_report", 1}})).find("</html>"),
            std::string::npos);
}
