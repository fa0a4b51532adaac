//===- TopologyTest.cpp - Tests of thread/topology.h ----------------------===//

#include "thread/topology.h"
#include "../module/FakeModule.h"
#include "thread/cpu_mask.h"

#include <algorithm>
#include <filesystem>
#include <gtest/gtest.h>

using namespace qrt;

namespace {

std::vector<int32_t> allowed() {
  CpuMask mask;
  EXPECT_TRUE(mask.read());
  return mask.cpus();
}

/// number:core@node of each CPU.
std::string describe(const std::vector<Cpu> &cpus) {
  std::string text;
  for (const Cpu &cpu : cpus)
    text += (text.empty() ? "" : " ") + std::to_string(cpu.number) + ":" +
            std::to_string(cpu.core) + "@" + std::to_string(cpu.node);
  return text;
}

/// A folder in the place of /sys or of the root.
class Tree {
public:
  void write(const std::string &name, const std::string &line) {
    const std::filesystem::path path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    writeAll(path, line + "\n");
  }
  std::string path() const { return folder_ / ""; }

private:
  TemporaryFolder folder_;
};

TEST(TopologyTest, ThisMachine) {
  const Topology topology = Topology::detect();
  EXPECT_EQ(topology.cpus.size(), allowed().size());
  EXPECT_GE(topology.physicalCores(), 1);
  EXPECT_LE(topology.physicalCores(), availableCpus());
}

/// Both ways to ask agree about cores and nodes; they number cores differently.
TEST(TopologyTest, HwlocAgreesWithTheSystem) {
  const std::vector<Cpu> system =
      cpusOfSystem(allowed(), "/sys/devices/system");
  const std::vector<Cpu> hwloc = cpusOfHwloc(allowed());
  if (hwloc.empty())
    GTEST_SKIP() << "built without hwloc";
  ASSERT_EQ(hwloc.size(), system.size());
  for (const Cpu &a : hwloc)
    for (const Cpu &b : hwloc) {
      auto same = [&](const Cpu &cpu) {
        return *std::find_if(
            system.begin(), system.end(),
            [&](const Cpu &other) { return other.number == cpu.number; });
      };
      EXPECT_EQ(same(a).node, a.node);
      EXPECT_EQ(same(a).core == same(b).core, a.core == b.core);
    }
}

TEST(TopologyTest, FollowsTheProcessesCpus) {
  const std::vector<int32_t> before = allowed();
  {
    const BoundThread bound(before.back());
    const Topology topology = Topology::detect();
    ASSERT_EQ(topology.cpus.size(), 1u);
    EXPECT_EQ(topology.cpus[0].number, before.back());
    EXPECT_EQ(availableCpus(), 1);
  }
  EXPECT_EQ(allowed(), before);
}

/// Two packages with a node each, two cores each, siblings far apart in number.
TEST(TopologyTest, ReadsTheSystemsFiles) {
  Tree tree;
  for (int cpu = 0; cpu < 8; ++cpu) {
    const std::string folder =
        "cpu/cpu" + std::to_string(cpu) + "/topology/";
    tree.write(folder + "physical_package_id", std::to_string(cpu / 2 % 2));
    tree.write(folder + "thread_siblings_list",
               std::to_string(cpu % 4) + "," + std::to_string(cpu % 4 + 4));
  }
  tree.write("node/online", "0-2");
  tree.write("node/node0/cpulist", "2-3,6-7"); // the second package's
  tree.write("node/node1/cpulist", "0-1,4-5");
  tree.write("node/node2/cpulist", ""); // memory alone
  EXPECT_EQ(describe(cpusOfSystem({0, 1, 2, 3, 4, 5, 6, 7}, tree.path())),
            "2:2@0 6:2@0 3:3@0 7:3@0 0:0@1 4:0@1 1:1@1 5:1@1");
  EXPECT_EQ(describe(cpusOfSystem({1, 5, 6}, tree.path())),
            "6:2@0 1:1@1 5:1@1");
  EXPECT_EQ(describe(cpusOfSystem({3, 4}, tree.path() + "none")),
            "3:3@0 4:4@0");
}

TEST(TopologyTest, CountsCoresWithinTheQuota) {
  Topology topology;
  topology.cpus = {{0, 0, 0}, {4, 0, 0}, {1, 1, 0}, {5, 1, 0}};
  EXPECT_EQ(topology.physicalCores(), 2);
  topology.quota = 1;
  EXPECT_EQ(topology.physicalCores(), 1);
  topology.quota = 3;
  EXPECT_EQ(topology.physicalCores(), 2);
}

TEST(TopologyTest, TheLeastQuotaOfAllGroupsCounts) {
  Tree tree;
  EXPECT_EQ(cpuQuota(tree.path()), INT32_MAX);
  tree.write("proc/self/cgroup", "1:name=systemd:/x\n0::/a/b");
  EXPECT_EQ(cpuQuota(tree.path()), INT32_MAX);
  tree.write("sys/fs/cgroup/a/b/cpu.max", "max 100000");
  EXPECT_EQ(cpuQuota(tree.path()), INT32_MAX);
  tree.write("sys/fs/cgroup/a/cpu.max", "250000 100000");
  EXPECT_EQ(cpuQuota(tree.path()), 3);
  tree.write("sys/fs/cgroup/cpu.max", "400000 100000");
  EXPECT_EQ(cpuQuota(tree.path()), 3);
  tree.write("sys/fs/cgroup/a/b/cpu.max", "50000 100000");
  EXPECT_EQ(cpuQuota(tree.path()), 1);
  tree.write("sys/fs/cgroup/a/b/cpu.max", "200000 100000");
  EXPECT_EQ(cpuQuota(tree.path()), 2);
}

/// What a container sees whose own group is the root of the tree.
TEST(TopologyTest, TheRootHasAQuotaToo) {
  for (const char *group : {"0::/", "0::/docker/abc"}) {
    Tree tree;
    tree.write("proc/self/cgroup", group);
    tree.write("sys/fs/cgroup/cpu.max", "100000 100000");
    EXPECT_EQ(cpuQuota(tree.path()), 1);
    tree.write("sys/fs/cgroup/cpu.max", "nonsense");
    EXPECT_EQ(cpuQuota(tree.path()), INT32_MAX);
    tree.write("sys/fs/cgroup/cpu.max", "100 0");
    EXPECT_EQ(cpuQuota(tree.path()), INT32_MAX);
  }
}

} // namespace
