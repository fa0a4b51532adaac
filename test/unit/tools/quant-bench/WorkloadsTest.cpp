//===- WorkloadsTest.cpp - Whole models and single layers -----------------===//

#include "tools/quant-bench/workloads.h"

#include "ToolsTest.h"

#include <set>

using namespace lowbit::tools;

namespace {
class WorkloadsTest : public ToolsTest {
protected:
  double units = 0, time = 0;
};
} // namespace

TEST_F(WorkloadsTest, promptsAndTokensOfAModel) {
  ModelWorkload workload(loadFake());
  std::vector<BenchTest> tests{{BenchTest::Prompt, 20, 1},
                               {BenchTest::Generate, 5, 1},
                               {BenchTest::Generate, 6, 1, 3}};
  EXPECT_SUCCESS(workload.prepare(tests));
  EXPECT_EQ(fake::counters.sessions, 3);
  EXPECT_SUCCESS(workload.run(tests[0], units, time));
  EXPECT_EQ(units, 20);
  EXPECT_EQ(fake::counters.rows, 20);
  EXPECT_EQ(fake::counters.visited, 1);
  EXPECT_SUCCESS(workload.run(tests[1], units, time));
  EXPECT_EQ(units, 5);
  EXPECT_EQ(fake::counters.rows, 25);
  EXPECT_TRUE(fake::counters.batches.empty());
  // Tokens of all sequences count, and each call takes one of each.
  EXPECT_SUCCESS(workload.run(tests[2], units, time));
  EXPECT_EQ(units, 18);
  EXPECT_EQ(fake::counters.rows, 43);
  EXPECT_EQ(fake::counters.batches, std::vector<int32_t>(6, 3));
  EXPECT_SUCCESS(workload.run(tests[2], units, time));
}

TEST_F(WorkloadsTest, aDepthIsFilledOnce) {
  ModelWorkload workload(loadFake());
  std::vector<BenchTest> tests{{BenchTest::Prompt, 20, 1},
                               {BenchTest::Prompt, 20, 1, 1, "", 50},
                               {BenchTest::Generate, 5, 1, 2, "", 50}};
  EXPECT_SUCCESS(workload.prepare(tests));
  EXPECT_EQ(fake::counters.sessions, 3);
  EXPECT_EQ(fake::counters.rows, 2 * 50);
  EXPECT_EQ(fake::counters.visited, 0);
  // Tests in turn; each adds its own tokens and no others.
  int64_t rows = 100;
  for (int round = 0; round < 3; ++round)
    for (const BenchTest &test : tests) {
      EXPECT_SUCCESS(workload.run(test, units, time));
      EXPECT_EQ(units, test.tokens * test.batch);
      rows += test.tokens * test.batch;
      EXPECT_EQ(fake::counters.rows, rows);
    }
  EXPECT_EQ(fake::counters.resets, 9);
}

TEST_F(WorkloadsTest, theTimeBeginsBehindTheDepth) {
  fake::config.rowMicroseconds = 1000;
  ModelWorkload workload(loadFake());
  BenchTest test{BenchTest::Generate, 1, 1, 1, "", 100};
  double begin = seconds();
  EXPECT_SUCCESS(workload.prepare({test}));
  EXPECT_SUCCESS(workload.run(test, units, time));
  EXPECT_GE(seconds() - begin, 0.1 + time);
}

TEST_F(WorkloadsTest, whatDoesNotFitIsRefused) {
  std::vector<BenchTest> tests{{BenchTest::Prompt, 129, 1}};
  EXPECT_ERROR(ModelWorkload(loadFake()).prepare(tests), "context of 128");
  tests = {{BenchTest::Generate, 4, 1, 1, "", 125}};
  EXPECT_ERROR(ModelWorkload(loadFake()).prepare(tests), "4 tokens behind 125");
  tests = {{BenchTest::Generate, 4, 1, 17}};
  EXPECT_ERROR(ModelWorkload(loadFake()).prepare(tests), "17 sequences");
}

TEST_F(WorkloadsTest, fewRowsTakeCopiesInTurn) {
  fake::config.functions = {"rows2.copy0",  "rows2.copy1",  "rows2.copy2",
                            "rows64.copy0", "rows64.copy1", "rows64.copy2"};
  LayerWorkload workload(loadFake());
  std::vector<BenchTest> tests{{BenchTest::Linear, 2, 1, 1, "3x3"},
                               {BenchTest::Linear, 64, 1, 1, "3x3"}};
  EXPECT_SUCCESS(workload.prepare(tests));
  EXPECT_SUCCESS(workload.run(tests[0], units, time));
  const std::vector<int32_t> calls = fake::counters.calls;
  EXPECT_EQ(int64_t(units) % 3, 0);
  // Two rounds more, to learn how many calls a sample has.
  EXPECT_EQ(calls.size(), size_t(units) + 2 * 3);
  for (size_t i = 0; i < calls.size(); ++i)
    ASSERT_EQ(calls[i], int32_t(i % 3));
  fake::counters.calls.clear();
  EXPECT_SUCCESS(workload.run(tests[1], units, time));
  EXPECT_EQ(std::set<int32_t>(fake::counters.calls.begin(),
                              fake::counters.calls.end()),
            std::set<int32_t>{3});
  // A sample is as long the next time.
  size_t first = fake::counters.calls.size() - 2;
  fake::counters.calls.clear();
  EXPECT_SUCCESS(workload.run(tests[1], units, time));
  EXPECT_EQ(fake::counters.calls.size(), first);
}

TEST_F(WorkloadsTest, aLayerMustBeThere) {
  LayerWorkload workload(loadFake());
  EXPECT_ERROR(workload.prepare({{BenchTest::Linear, 2, 1, 1, "3x3"}}),
               "no function rows2.copy0");
}
