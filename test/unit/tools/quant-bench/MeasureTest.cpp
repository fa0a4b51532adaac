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
  options.batches = {1, 8};
  options.threads = {1};
  tests = listTests(options, 3);
  ASSERT_EQ(tests.size(), 3u);
  EXPECT_EQ(tests[1].name(), "tg64");
  EXPECT_EQ(tests[2].name(), "tg64@b8");
}

TEST(Tests, ofALayer) {
  BenchOptions options;
  options.model.compile.linear = "64x32";
  options.rows = {1, 8};
  std::vector<BenchTest> tests = listTests(options, 2);
  ASSERT_EQ(tests.size(), 2u);
  EXPECT_EQ(tests[0].name(), "linear 64x32 m1");
  EXPECT_EQ(tests[1].name(), "linear 64x32 m8");
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

static Error parse(std::vector<const char *> arguments, BenchOptions &options) {
  bool helpShown = false;
  arguments.insert(arguments.begin(), "quant-bench");
  return parseBenchOptions(static_cast<int>(arguments.size()), arguments.data(),
                           options, helpShown);
}

TEST(BenchOptionsTest, oneSource) {
  BenchOptions options[8];
  EXPECT_SUCCESS(parse({"m.so"}, options[0]));
  EXPECT_SUCCESS(parse({"--shape=a", "--scheme", "Q4_0"}, options[1]));
  EXPECT_ERROR(parse({}, options[2]), "no model given");
  EXPECT_ERROR(parse({"--shape=a"}, options[3]), "need a scheme");
  EXPECT_ERROR(parse({"m.so", "--shape=a", "--scheme=b"}, options[4]),
               "two models");
  EXPECT_ERROR(parse({"--shape=a", "--linear=8x8", "--scheme=b"}, options[5]),
               "two models");
  EXPECT_ERROR(parse({"m.so", "-b", "0"}, options[6]), "option '-b'");
  EXPECT_ERROR(parse({"m.so", "--peak", "int9"}, options[7]), "--peak");
}

TEST(BenchOptionsTest, fewRowsNeedManyCopies) {
  BenchOptions few, many;
  EXPECT_SUCCESS(parse({"--linear=8x8", "--scheme=b", "--m", "64,8"}, few));
  EXPECT_EQ(few.model.compile.rows, "64,8");
  EXPECT_EQ(few.model.compile.fill, std::to_string(bytesBeyondCaches()));
  EXPECT_SUCCESS(parse({"--linear=8x8", "--scheme=b", "--m", "64"}, many));
  EXPECT_EQ(many.model.compile.fill, "");
}

TEST(Peak, followsTheLevel) {
  // Every CPU has something for an unknown level.
  const PeakLoop *plain = findPeak("int8", "first");
  ASSERT_NE(plain, nullptr);
  EXPECT_STREQ(plain->level, "");
  EXPECT_GT(plain->measure(1).rate, 0);
  EXPECT_EQ(findPeak("int9", "avx2"), nullptr);
  EXPECT_EQ(findPeak("bf16", "avx2"), nullptr);
  for (const char *level : {"avx2", "avxvnni", "avx512vnni", "avx512bf16"})
    for (const char *kind : {"int8", "f32", "bf16", "xnor"})
      if (const PeakLoop *loop = findPeak(kind, level)) {
        EXPECT_STREQ(loop->level, level);
        EXPECT_STREQ(loop->kind, kind);
        EXPECT_GT(loop->measure(2).rate, 0) << kind;
      }
}

TEST(RunDelayTest, isAShare) {
  RunDelay delay;
  EXPECT_GE(delay.share(1), 0);
  EXPECT_EQ(delay.share(0), 0);
}
