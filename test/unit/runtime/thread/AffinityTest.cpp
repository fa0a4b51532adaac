//===- AffinityTest.cpp - Tests of thread/affinity.h ----------------------===//

#include "thread/affinity.h"
#include "thread/cpu_mask.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <map>

using namespace qrt;

namespace {

Affinity parse(const std::string &text) {
  Affinity affinity;
  const Status status = Affinity::parse(text, affinity);
  EXPECT_TRUE(status.ok()) << status.message();
  return affinity;
}

std::vector<int32_t> place(const std::string &text, const Topology &topology,
                           int32_t workers) {
  std::vector<int32_t> cpus;
  const Status status = parse(text).place(topology, workers, cpus);
  EXPECT_TRUE(status.ok()) << status.message();
  return cpus;
}

/// Two nodes, four cores each, two siblings a core: core c has 0+c and 8+c.
Topology twoNodes() {
  Topology topology;
  for (int32_t core = 0; core < 8; ++core)
    for (int32_t sibling : {0, 8})
      topology.cpus.push_back({core + sibling, core, core / 4});
  return topology;
}

using Cpus = std::vector<int32_t>;

TEST(CpuListTest, IsTasksets) {
  Cpus cpus;
  for (const auto &[text, expected] : std::map<std::string, Cpus>{
           {"0", {0}},
           {"3,1", {3, 1}},
           {"0-3,8", {0, 1, 2, 3, 8}},
           {"5-5,2-3", {5, 2, 3}},
           {"8191", {8191}}}) {
    EXPECT_TRUE(parseCpuList(text, cpus)) << text;
    EXPECT_EQ(cpus, expected);
  }
  for (const char *text :
       {"", "a", "-1", "1-", "3-2", "1,", ",1", "1,,2", "1 ", " 1", "+1", "0x1",
        "0-3:2", "8192", "0-99999999999", "1,1", "0-2,2"})
    EXPECT_FALSE(parseCpuList(text, cpus)) << text;
  EXPECT_EQ(cpuListText({0, 1, 2, 3, 8, 10, 11}), "0-3,8,10-11");
  EXPECT_EQ(cpuListText({4}), "4");
}

TEST(AffinityTest, BadWordsGetOneLine) {
  Affinity affinity;
  for (const char *text : {"", "Compact", "0-", "none,0"})
    EXPECT_EQ(Affinity::parse(text, affinity).message(),
              "affinity \"" + std::string(text) +
                  "\": expected none, compact, spread or different CPUs such "
                  "as 0-3,8");
}

TEST(AffinityTest, NoneBindsNothing) {
  EXPECT_EQ(place("none", twoNodes(), 5), Cpus{});
}

TEST(AffinityTest, CompactFillsANodeAndSiblingsLast) {
  EXPECT_EQ(place("compact", twoNodes(), 3), (Cpus{0, 1, 2}));
  EXPECT_EQ(place("compact", twoNodes(), 10),
            (Cpus{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  const Cpus many = place("compact", twoNodes(), 18);
  EXPECT_EQ((Cpus{many.end() - 3, many.end()}), (Cpus{15, 0, 1}));
}

TEST(AffinityTest, SpreadIsOnAllNodes) {
  EXPECT_EQ(place("spread", twoNodes(), 1), (Cpus{0}));
  EXPECT_EQ(place("spread", twoNodes(), 2), (Cpus{0, 4}));
  EXPECT_EQ(place("spread", twoNodes(), 3), (Cpus{0, 2, 5}));
  EXPECT_EQ(place("spread", twoNodes(), 4), (Cpus{0, 2, 4, 6}));
  EXPECT_EQ(place("spread", twoNodes(), 8), (Cpus{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(place("spread", twoNodes(), 9), place("compact", twoNodes(), 9));
}

TEST(AffinityTest, AListIsTakenInItsOrder) {
  EXPECT_EQ(place("9,0-1", twoNodes(), 2), (Cpus{9, 0}));
  EXPECT_EQ(place("9,0-1", twoNodes(), 5), (Cpus{9, 0, 1, 9, 0}));
  Cpus cpus;
  EXPECT_EQ(parse("3,16").place(twoNodes(), 1, cpus).message(),
            "affinity \"3,16\": CPU 16 is not one that this process may run "
            "on: choose among 0-15");
}

TEST(AffinityTest, DefaultNumberOfWorkers) {
  Topology topology = twoNodes();
  for (const char *text : {"none", "compact", "spread"})
    EXPECT_EQ(parse(text).defaultWorkers(topology), 8);
  EXPECT_EQ(parse("0,8,1").defaultWorkers(topology), 3);
  topology.quota = 2;
  EXPECT_EQ(parse("spread").defaultWorkers(topology), 2);
  EXPECT_EQ(parse("0,8,1").defaultWorkers(topology), 3);
}

/// The machine that $HWLOC_SYNTHETIC describes, through hwloc.
class SyntheticTest : public ::testing::Test {
protected:
  ~SyntheticTest() override { unsetenv("HWLOC_SYNTHETIC"); }
  Topology make(const char *description) {
    setenv("HWLOC_SYNTHETIC", description, 1);
    return Topology::detect();
  }
  void SetUp() override {
    if (cpusOfHwloc({0}).empty())
      GTEST_SKIP() << "built without hwloc";
  }
};

TEST_F(SyntheticTest, NodesCoresAndSiblings) {
  const Topology topology = make("pack:2 [numa] core:4 pu:2");
  ASSERT_EQ(topology.cpus.size(), 16u);
  for (const Cpu &cpu : topology.cpus) {
    EXPECT_EQ(cpu.core, cpu.number / 2);
    EXPECT_EQ(cpu.node, cpu.number / 8);
  }
  EXPECT_EQ(place("compact", topology, 5), (Cpus{0, 2, 4, 6, 8}));
  EXPECT_EQ(place("spread", topology, 2), (Cpus{0, 8}));
  EXPECT_EQ(place("spread", topology, 3), (Cpus{0, 4, 10}));
}

/// Numbers as Linux gives them: a round over packages, then siblings.
TEST_F(SyntheticTest, OrderIsTheMachinesNotTheNumbers) {
  const Topology topology =
      make("pack:2 [numa] core:2 pu:2(indexes=0,4,2,6,1,5,3,7)");
  EXPECT_EQ(place("compact", topology, 8), (Cpus{0, 2, 1, 3, 4, 6, 5, 7}));
  EXPECT_EQ(place("spread", topology, 2), (Cpus{0, 1}));
}

TEST_F(SyntheticTest, SeveralNodesInAPackage) {
  const Topology topology = make("pack:2 group:2 [numa] core:2 pu:1");
  EXPECT_EQ(place("spread", topology, 4), (Cpus{0, 2, 4, 6}));
  for (int32_t worker = 0; worker < 4; ++worker)
    EXPECT_EQ(topology.cpus[size_t(2 * worker)].node, worker);
  EXPECT_EQ(topology.physicalCores(), std::min(8, topology.quota));
}

} // namespace
