//===- ProcessTest.cpp - Child processes ----------------------------------===//

#include "tools/common/process.h"

#include "ToolsTest.h"

using namespace lowbit::tools;

namespace {
class ProcessTest : public ToolsTest {};
} // namespace

TEST_F(ProcessTest, capturesMoreThanAPipeHolds) {
  ProgramResult result;
  EXPECT_SUCCESS(captureProgram(
      "/bin/sh", {"-c", "head -c 300000 /dev/zero; echo end"}, result));
  ASSERT_EQ(result.output.size(), 300004u);
  EXPECT_EQ(result.output.substr(300000), "end\n");
  EXPECT_GT(result.peakBytes, 0u);
  EXPECT_SUCCESS(captureProgram("/bin/sh", {"-c", ":"}, result));
  EXPECT_EQ(result.output, "");
}

TEST_F(ProcessTest, tellsHowAChildFailed) {
  ProgramResult result;
  Error told = captureProgram("/bin/sh", {"-c", "exit 1"}, result);
  ASSERT_TRUE(told);
  EXPECT_EQ(told.message(), "");
  EXPECT_ERROR(captureProgram("/bin/sh", {"-c", "exit 7"}, result), "status 7");
  EXPECT_ERROR(captureProgram("/bin/sh", {"-c", "kill -9 $$"}, result),
               "signal 9");
  EXPECT_ERROR(captureProgram(path("none"), {}, result), "cannot start");
}
