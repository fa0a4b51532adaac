//===- StaticModuleTest.cpp - Tests of modules inside of programs ---------===//

#include "FakeModule.h"
#include "quantrt/quantrt.h"

#include <dirent.h>
#include <functional>
#include <gtest/gtest.h>

using qrt::FakeModule;
using qrt::TemporaryFolder;

namespace {

class StaticModuleTest : public ::testing::Test {
protected:
  StaticModuleTest() {
    setenv("XDG_CACHE_HOME", (folder_ / "cache").c_str(), 1);
  }
  ~StaticModuleTest() override {
    qrt_unload(model_);
    for (const char *name : {"XDG_CACHE_HOME", "QRT_VERIFY", "QRT_HUGE_PAGES"})
      unsetenv(name);
  }

  qrt_status load(const qrt_load_options *options = nullptr) {
    qrt_unload(model_);
    return qrt_load_static(&made_.module, options, &model_);
  }
  void make(const std::function<void(FakeModule &)> &edit = nullptr) {
    FakeModule fake;
    if (edit)
      edit(fake);
    fake.makeStatic(made_);
  }
  void expectError(qrt_status status, const char *text) {
    EXPECT_EQ(load(), status);
    EXPECT_NE(std::string(qrt_last_error()).find(text), std::string::npos)
        << qrt_last_error();
    EXPECT_EQ(std::string(qrt_last_error()).find("fake_module: "), 0u);
    EXPECT_EQ(model_, nullptr);
  }
  char *byte(const void *base, uint64_t offset) {
    return static_cast<char *>(const_cast<void *>(base)) + offset;
  }
  size_t remembered() {
    size_t files = 0;
    if (DIR *folder = opendir((folder_ / "cache/lowbit/verified").c_str())) {
      while (const dirent *entry = readdir(folder))
        files += entry->d_name[0] != '.';
      closedir(folder);
    }
    return files;
  }

  TemporaryFolder folder_;
  FakeModule::Static made_;
  qrt_model *model_ = nullptr;
};

TEST_F(StaticModuleTest, RunsWithoutAFile) {
  make();
  const qrt_load_options options = {2, "first", "always", nullptr, nullptr};
  ASSERT_EQ(load(&options), QRT_OK) << qrt_last_error();
  qrt_model_info info;
  qrt_get_model_info(model_, &info);
  EXPECT_STREQ(info.name, "fake_module");
  EXPECT_EQ(info.file_bytes,
            made_.module.header_bytes + made_.module.weights_bytes);
  float x[4] = {1, 2, 3, 4}, y[4] = {};
  void *arguments[] = {x, y};
  ASSERT_EQ(qrt_call(model_, qrt_function_find(model_, "scale"), arguments),
            QRT_OK);
  EXPECT_EQ(y[3], 4000);
  qrt_session *session = nullptr;
  ASSERT_EQ(qrt_session_create(model_, nullptr, &session), QRT_OK);
  const int32_t id = 8;
  float logits[FakeModule::vocabulary];
  ASSERT_EQ(qrt_append(session, &id, 1, 1, logits), QRT_OK);
  for (int32_t v = 0; v < FakeModule::vocabulary; ++v)
    EXPECT_EQ(logits[v], FakeModule::weight(v) * 4);
  qrt_session_destroy(session);
}

TEST_F(StaticModuleTest, WeightsMayBeCopied) {
  make();
  setenv("QRT_HUGE_PAGES", "copy", 1);
  ASSERT_EQ(load(), QRT_OK) << qrt_last_error();
  std::memset(byte(made_.module.weights, 0), 0, made_.module.weights_bytes);
  float x[4] = {1, 2, 3, 4}, y[4] = {};
  void *arguments[] = {x, y};
  ASSERT_EQ(qrt_call(model_, 1, arguments), QRT_OK);
  EXPECT_EQ(y[1], 20);
}

/// What was verified is remembered under the file that holds the program.
TEST_F(StaticModuleTest, VerifiesOnce) {
  make();
  static qrt_static_module inProgram;
  inProgram = made_.module;
  ASSERT_EQ(qrt_load_static(&inProgram, nullptr, &model_), QRT_OK)
      << qrt_last_error();
  EXPECT_EQ(remembered(), 1u);
  *byte(made_.module.weights, 5) ^= 1;
  qrt_unload(model_);
  EXPECT_EQ(qrt_load_static(&inProgram, nullptr, &model_), QRT_OK);
  setenv("QRT_VERIFY", "always", 1);
  qrt_unload(model_);
  EXPECT_EQ(qrt_load_static(&inProgram, nullptr, &model_), QRT_CORRUPT);
}

/// A module that no file is known for is verified each time.
TEST_F(StaticModuleTest, DamagedWeightsAreRefused) {
  make();
  ASSERT_EQ(load(), QRT_OK);
  EXPECT_EQ(remembered(), 0u);
  *byte(made_.module.weights, made_.module.weights_bytes - 1) ^= 4;
  expectError(QRT_CORRUPT, "do not match their hash");
  setenv("QRT_VERIFY", "never", 1);
  EXPECT_EQ(load(), QRT_OK);
}

TEST_F(StaticModuleTest, EveryFlippedByteOfTheHeaderIsRefused) {
  make();
  for (uint64_t i = 0; i < made_.module.header_bytes; i += i < 4096 ? 1 : 97) {
    *byte(made_.module.header, i) ^= 8;
    const qrt_status status = load();
    EXPECT_TRUE(status == QRT_CORRUPT || status == QRT_UNSUPPORTED) << i;
    *byte(made_.module.header, i) ^= 8;
  }
  EXPECT_EQ(load(), QRT_OK) << qrt_last_error();
}

TEST_F(StaticModuleTest, RefusesAnotherDescription) {
  auto changed = [&](auto change) {
    make();
    change(made_.module);
  };
  changed([](qrt_static_module &m) { m.abi_version = 77; });
  expectError(QRT_UNSUPPORTED, "ABI version 77");
  changed([](qrt_static_module &m) { m.bytes -= 8; });
  expectError(QRT_UNSUPPORTED, "ABI version");
  changed([](qrt_static_module &m) { m.header_bytes = 8; });
  expectError(QRT_CORRUPT, "header has only 8 bytes");
  changed([](qrt_static_module &m) { m.header_bytes -= 64; });
  expectError(QRT_CORRUPT, "other sizes");
  changed([](qrt_static_module &m) { m.weights_bytes -= 64; });
  expectError(QRT_CORRUPT, "other sizes");
  changed([](qrt_static_module &m) { m.header = nullptr; });
  expectError(QRT_CORRUPT, "not aligned");
  changed([](qrt_static_module &m) {
    m.weights = static_cast<const char *>(m.weights) + 4;
  });
  expectError(QRT_CORRUPT, "not aligned");
  changed([](qrt_static_module &m) { m.code = nullptr; });
  expectError(QRT_CORRUPT, "code table is missing");
  make([](FakeModule &m) { m.levels.pop_back(); });
  expectError(QRT_CORRUPT, "disagrees with its header");
  EXPECT_EQ(qrt_load_static(nullptr, nullptr, &model_), QRT_INVALID_ARGUMENT);
}

} // namespace
