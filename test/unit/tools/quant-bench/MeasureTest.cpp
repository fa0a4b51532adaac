//===- MeasureTest.cpp - Samples of a model's speed -----------------------===//

#include "tools/quant-bench/measure.h"

#include "ToolsTest.h"
#include "tools/quant-bench/run_delay.h"

#include <cmath>

using namespace lowbit::tools;

TEST(Statistics, meanAndDeviation) {
  EXPECT_DOUBLE_EQ(mean({1, 2, 6}), 3);
  EXPECT_DOUBLE_EQ(deviation({1, 2, 6}), std::sqrt((4 + 1 + 9) / 2.0));
  EXPECT_EQ(deviation({1}), 0);
  EXPECT_EQ(mean({}), 0);
}

TEST(Tests, oneForEachCombination) {
  BenchOptions options;
  options.prompt = {512, 0};
  options.generate = {64};
  std::vector<BenchTest> tests = listTests(options, 3);
  ASSERT_EQ(tests.size(), 2u);
  EXPECT_EQ(tests[0].name(), "pp512");
  EXPECT_EQ(tests[1].name(), "tg64");
  EXPECT_EQ(tests[0].threads, 3);
  options.threads = {1, 2};
  EXPECT_EQ(listTests(options, 3).size(), 4u);
}

TEST(BenchOptionsTest, lists) {
  BenchOptions options;
  bool helpShown = false;
  auto parse = [&](const char *option, const char *value) {
    options = BenchOptions();
    const char *argv[] = {"quant-bench", "m.so", option, value};
    return parseBenchOptions(4, argv, options, helpShown);
  };
  EXPECT_SUCCESS(parse("-t", "1,2"));
  EXPECT_EQ(options.threads, (std::vector<int32_t>{1, 2}));
  EXPECT_SUCCESS(parse("-p", "0"));
  for (const char *bad : {"", "1,", ",1", "1,,2", "0", "x", "1;2"})
    EXPECT_ERROR(parse("-t", bad), "option '-t'");
}

TEST(BenchOptionsTest, oneSource) {
  auto parse = [](std::vector<const char *> arguments) {
    BenchOptions options;
    bool helpShown = false;
    arguments.insert(arguments.begin(), "quant-bench");
    return parseBenchOptions(static_cast<int>(arguments.size()),
                             arguments.data(), options, helpShown);
  };
  EXPECT_SUCCESS(parse({"m.so"}));
  EXPECT_SUCCESS(parse({"--shape=llama-3.2-1b", "--scheme", "Q4_0"}));
  EXPECT_ERROR(parse({}), "no model given");
  EXPECT_ERROR(parse({"--shape=llama-3.2-1b"}), "need a scheme");
  EXPECT_ERROR(parse({"m.so", "--shape=a", "--scheme=b"}), "two models");
}

TEST(Ceilings, dotProductsAreCounted) {
  EXPECT_GT(measureDotProducts(1).rate, 0);
  EXPECT_STRNE(dotProductName(), "");
}

TEST(RunDelayTest, isAShare) {
  RunDelay delay;
  EXPECT_GE(delay.share(1), 0);
  EXPECT_EQ(delay.share(0), 0);
}
