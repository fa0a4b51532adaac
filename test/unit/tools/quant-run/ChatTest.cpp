//===- ChatTest.cpp - Conversations ---------------------------------------===//

#include "tools/quant-run/chat.h"

#include "ToolsTest.h"

#include <iostream>
#include <sstream>

using namespace lowbit::tools;

namespace {
class ChatTest : public ToolsTest {
protected:
  void SetUp() override {
    ToolsTest::SetUp();
    fake::config.maxContext = 1000;
    qrt_sampling_default(&options.sampling);
    options.chat = true;
  }
  /// What comes out for this on stdin.
  std::string chat(const std::string &input) {
    std::istringstream stream(input);
    std::streambuf *before = std::cin.rdbuf(stream.rdbuf());
    std::cin.clear();
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Error error = runChat(loadFake(), options, 0);
    testing::internal::GetCapturedStderr();
    std::string output = testing::internal::GetCapturedStdout();
    std::cin.rdbuf(before);
    return error ? "error: " + error.message() : output;
  }
  RunOptions options;
};
} // namespace

TEST_F(ChatTest, answersEachMessage) {
  fake::config.script = {'o', 'k', fake::eos, 'y', 'o'};
  EXPECT_EQ(chat("one\n\ntwo\n"), "ok\nyo\n");
}

TEST_F(ChatTest, secondTurnReusesTheFirst) {
  fake::config.script = {'o', fake::eos, 'y'};
  chat("one\ntwo\n");
  // "<BOS>" + turn + "user:one\n" + turn + "assistant:" are 1 + 10 + 11 rows,
  // "o" one more; then "\n" + turn + "user:two\n" + turn + "assistant:", "y".
  EXPECT_EQ(fake::counters.rows, 22 + 1 + 1 + 10 + 11 + 1);
}

TEST_F(ChatTest, promptIsTheFirstMessage) {
  fake::config.script = {'o', fake::eos, 'y'};
  options.hasPrompt = options.singleTurn = true;
  options.prompt = "one";
  options.system = "be kind";
  EXPECT_EQ(chat("two\n"), "o\n");
}

TEST_F(ChatTest, needsATemplate) {
  fake::config.chatTemplate = false;
  EXPECT_NE(chat("one\n").find("no chat template"), std::string::npos);
}
