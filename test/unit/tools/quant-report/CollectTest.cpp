//===- CollectTest.cpp - Variants, results that are kept, options ---------===//

#include "ToolsTest.h"
#include "tools/quant-report/report_options.h"
#include "tools/quant-report/variants.h"
#include "tools/quant-report/work_folder.h"

using namespace lowbit::tools;
using namespace lowbit::tools::report;

namespace {
class CollectTest : public ToolsTest {
protected:
  static std::string names(const std::vector<Variant> &variants) {
    std::string text;
    for (const Variant &variant : variants)
      text += (text.empty() ? "" : " ") + variant.name;
    return text;
  }
  static Error parse(std::vector<const char *> words, ReportOptions &options) {
    bool help = false;
    words.insert(words.begin(), "quant-report");
    return parseReportOptions(int(words.size()), words.data(), options, help);
  }
};
} // namespace

TEST_F(CollectTest, choosesVariants) {
  std::vector<Variant> variants;
  EXPECT_SUCCESS(chooseVariants({}, {}, false, true, false, variants));
  EXPECT_EQ(names(variants), "bf16 source int8 int4 int2 ternary 1-bit");
  variants.clear();
  EXPECT_SUCCESS(chooseVariants({}, {}, true, false, false, variants));
  EXPECT_EQ(names(variants),
            "bf16 int8 int4 int4-g128 int3 int2 ternary 1-bit");
  variants.clear();
  EXPECT_SUCCESS(
      chooseVariants({"1-bit", "int8"}, {}, false, true, false, variants));
  EXPECT_EQ(names(variants), "int8 1-bit");
  EXPECT_NE(variants[0].yaml.find("algorithm: search"), std::string::npos);
  variants.clear();
  EXPECT_SUCCESS(
      chooseVariants({"bf16", "int4"}, {}, false, true, true, variants));
  EXPECT_EQ(variants[0].yaml.find("algorithm"), std::string::npos);
  EXPECT_NE(variants[1].yaml.find("algorithm: gptq"), std::string::npos);
}

TEST_F(CollectTest, recipesStandBesideBf16) {
  std::vector<Variant> variants;
  std::string file = write("my mix.yaml", "name: x\n");
  EXPECT_SUCCESS(
      chooseVariants({}, {file, "Q4_K_M"}, false, true, false, variants));
  EXPECT_EQ(names(variants), "bf16 my_mix Q4_K_M");
  EXPECT_EQ(variants[1].yaml, "name: x\n");
  variants.clear();
  EXPECT_ERROR(
      chooseVariants({}, {"Q4_0", "Q4_0"}, false, true, false, variants),
      "another name");
  EXPECT_ERROR(
      chooseVariants({}, {path("none.yaml")}, false, true, false, variants),
      "none.yaml");
}

TEST_F(CollectTest, resultsAreKeptByTheirKeys) {
  Json result, key = {{"a", 1}};
  {
    WorkFolder work;
    EXPECT_SUCCESS(work.open(path("w")));
    EXPECT_FALSE(work.find("r", key, result));
    EXPECT_SUCCESS(work.keep("r", key, {1, 2}));
  }
  WorkFolder again;
  EXPECT_SUCCESS(again.open(path("w")));
  EXPECT_TRUE(again.find("r", key, result));
  EXPECT_EQ(result, Json({1, 2}));
  EXPECT_FALSE(again.find("r", {{"a", 2}}, result));
  write("w/r.json", "{\"key\": ");
  EXPECT_FALSE(again.find("r", key, result));
  EXPECT_ERROR(again.open(write("file", "")), "file");
}

TEST_F(CollectTest, identityFollowsTheFile) {
  std::string file = write("f", "1");
  Json before = identityOf(file);
  EXPECT_EQ(identityOf(file), before);
  write("f", "12");
  EXPECT_NE(identityOf(file), before);
  Json all = identityOf(folder);
  write("g", "");
  EXPECT_NE(identityOf(folder), all);
}

TEST_F(CollectTest, options) {
  ReportOptions options;
  EXPECT_SUCCESS(parse({"m.gguf", "--text", "t", "-o", "r.html"}, options));
  EXPECT_EQ(options.json, "r.json");
  EXPECT_EQ(options.command[0], "quant-report");
  options = {};
  EXPECT_SUCCESS(parse(
      {"m", "--text", "t", "-o", "r", "--variants", "int8,1-bit"}, options));
  EXPECT_EQ(options.json, "r.json");
  EXPECT_EQ(options.variants, (std::vector<std::string>{"int8", "1-bit"}));
  for (auto [words, part] :
       std::vector<std::pair<std::vector<const char *>, const char *>>{
           {{"m", "--text", "t"}, "-o"},
           {{"--text", "t", "-o", "r"}, "no model"},
           {{"m", "-o", "r"}, "--text"},
           {{"m", "--from", "x", "-o", "r"}, "--from"},
           {{"m", "--text", "t", "-o", "r", "--variants", "int5"}, "int5"},
           {{"m", "--text", "t", "-o", "r", "--variants", ""}, "''"},
           {{"m", "--text", "t", "-o", "r", "--chunks", "0"}, "--chunks"},
           {{"m", "--text", "t", "-o", "r", "--ctx", "33"}, "even"},
           {{"m", "--text", "t", "-o", "r", "--variants", "int8", "--recipe",
             "Q4_0"},
            "give one"}}) {
    ReportOptions bad;
    EXPECT_ERROR(parse(words, bad), part);
  }
}
