//===- PromptsTest.cpp - Logits after prompts -----------------------------===//

#include "tools/quant-eval/prompts.h"

#include "ToolsTest.h"

#include <cstring>

using namespace lowbit::tools;

namespace {
class PromptsTest : public ToolsTest {};
} // namespace

TEST_F(PromptsTest, readsLinesWithEscapes) {
  std::vector<std::vector<int32_t>> prompts;
  EXPECT_SUCCESS(
      readPrompts(loadFake(), write("p", "ab\\n\nc\n"), true, prompts));
  ASSERT_EQ(prompts.size(), 2u);
  EXPECT_EQ(prompts[0], (std::vector<int32_t>{fake::bos, 'a', 'b', '\n'}));
  EXPECT_EQ(prompts[1], (std::vector<int32_t>{fake::bos, 'c'}));
}

TEST_F(PromptsTest, saysWhichLineIsBad) {
  std::vector<std::vector<int32_t>> prompts;
  fake::config.addBos = 0;
  loadFake();
  EXPECT_ERROR(readPrompts(model.get(), write("p", "a\n\nb\n"), true, prompts),
               "line 2");
  EXPECT_ERROR(readPrompts(model.get(), write("p", ""), true, prompts),
               "is empty");
  EXPECT_ERROR(readPrompts(model.get(),
                           write("p", "a\n" + std::string(129, 'x')), true,
                           prompts),
               "line 2: the prompt has 129 tokens");
}

TEST_F(PromptsTest, readsIds) {
  std::vector<std::vector<int32_t>> prompts;
  EXPECT_SUCCESS(
      readPrompts(loadFake(), write("p", "[3, 1]\n[2]\n"), false, prompts));
  ASSERT_EQ(prompts.size(), 2u);
  EXPECT_EQ(prompts[0], (std::vector<int32_t>{3, 1})); // and no BOS
  EXPECT_EQ(prompts[1], (std::vector<int32_t>{2}));
  EXPECT_ERROR(
      readPrompts(model.get(), write("p", "[1]\n[]\n"), false, prompts),
      "line 2: an empty prompt");
  EXPECT_ERROR(readPrompts(model.get(), write("p", "1 2\n"), false, prompts),
               "line 1: expected a JSON array of ids");
  EXPECT_ERROR(readPrompts(model.get(), write("p", "[-1]\n"), false, prompts),
               "expected ids from 0 to");
}

TEST_F(PromptsTest, writesOneRowEach) {
  std::vector<std::vector<int32_t>> prompts{{fake::bos, 'a'}, {fake::bos}};
  EXPECT_SUCCESS(evaluatePrompts(loadFake(), prompts, path("o.f32"), nullptr));
  std::string bytes = read("o.f32");
  ASSERT_EQ(bytes.size(), 2 * fake::vocabulary * sizeof(float));
  for (size_t i = 0; i < prompts.size(); ++i)
    for (int32_t v = 0; v < fake::vocabulary; ++v) {
      float logit;
      std::memcpy(&logit, &bytes[(i * fake::vocabulary + size_t(v)) * 4], 4);
      EXPECT_EQ(logit, fake::logit(prompts[i], prompts[i].size() - 1, v));
    }
}

TEST_F(PromptsTest, fullDiskIsAnError) {
  EXPECT_ERROR(evaluatePrompts(loadFake(), {{'a'}}, "/dev/full", nullptr),
               "No space left");
}

TEST_F(PromptsTest, layersHoldEveryRow) {
  std::vector<std::vector<int32_t>> prompts{{fake::bos, 'a'}, {'b'}};
  LayerWriter layers;
  EXPECT_SUCCESS(layers.open(path("l.npz"), 3, fake::probes, fake::width));
  EXPECT_SUCCESS(evaluatePrompts(loadFake(), prompts, "", &layers));
  EXPECT_SUCCESS(layers.commit());
  std::string zip = read("l.npz");
  auto contentOf = [&](const std::string &name) {
    size_t at = zip.find(name);
    at = zip.find("\x93NUMPY", at);
    return zip.substr(zip.find('\n', at) + 1);
  };
  int32_t sequence[3];
  std::memcpy(sequence, contentOf("sequence.npy").data(), sizeof sequence);
  EXPECT_EQ(sequence[1], 0);
  EXPECT_EQ(sequence[2], 1);
  float rows[3][fake::width];
  std::memcpy(rows, contentOf("layer_001.npy").data(), sizeof rows);
  EXPECT_EQ(rows[1][2], 1000 + 10 + 2);
  EXPECT_EQ(rows[2][3], 1000 + 3);
}
