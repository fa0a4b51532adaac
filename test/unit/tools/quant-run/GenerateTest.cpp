//===- GenerateTest.cpp - Prompt in, text out -----------------------------===//

#include "tools/quant-run/generate.h"

#include "ToolsTest.h"
#include "tools/quant-run/run_options.h"

using namespace lowbit::tools;

namespace {
class GenerateTest : public ToolsTest {
protected:
  void create(std::vector<int32_t> script, int32_t context = 0,
              bool ignoreEnd = false) {
    fake::config.script = std::move(script);
    qrt_sampling sampling;
    qrt_sampling_default(&sampling);
    EXPECT_SUCCESS(
        generator.create(loadFake(), context, sampling, {}, ignoreEnd));
  }
  Generation generate(const std::vector<int32_t> &prompt, int32_t maxTokens) {
    Generation result;
    pieces.clear();
    EXPECT_SUCCESS(generator.generate(
        prompt, maxTokens,
        [&](const std::string &text) {
          pieces.push_back(text);
          return Error::success();
        },
        result));
    return result;
  }
  void TearDown() override {
    generator = Generator();
    ToolsTest::TearDown();
  }
  Generator generator;
  std::vector<std::string> pieces;
};
} // namespace

TEST_F(GenerateTest, stopsAtEosWhichIsNotInIds) {
  create({'a', 'b'});
  Generation result = generate({fake::bos, 'x'}, -1);
  EXPECT_EQ(result.ids, (std::vector<int32_t>{'a', 'b'}));
  EXPECT_EQ(result.text, "ab");
  EXPECT_STREQ(result.stopReason, "eos");
  EXPECT_EQ(generator.timings.promptTokens, 2);
  EXPECT_EQ(generator.timings.predictedTokens, 2);
  EXPECT_EQ(generator.timings.runs, 2);
}

TEST_F(GenerateTest, stopsAtTheLengthWithoutASpareRun) {
  create({'a', 'b', 'c'});
  Generation result = generate({fake::bos}, 2);
  EXPECT_EQ(result.text, "ab");
  EXPECT_STREQ(result.stopReason, "length");
  EXPECT_EQ(fake::counters.rows, 2);
  EXPECT_STREQ(generate({fake::bos}, 0).stopReason, "length");
}

TEST_F(GenerateTest, stopsWhenTheContextIsFull) {
  create(std::vector<int32_t>(50, 'a'), 8);
  Generation result = generate({fake::bos, 'x', 'y'}, -1);
  // 5 more positions, and the token that the last one foresees.
  EXPECT_EQ(result.ids.size(), 6u);
  EXPECT_STREQ(result.stopReason, "context");
}

TEST_F(GenerateTest, refusesALongOrEmptyPrompt) {
  create({'a'}, 8);
  Generation result;
  auto onText = [](const std::string &) { return Error::success(); };
  EXPECT_ERROR(
      generator.generate(std::vector<int32_t>(9, 'x'), 1, onText, result),
      "has 9 tokens, but the context holds 8");
  EXPECT_ERROR(generator.generate({}, 1, onText, result), "empty");
}

TEST_F(GenerateTest, keepsWhatTheSessionHolds) {
  create({'a', fake::eos, 'b'});
  generate({fake::bos, 'x'}, -1);
  int64_t before = fake::counters.rows;
  generate({fake::bos, 'x', 'a', 'z'}, -1);
  EXPECT_EQ(fake::counters.rows - before, 1 + 1); // 'z', then 'b'
  before = fake::counters.rows;
  generate({fake::bos, 'x'}, 0);
  EXPECT_EQ(fake::counters.rows - before, 1); // for its logits
}

TEST_F(GenerateTest, penaltyCoversThePrompt) {
  create({'a', fake::eos, 'b'});
  generate({fake::bos, 'x'}, -1);
  EXPECT_EQ(fake::counters.accepted, (std::vector<int32_t>{fake::bos, 'x'}));
  fake::counters.accepted.clear();
  generate({fake::bos, 'x', 'a', 'z'}, -1);
  EXPECT_EQ(fake::counters.accepted,
            (std::vector<int32_t>{fake::bos, 'x', 'a', 'z'}));
}

TEST_F(GenerateTest, streamsWholeCharacters) {
  create({0xE2, 0x82, 0xAC, 'x', 0xF0, 0x9F});
  Generation result = generate({fake::bos, 0xE2}, -1);
  EXPECT_EQ(pieces, (std::vector<std::string>{"\u20ac", "x", "\uFFFD"}));
  EXPECT_EQ(result.text, "\u20acx\uFFFD");
}

TEST_F(GenerateTest, streamsLongTexts) {
  std::string text;
  for (int i = 0; i < 20; ++i)
    text += "ab\u00e9\u20ac";
  std::vector<int32_t> script;
  for (char c : text)
    script.push_back(static_cast<uint8_t>(c));
  fake::config.maxContext = 1000;
  create(script);
  EXPECT_EQ(generate({fake::bos, 'x'}, -1).text, text);
}

TEST_F(GenerateTest, ignoreEosForbidsEveryEnd) {
  create({}, 0, true);
  Generation result = generate({fake::bos, 'x'}, 100);
  EXPECT_EQ(result.ids.size(), 100u);
  EXPECT_STREQ(result.stopReason, "length");
}

TEST_F(GenerateTest, jsonObjectHasTheStatedKeys) {
  fake::config.script = {'h', 'i'};
  RunOptions options;
  qrt_sampling_default(&options.sampling);
  options.prompt = "x";
  options.json = true;
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  EXPECT_SUCCESS(runPrompt(loadFake(), options, 1.5));
  std::string log = testing::internal::GetCapturedStderr();
  Json object = Json::parse(testing::internal::GetCapturedStdout());
  EXPECT_EQ(object["prompt_ids"], Json({fake::bos, 'x'}));
  EXPECT_EQ(object["ids"], Json({'h', 'i'}));
  EXPECT_EQ(object["text"], "hi");
  EXPECT_EQ(object["stop_reason"], "eos");
  EXPECT_EQ(object["timings"]["prompt_n"], 2);
  EXPECT_EQ(object["timings"]["predicted_n"], 2);
  for (const char *key : {"prompt_ms", "predicted_ms", "load_ms"})
    EXPECT_TRUE(object["timings"][key].is_number_float()) << key;
  for (const char *part : {"load time = ", "prompt eval time = ",
                           "       eval time = ", " ms per token, "})
    EXPECT_NE(log.find(part), std::string::npos) << part;
}
