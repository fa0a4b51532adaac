//===- BudgetLimitTest.cpp - Tests of parseBudget and parseDuration -------===//

#include "lowbit/Calibration/Budget.h"

#include "gtest/gtest.h"

using namespace lowbit;

namespace {

BudgetLimit limitOf(const std::string &text) {
  auto limit = parseBudget(text);
  EXPECT_TRUE(bool(limit)) << text;
  return limit ? *limit : BudgetLimit{};
}

std::string problemOf(const std::string &text) {
  auto limit = parseBudget(text);
  return limit ? "" : llvm::toString(limit.takeError());
}

} // namespace

TEST(BudgetLimit, Kinds) {
  struct Case {
    const char *text;
    BudgetLimit::Kind kind;
    double value;
  } cases[] = {{"size=90MB", BudgetLimit::Size, 90e6},
               {"size=90mb", BudgetLimit::Size, 90e6},
               {"size=1.5GiB", BudgetLimit::Size, 1.5 * 1073741824},
               {"size=512 KiB", BudgetLimit::Size, 524288},
               {"size=7kB", BudgetLimit::Size, 7000},
               {"size=123456", BudgetLimit::Size, 123456},
               {"size=123456B", BudgetLimit::Size, 123456},
               {"bpw=4.25", BudgetLimit::BitsPerWeight, 4.25},
               {" bpw = 3 ", BudgetLimit::BitsPerWeight, 3},
               {"latency=12ms", BudgetLimit::Latency, 12e3},
               {"latency=800us", BudgetLimit::Latency, 800},
               {"latency=0.5s", BudgetLimit::Latency, 5e5},
               {"ppl=+2%", BudgetLimit::Perplexity, 0.02},
               {"ppl=0.5%", BudgetLimit::Perplexity, 0.005}};
  for (const Case &each : cases) {
    BudgetLimit limit = limitOf(each.text);
    EXPECT_EQ(limit.kind, each.kind) << each.text;
    EXPECT_DOUBLE_EQ(limit.value, each.value) << each.text;
    EXPECT_EQ(limit.text, each.text);
  }
}

TEST(BudgetLimit, Errors) {
  for (const char *text : {"", "90MB", "bits=4", "SIZE=4"})
    EXPECT_EQ(problemOf(text),
              "budget: expected size=90MB, bpw=4.5, latency=12ms or ppl=+2%, "
              "but got '" +
                  std::string(text) + "'");
}

TEST(BudgetLimit, NumbersThatAreNone) {
  for (const char *text :
       {"size", "size=", "size=MB", "size=0MB", "size=-1MB", "size=nan",
        "size=inf", "size=0x10", "size=90TBB", "size=1e400", "size=1e308GB",
        "bpw=4bits", "latency=12", "latency=12min", "ppl=2", "ppl=-2%",
        "ppl=%"}) {
    std::string problem = problemOf(text);
    EXPECT_NE(problem.find("expected a number above 0 such as "),
              std::string::npos)
        << text << ": " << problem;
    EXPECT_NE(problem.find("but got '" + std::string(text) + "'"),
              std::string::npos)
        << problem;
    EXPECT_EQ(problem.find('\n'), std::string::npos) << problem;
  }
}

TEST(BudgetLimit, Durations) {
  struct Case {
    const char *text;
    double seconds;
  } cases[] = {{"90s", 90}, {"10m", 600}, {"1.5h", 5400}, {"45", 45}};
  for (const Case &each : cases) {
    auto seconds = parseDuration(each.text);
    ASSERT_TRUE(bool(seconds)) << each.text;
    EXPECT_DOUBLE_EQ(*seconds, each.seconds);
  }
  for (const char *text : {"", "m", "0s", "-1m", "10ms", "ten", "1m30s"}) {
    auto seconds = parseDuration(text);
    ASSERT_FALSE(bool(seconds)) << text;
    EXPECT_EQ(llvm::toString(seconds.takeError()),
              "expected a time such as 90s, 10m or 1h, but got '" +
                  std::string(text) + "'");
  }
}
