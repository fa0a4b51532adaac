//===- OptionsTest.cpp - Command lines ------------------------------------===//

#include "tools/common/options.h"

#include "ToolsTest.h"

using namespace lowbit::tools;

namespace {
class OptionsTest : public testing::Test {
protected:
  OptionsTest() : parser("tool", "tool FILE", "About.") {
    parser.integer("-n, --count", "N", "A count.", &count, 0);
    parser.real("--temp", "X", "A number.", &temp, 0, 2);
    parser.flag("-cnv, --conversation", "A flag.", &flag);
    parser.text("-p, --prompt", "TEXT", "A text.", &prompt);
    parser.choice("--kv", {"f16", "f32"}, "A choice.", &kv);
    parser.positional([this](const std::string &text) {
      words.push_back(text);
      return Error::success();
    });
  }
  Error parse(std::vector<const char *> arguments) {
    arguments.insert(arguments.begin(), "tool");
    return parser.parse(static_cast<int>(arguments.size()), arguments.data(),
                        helpShown);
  }

  OptionParser parser;
  int32_t count = -7;
  float temp = -7;
  bool flag = false, helpShown = false;
  std::string prompt, kv;
  std::vector<std::string> words;
};
} // namespace

TEST_F(OptionsTest, readsEverySpelling) {
  EXPECT_SUCCESS(parse({"a", "-n", "3", "--temp=0.5", "-cnv", "--kv", "f32",
                        "-p", "-minus", "b", "-"}));
  EXPECT_EQ(count, 3);
  EXPECT_EQ(temp, 0.5f);
  EXPECT_TRUE(flag);
  EXPECT_EQ(kv, "f32");
  EXPECT_EQ(prompt, "-minus");
  EXPECT_EQ(words, (std::vector<std::string>{"a", "b", "-"}));
}

TEST_F(OptionsTest, lastOneWinsAndEmptyValueIsAValue) {
  EXPECT_SUCCESS(parse({"-n", "3", "--count=4", "--prompt="}));
  EXPECT_EQ(count, 4);
  EXPECT_EQ(prompt, "");
}

TEST_F(OptionsTest, refusesBadNumbers) {
  for (const char *bad : {"", "x", "3x", "1e3", "0x10", " 3", "3.0",
                          "99999999999", "-1", "+-1", "9223372036854775808"})
    EXPECT_ERROR(parse({"-n", bad}), "option '-n'");
  for (const char *bad : {"", "x", "1,5", "nan", "inf", "2.1", "-0.1", "1e999"})
    EXPECT_ERROR(parse({"--temp", bad}), "option '--temp'");
  EXPECT_EQ(count, -7);
  EXPECT_EQ(temp, -7);
}

TEST_F(OptionsTest, namesWhatIsUnknown) {
  EXPECT_ERROR(parse({"--tmep", "1"}), "did you mean '--temp'?");
  EXPECT_ERROR(parse({"--zzzzzzz"}), "'tool --help'");
  EXPECT_ERROR(parse({"-x"}), "unknown option '-x'");
  EXPECT_ERROR(parse({"-n"}), "needs a value: -n N");
  EXPECT_ERROR(parse({"--conversation=1"}), "takes no value");
  EXPECT_ERROR(parse({"--kv", "f64"}), "expected f16|f32, but got 'f64'");
}

TEST_F(OptionsTest, helpFitsThePageAndListsAll) {
  std::string page = parser.help();
  for (const char *part : {"usage: tool FILE", "-n, --count N", "A choice."})
    EXPECT_NE(page.find(part), std::string::npos) << part;
  testing::internal::CaptureStdout();
  EXPECT_SUCCESS(parse({"-h", "--nonsense"}));
  EXPECT_EQ(testing::internal::GetCapturedStdout(), page);
  EXPECT_TRUE(helpShown);
}

TEST(ExitStatus, printsOneLine) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(exitStatus("tool", Error("one\ntwo\n")), 1);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "tool: error: one two\n");
  EXPECT_EQ(exitStatus("tool", Error::success()), 0);
}
