//===- ToolsTest.h - What tests of the tools share --------------*- C++ -*-===//

#ifndef TEST_UNIT_TOOLS_TOOLSTEST_H
#define TEST_UNIT_TOOLS_TOOLSTEST_H

#include "FakeRuntime.h"
#include "tools/common/files.h"
#include "tools/common/runtime.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <string>
#include <unistd.h>
#include <vector>

#define EXPECT_SUCCESS(expression)                                             \
  do {                                                                         \
    ::lowbit::tools::Error tried = (expression);                               \
    EXPECT_FALSE(tried) << tried.message();                                    \
  } while (false)

#define EXPECT_ERROR(expression, part)                                         \
  do {                                                                         \
    ::lowbit::tools::Error tried = (expression);                               \
    ASSERT_TRUE(tried) << "expected an error";                                 \
    EXPECT_NE(tried.message().find(part), std::string::npos)                   \
        << tried.message();                                                    \
  } while (false)

/// A folder of its own for each test, and a fresh fake model.
class ToolsTest : public testing::Test {
protected:
  void SetUp() override {
    folder = testing::TempDir() + "lowbit-tools-XXXXXX";
    ASSERT_NE(::mkdtemp(&folder[0]), nullptr);
    fake::config = fake::Config();
    fake::counters = fake::Counters();
  }
  void TearDown() override {
    model.reset();
    std::string command = "rm -rf '" + folder + "'";
    EXPECT_EQ(std::system(command.c_str()), 0);
  }

  std::string path(const std::string &name) const {
    return folder + "/" + name;
  }

  std::string write(const std::string &name, const std::string &content) const {
    int fd = ::open(path(name).c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0777);
    EXPECT_TRUE(lowbit::tools::writeAll(fd, content.data(), content.size()));
    ::close(fd);
    return path(name);
  }

  std::string read(const std::string &name) const {
    std::string content;
    EXPECT_SUCCESS(lowbit::tools::readFile(path(name), content));
    return content;
  }

  /// Names in a folder, without "." and "..".
  static std::vector<std::string> list(const std::string &where) {
    std::vector<std::string> names;
    if (DIR *directory = ::opendir(where.c_str())) {
      while (const dirent *entry = ::readdir(directory))
        if (std::string(entry->d_name) != "." &&
            std::string(entry->d_name) != "..")
          names.push_back(entry->d_name);
      ::closedir(directory);
    }
    return names;
  }

  qrt_model *loadFake() {
    qrt_model *loaded = nullptr;
    EXPECT_EQ(qrt_load("/dev/null", nullptr, &loaded), QRT_OK);
    model.reset(loaded);
    return loaded;
  }

  std::string folder;
  lowbit::tools::ModelHandle model;
};

#endif // TEST_UNIT_TOOLS_TOOLSTEST_H
