//===- TokensTest.cpp - Text to ids and back ------------------------------===//

#include "tools/quant-run/tokens.h"

#include "ToolsTest.h"

using namespace lowbit::tools;
using namespace std::string_literals;

namespace {
class TokensTest : public ToolsTest {};
} // namespace

TEST_F(TokensTest, everyLineWithoutBosAndBack) {
  std::string text = "ab\r\n\n<|turn|>\0x\n\xFFy"s;
  testing::internal::CaptureStdout();
  EXPECT_SUCCESS(runTokenize(loadFake(), write("t", text)));
  std::string ids = testing::internal::GetCapturedStdout();
  EXPECT_EQ(ids, "[97,98,13]\n[]\n[258,0,120]\n[255,121]\n");
  testing::internal::CaptureStdout();
  EXPECT_SUCCESS(runDetokenize(model.get(), write("i", ids)));
  EXPECT_EQ(testing::internal::GetCapturedStdout(), text + "\n");
}

TEST_F(TokensTest, saysWhichLineIsBad) {
  loadFake();
  for (const char *bad : {"x", "[1", "{}", "", "[1.5]", "[-1]", "[259]",
                          "[\"a\"]", "[99999999999999999999]"})
    EXPECT_ERROR(runDetokenize(model.get(),
                               write("i", "[1]\n" + std::string(bad) + "\n")),
                 "line 2");
}
