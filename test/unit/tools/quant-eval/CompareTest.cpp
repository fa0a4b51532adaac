//===- CompareTest.cpp - Two models on one text ---------------------------===//

#include "tools/quant-eval/compare.h"

#include "ToolsTest.h"
#include "tools/quant-eval/compare_report.h"
#include "tools/quant-eval/perplexity.h"

#include <cmath>

using namespace lowbit::tools;

namespace {
class CompareTest : public ToolsTest {
protected:
  static constexpr float noise = 0.5f;

  void SetUp() override {
    ToolsTest::SetUp();
    qrt_model *loaded = nullptr;
    EXPECT_EQ(qrt_load("/dev/null", nullptr, &loaded), QRT_OK);
    reference.reset(loaded);
    fake::config.noise = noise;
    loadFake();
    std::vector<int32_t> tokens{fake::bos};
    for (int32_t i = 1; i < 100; ++i)
      tokens.push_back('a' + i * i % 26);
    EXPECT_SUCCESS(makeChunks(model.get(), tokens, {32, -1}, chunks));
  }
  void TearDown() override {
    reference.reset();
    ToolsTest::TearDown();
  }
  static void quiet(int32_t, int32_t, const Divergence &) {}

  /// The token behind a row, computed from all logits at once.
  TokenDivergence expected(size_t chunk, size_t row) const {
    std::vector<float> base, logits;
    for (int32_t v = 0; v < fake::vocabulary; ++v) {
      base.push_back(fake::logit(chunks[chunk], row, v));
      logits.push_back(fake::logit(chunks[chunk], row, v, noise));
    }
    return compareLogits(base.data(), logits.data(), base.size(),
                         chunks[chunk][row + 1]);
  }

  ModelHandle reference;
  std::vector<std::vector<int32_t>> chunks;
};
} // namespace

TEST_F(CompareTest, blocksGiveWhatWholeChunksGive) {
  Comparison result;
  EXPECT_SUCCESS(
      compareModels(model.get(), reference.get(), chunks, quiet, result));
  Divergence whole;
  for (size_t chunk = 0; chunk < chunks.size(); ++chunk)
    for (size_t row = 16; row < 31; ++row)
      whole.add(expected(chunk, row));
  EXPECT_EQ(result.divergence.count(), 3 * 15);
  EXPECT_EQ(result.bytes, 3u * 15);
  EXPECT_EQ(result.divergence.sortedKld(), whole.sortedKld());
  EXPECT_EQ(result.divergence.lnRatio().value, whole.lnRatio().value);
  EXPECT_GT(result.divergence.kld().value, 0.01);
  // 15 rows in blocks of at most max_rows = 16, in two models.
  EXPECT_EQ(fake::counters.visited, 2 * 3 * 15);
  EXPECT_EQ(fake::counters.sessions, 6);
}

TEST_F(CompareTest, perplexityIsTheSameAsAlone) {
  Comparison result;
  EXPECT_SUCCESS(
      compareModels(model.get(), reference.get(), chunks, quiet, result));
  Likelihood alone;
  EXPECT_SUCCESS(measurePerplexity(
      model.get(), chunks, nullptr, [](int32_t, int32_t, const Likelihood &) {},
      alone));
  EXPECT_EQ(result.divergence.nll().value(), alone.nll());
  EXPECT_EQ(result.divergence.ppl().error, alone.pplError());
  EXPECT_EQ(result.bytes, alone.bytes());
}

TEST_F(CompareTest, worstTokensAndTheirText) {
  Comparison result;
  result.worst = WorstTokens(4);
  EXPECT_SUCCESS(
      compareModels(model.get(), reference.get(), chunks, quiet, result));
  ASSERT_EQ(result.worst.tokens().size(), 4u);
  std::vector<double> sorted = result.divergence.sortedKld();
  for (size_t i = 0; i < 4; ++i) {
    const WorstToken &token = result.worst.tokens()[i];
    EXPECT_EQ(token.divergence.kld, sorted[sorted.size() - 1 - i]);
    const std::vector<int32_t> &chunk = chunks[size_t(token.chunk)];
    size_t at = size_t(token.position) + 1;
    EXPECT_EQ(token.token, chunk[at]);
    EXPECT_EQ(token.text, std::string(1, char(chunk[at])));
    EXPECT_EQ(token.before.back(), char(chunk[at - 1]));
    EXPECT_EQ(token.after.size(), std::min<size_t>(8, 31 - at));
  }
}

TEST_F(CompareTest, layersAreCompared) {
  Comparison result;
  result.layers.resize(fake::probes);
  EXPECT_SUCCESS(
      compareModels(model.get(), reference.get(), chunks, quiet, result));
  for (const Similarity &layer : result.layers) {
    EXPECT_EQ(layer.count(), 3 * 15 * fake::width);
    EXPECT_NEAR(layer.maxError(), noise, 1e-4);
  }
  EXPECT_GT(result.layers[1].sqnr(), result.layers[0].sqnr());
}

TEST_F(CompareTest, refusesOtherTokens) {
  std::vector<int32_t> ids;
  EXPECT_SUCCESS(tokenize(model.get(), "abc", true, false, ids));
  EXPECT_SUCCESS(
      requireSameTokens(model.get(), reference.get(), "r", "abc", ids));
  fake::config.addBos = 0;
  loadFake();
  EXPECT_SUCCESS(tokenize(model.get(), "abc", true, false, ids));
  EXPECT_ERROR(requireSameTokens(model.get(), reference.get(), "r", "abc", ids),
               "'r' splits the text into other tokens");
}

TEST_F(CompareTest, reportsInTheWordsOfLlamaPerplexity) {
  Comparison result;
  result.worst = WorstTokens(2);
  EXPECT_SUCCESS(
      compareModels(model.get(), reference.get(), chunks, quiet, result));
  std::string text = comparisonText(result);
  for (const char *line :
       {"====== Perplexity statistics ======\nMean PPL(Q)                   : ",
        "\nCor(ln(PPL(Q)), ln(PPL(base))): ",
        "\nMean ln(PPL(Q)/PPL(base))     : ",
        "\n====== KL divergence statistics ======\nMean    KLD: ",
        "\n99.9%   KLD: ", "\n 0.1%   KLD: ", "\nMinimum KLD: ",
        "\n====== Token probability statistics ======\nMean    Δp: ",
        "\n75.0%   Δp: ", "\nRMS Δp    : ", "\nSame top p: "})
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  Json object = comparisonJson(result);
  EXPECT_EQ(object["kld"]["max"], result.divergence.sortedKld().back());
  EXPECT_EQ(object["worst_tokens"].size(), 2u);
  EXPECT_EQ(object["tokens_scored"], 45);
  EXPECT_FALSE(object.contains("layers"));
}
