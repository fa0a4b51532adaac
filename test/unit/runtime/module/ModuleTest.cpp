//===- ModuleTest.cpp - Tests of module/module.h --------------------------===//

#include "module/module.h"
#include "FakeModule.h"

#include "../base/MappedPages.h"

#include <atomic>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <thread>

using namespace qrt;

namespace {

/// Runs one function of a module with one worker.
float scaleByFactor(const Module &module) {
  float x[4] = {1, 1, 1, 1}, y[4] = {}, scratch[16];
  void *arguments[] = {x, y};
  const qrt_host host = {QRT_ABI_VERSION, sizeof(qrt_host),
                         [](void *, int32_t) {},
                         [](void *, int32_t, int32_t) {}};
  qrt_frame frame = {};
  frame.weights = module.weights();
  frame.scratch = reinterpret_cast<uint8_t *>(scratch);
  frame.arguments = arguments;
  frame.host = &host;
  module.entry(1)(&frame, 0, 1);
  return y[1];
}

class ModuleTest : public ::testing::Test {
protected:
  ModuleTest() { setenv("XDG_CACHE_HOME", (folder_ / "cache").c_str(), 1); }
  ~ModuleTest() override { unsetenv("XDG_CACHE_HOME"); }

  std::string write(const std::string &name, std::string_view bytes) {
    const std::string path = folder_ / name;
    writeAll(path, bytes);
    return path;
  }

  /// Verifies as a load does; true if the weights were hashed.
  bool hashes(const std::string &path, Verify when, Status &status) {
    Module module;
    status = module.open(path, "");
    EXPECT_TRUE(status.ok()) << status.message();
    bool hashed = false;
    status = module.verify(when, [&](const std::function<void()> &job) {
      hashed = true;
      job();
    });
    return hashed;
  }

  TemporaryFolder folder_;
};

TEST_F(ModuleTest, CallsCodeWithWeights) {
  Module module;
  const Status status = module.open(write("m.so", FakeModule().bytes()), "");
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_STREQ(module.levelName(), "second");
  EXPECT_EQ(scaleByFactor(module), 10);
}

TEST_F(ModuleTest, OpensRelativePaths) {
  write("m.so", FakeModule().bytes());
  const int before = open(".", O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(chdir((folder_ / "").c_str()), 0);
  {
    Module module;
    EXPECT_TRUE(module.open("m.so", "first").ok());
  }
  ASSERT_EQ(fchdir(before), 0);
  close(before);
}

TEST_F(ModuleTest, RefusesWhatIsNoFile) {
  Module missing, directory, empty;
  Status status = missing.open(folder_ / "none.so", "");
  EXPECT_EQ(status.code(), QRT_IO);
  EXPECT_EQ(status.message(), "cannot open " + (folder_ / "none.so") +
                                  ": No such file or directory");
  EXPECT_EQ(directory.open(folder_ / "", "").code(), QRT_INVALID_ARGUMENT);
  EXPECT_EQ(empty.open(write("e.so", ""), "").code(), QRT_CORRUPT);
}

TEST_F(ModuleTest, RefusesCodeOfAnotherAbi) {
  Module module;
  const Status status =
      module.open(write("m.so", FakeModule(FAKE_CODE_ABI).bytes()), "");
  EXPECT_EQ(status.code(), QRT_UNSUPPORTED);
  EXPECT_NE(status.message().find("ABI version 77"), std::string::npos);
}

TEST_F(ModuleTest, RefusesACodeTableThatDisagrees) {
  FakeModule fewer, more;
  fewer.levels.pop_back();
  more.functions.push_back(more.functions.back());
  Module first, second;
  EXPECT_EQ(first.open(write("f.so", fewer.bytes()), "").code(), QRT_CORRUPT);
  EXPECT_EQ(second.open(write("s.so", more.bytes()), "").code(), QRT_CORRUPT);
}

/// The loader remembers paths: a new file at an old path must not run the old
/// file's code.
TEST_F(ModuleTest, LoadsTheFileThatIsThereNow) {
  const std::string path = write("m.so", FakeModule().bytes());
  Module old;
  ASSERT_TRUE(old.open(path, "").ok());
  FakeModule other(FAKE_CODE_ABI);
  const std::string next = write("next.so", other.bytes());
  ASSERT_EQ(rename(next.c_str(), path.c_str()), 0);
  Module fresh;
  const Status status = fresh.open(path, "");
  EXPECT_NE(status.message().find("ABI version 77"), std::string::npos)
      << status.message();
  EXPECT_EQ(scaleByFactor(old), 10);
}

TEST_F(ModuleTest, CopiesWeights) {
  const OnEachThread alone = [](const std::function<void()> &job) { job(); };
  FakeModule fake;
  fake.weights.resize((9u << 20) + 5, 'w');
  std::string file = fake.bytes();
  for (bool damage : {false, true}) {
    if (damage)
      file.back() ^= 1;
    Module module;
    ASSERT_TRUE(module.open(write("m.so", file), "").ok());
    const char *mapped = module.view().weights.data();
    ASSERT_TRUE(module.copyWeights(alone).ok());
    EXPECT_NE(module.view().weights.data(), mapped);
    EXPECT_EQ(module.view().weights == fake.weights, !damage);
    EXPECT_EQ(scaleByFactor(module), 10);
    EXPECT_EQ(module.verify(Verify::Always, alone).code(),
              damage ? QRT_CORRUPT : QRT_OK);
  }
}

TEST_F(ModuleTest, AsksForHugePages) {
  if (!systemHasHugePages())
    GTEST_SKIP() << "this kernel has no huge pages";
  FakeModule fake;
  fake.weights.resize((9u << 20) + 5, 'w');
  const std::string path = write("m.so", fake.bytes());
  Module usual, advised;
  ASSERT_TRUE(usual.open(path, "").ok());
  ASSERT_TRUE(advised.open(path, "").ok());
  advised.adviseHugePages();
  for (uint64_t at : {uint64_t(0), uint64_t(9u << 20)}) {
    EXPECT_FALSE(advisedHuge(usual.view().weights.data() + at));
    EXPECT_TRUE(advisedHuge(advised.view().weights.data() + at));
  }
  EXPECT_TRUE(advised.view().weights == fake.weights);
}

TEST_F(ModuleTest, OneFileMayBeOpenTwice) {
  const std::string path = write("m.so", FakeModule().bytes());
  Module first, second;
  ASSERT_TRUE(first.open(path, "").ok());
  ASSERT_TRUE(second.open(path, "").ok());
  EXPECT_EQ(scaleByFactor(first), scaleByFactor(second));
}

TEST_F(ModuleTest, RemembersVerifiedFiles) {
  const std::string path = write("m.so", FakeModule().bytes());
  Status status;
  EXPECT_FALSE(hashes(path, Verify::Never, status));
  // Within a tick of its last change a file is not remembered.
  std::this_thread::sleep_for(std::chrono::milliseconds(40));
  EXPECT_TRUE(hashes(path, Verify::Once, status));
  EXPECT_TRUE(status.ok());
  EXPECT_FALSE(hashes(path, Verify::Once, status));
  EXPECT_TRUE(hashes(path, Verify::Always, status));
}

TEST_F(ModuleTest, VerifiesAgainWhenTheFileChanged) {
  const std::string path = write("m.so", FakeModule().bytes());
  std::this_thread::sleep_for(std::chrono::milliseconds(40));
  Status status;
  EXPECT_TRUE(hashes(path, Verify::Once, status));
  EXPECT_FALSE(hashes(path, Verify::Once, status));
  struct stat before;
  ASSERT_EQ(stat(path.c_str(), &before), 0);
  const int file = open(path.c_str(), O_WRONLY);
  ASSERT_EQ(pwrite(file, "x", 1, before.st_size - 1), 1);
  // Even with its old modification time: the change time cannot be set.
  const timespec times[] = {before.st_atim, before.st_mtim};
  ASSERT_EQ(futimens(file, times), 0);
  close(file);
  EXPECT_TRUE(hashes(path, Verify::Once, status));
  EXPECT_EQ(status.code(), QRT_CORRUPT);
  EXPECT_NE(status.message().find("the weights in bytes"), std::string::npos);
  EXPECT_TRUE(hashes(path, Verify::Once, status)) << "not remembered";
}

TEST_F(ModuleTest, WorksWithoutACacheFolder) {
  const std::string path = write("m.so", FakeModule().bytes());
  setenv("XDG_CACHE_HOME", "/proc/none", 1);
  Status status;
  EXPECT_TRUE(hashes(path, Verify::Once, status));
  EXPECT_TRUE(status.ok());
}

TEST_F(ModuleTest, VerifiesChunksInParallel) {
  FakeModule fake;
  fake.weights.resize(3 * size_t(QRT_HASH_CHUNK) + 100, 'w');
  std::string file = fake.bytes();
  auto verify = [&] {
    ModuleView view;
    EXPECT_TRUE(ModuleView::parse(file, "m.so", view).ok());
    EXPECT_EQ(view.hashes.size, 4u);
    return verifyWeights(view, "m.so", [](const std::function<void()> &job) {
      std::thread other(job);
      job();
      other.join();
    });
  };
  EXPECT_TRUE(verify().ok());
  const size_t base = file.size() - fake.weights.size();
  file[file.size() - 1] ^= 1;
  file[base + QRT_HASH_CHUNK] ^= 1;
  EXPECT_EQ(verify().message(),
            "m.so: damaged: the weights in bytes " +
                std::to_string(base + QRT_HASH_CHUNK) + " to " +
                std::to_string(base + 2 * QRT_HASH_CHUNK) +
                " do not match their hash: copy the file or compile it again");
}

} // namespace
