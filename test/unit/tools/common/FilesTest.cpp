//===- FilesTest.cpp - Whole files ----------------------------------------===//

#include "ToolsTest.h"

#include <csignal>
#include <sys/resource.h>
#include <sys/stat.h>

using namespace lowbit::tools;

namespace {
class FilesTest : public ToolsTest {};
} // namespace

TEST_F(FilesTest, appearsOnCommitOnly) {
  OutputFile file;
  EXPECT_SUCCESS(file.open(path("out")));
  EXPECT_SUCCESS(file.write("abcdef", 6));
  EXPECT_SUCCESS(file.writeAt("XY", 2, 1));
  EXPECT_NE(::access(path("out").c_str(), F_OK), 0);
  EXPECT_SUCCESS(file.commit());
  EXPECT_EQ(read("out"), "aXYdef");
  EXPECT_EQ(list(folder).size(), 1u);
}

TEST_F(FilesTest, replacesAndFollowsLinks) {
  write("real", "old");
  ASSERT_EQ(::symlink("real", path("link").c_str()), 0);
  OutputFile file;
  EXPECT_SUCCESS(file.open(path("link")));
  EXPECT_SUCCESS(file.write("new", 3));
  EXPECT_EQ(read("real"), "old");
  EXPECT_SUCCESS(file.commit());
  EXPECT_EQ(read("real"), "new");
  struct stat status;
  ASSERT_EQ(::lstat(path("link").c_str(), &status), 0);
  EXPECT_TRUE(S_ISLNK(status.st_mode));
}

TEST_F(FilesTest, leavesNothingWithoutCommit) {
  write("out", "old");
  {
    OutputFile file;
    EXPECT_SUCCESS(file.open(path("out")));
    EXPECT_SUCCESS(file.write("new", 3));
  }
  EXPECT_EQ(read("out"), "old");
  EXPECT_EQ(list(folder).size(), 1u);
}

TEST_F(FilesTest, tellsAFullDisk) {
  OutputFile device;
  EXPECT_SUCCESS(device.open("/dev/full"));
  EXPECT_ERROR(device.write("x", 1), "No space left");

  // A limit on file sizes stands for a disk.
  struct rlimit before, tiny;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  tiny = before;
  tiny.rlim_cur = 100;
  auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tiny), 0);
  {
    OutputFile file;
    std::string data(200, 'x');
    EXPECT_SUCCESS(file.open(path("out")));
    EXPECT_ERROR(file.write(data.data(), data.size()), path("out"));
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_TRUE(list(folder).empty());
}

TEST_F(FilesTest, saysWhatCannotBeRead) {
  std::string content;
  EXPECT_ERROR(readFile(path("none"), content), "No such file");
  EXPECT_ERROR(readFile(folder, content), "Is a directory");
  EXPECT_ERROR(OutputFile().open(path("none/out")), "cannot write");
  write("long", std::string(3000000, 'y'));
  EXPECT_SUCCESS(readFile(path("long"), content));
  EXPECT_EQ(content, std::string(3000000, 'y'));
  EXPECT_SUCCESS(readBeginning(path("long"), 5, content));
  EXPECT_EQ(content, "yyyyy");
}
