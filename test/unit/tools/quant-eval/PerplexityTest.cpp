//===- PerplexityTest.cpp - How well a model foresees a text --------------===//

#include "tools/quant-eval/perplexity.h"

#include "ToolsTest.h"
#include "tools/quant-eval/softmax.h"

#include <cmath>

using namespace lowbit::tools;

namespace {
class PerplexityTest : public ToolsTest {
protected:
  /// The definition, written down once more: the mean of -log softmax over the
  /// second half of each chunk.
  static double expected(const std::vector<std::vector<int32_t>> &chunks,
                         int64_t &count) {
    double sum = 0;
    count = 0;
    for (const std::vector<int32_t> &chunk : chunks)
      for (size_t row = chunk.size() / 2; row + 1 < chunk.size(); ++row) {
        double total = 0;
        for (int32_t v = 0; v < fake::vocabulary; ++v)
          total += std::exp(double(fake::logit(chunk, row, v)));
        sum -= fake::logit(chunk, row, chunk[row + 1]) - std::log(total);
        ++count;
      }
    return sum / double(count);
  }
  static std::vector<int32_t> tokens(size_t count) {
    std::vector<int32_t> ids{fake::bos};
    for (size_t i = 1; i < count; ++i)
      ids.push_back(static_cast<int32_t>(i * i % 251));
    return ids;
  }
  static void quiet(int32_t, int32_t, const Likelihood &) {}
};
} // namespace

TEST(LogSumExp, agreesWithTheDefinition) {
  std::vector<float> logits;
  uint32_t state = 1;
  for (size_t count : {1, 2, 7, 64, 1001, 50000}) {
    logits.resize(count);
    long double sum = 0;
    for (float &logit : logits) {
      state = state * 1664525 + 1013904223;
      logit = float(state >> 8) / float(1 << 24) * 60 - 40;
      sum += std::exp(static_cast<long double>(logit));
    }
    double reference = double(std::log(sum));
    EXPECT_NEAR(logSumExp(logits.data(), count), reference,
                1e-12 * std::fabs(reference) + 1e-12)
        << count;
  }
}

TEST(LogSumExp, extremes) {
  std::vector<float> far{-3e38f, 3e38f, 0};
  EXPECT_EQ(logSumExp(far.data(), 3), double(3e38f));
  std::vector<float> equal(8, 1000);
  EXPECT_NEAR(logSumExp(equal.data(), 8), 1000 + std::log(8.0), 1e-9);
  std::vector<float> masked{0, -INFINITY};
  EXPECT_NEAR(logSumExp(masked.data(), 2), 0, 1e-12);
  std::vector<float> nan{0, NAN};
  EXPECT_TRUE(std::isnan(logSumExp(nan.data(), 2)));
  std::vector<float> many(200, 1);
  many[70] = NAN;
  EXPECT_TRUE(std::isnan(logSumExp(many.data(), 200)));
  many[199] = INFINITY;
  EXPECT_TRUE(std::isnan(logSumExp(many.data(), 200)));
}

TEST(LikelihoodTest, errorBarsOfLlamaPerplexity) {
  Likelihood likelihood;
  for (double nll : {1.0, 2.0, 4.0})
    likelihood.add(nll);
  double mean = 7.0 / 3, variance = 21.0 / 3 - mean * mean;
  EXPECT_DOUBLE_EQ(likelihood.nll(), mean);
  EXPECT_DOUBLE_EQ(likelihood.ppl(), std::exp(mean));
  EXPECT_DOUBLE_EQ(likelihood.nllError(), std::sqrt(variance / 2));
  EXPECT_DOUBLE_EQ(likelihood.pplError(),
                   std::exp(mean) * std::sqrt(variance / 2));
}

TEST(LikelihoodTest, bitsPerByteCountsBytes) {
  Likelihood likelihood;
  EXPECT_EQ(likelihood.bitsPerByte().value, 0);
  for (double nll : {1.0, 2.0, 4.0})
    likelihood.add(nll);
  likelihood.addBytes(10);
  likelihood.addBytes(4);
  Estimate bits = likelihood.bitsPerByte();
  EXPECT_DOUBLE_EQ(bits.value, 7.0 / 14 / std::log(2.0));
  EXPECT_DOUBLE_EQ(bits.error, likelihood.nllError() * 3 / 14 / std::log(2.0));
}

TEST_F(PerplexityTest, chunksReplaceTheFirstTokenByBos) {
  std::vector<std::vector<int32_t>> chunks;
  std::vector<int32_t> ids = tokens(50);
  EXPECT_SUCCESS(makeChunks(loadFake(), ids, {16, -1}, chunks));
  ASSERT_EQ(chunks.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(chunks[i][0], fake::bos);
    EXPECT_EQ(chunks[i][5], ids[16 * i + 5]);
    EXPECT_EQ(chunks[i].size(), 16u);
  }
  EXPECT_SUCCESS(makeChunks(model.get(), ids, {16, 2}, chunks));
  EXPECT_EQ(chunks.size(), 2u);
  fake::config.addBos = 0;
  EXPECT_SUCCESS(makeChunks(loadFake(), ids, {16, -1}, chunks));
  EXPECT_EQ(chunks[1][0], ids[16]);
}

TEST_F(PerplexityTest, refusesShortTextsAndLongChunks) {
  std::vector<std::vector<int32_t>> chunks;
  loadFake();
  EXPECT_ERROR(makeChunks(model.get(), tokens(15), {16, -1}, chunks),
               "the text has 15 tokens, but a chunk needs 16");
  EXPECT_ERROR(makeChunks(model.get(), tokens(999), {256, -1}, chunks),
               "context of 128");
}

TEST_F(PerplexityTest, scoresTheSecondHalf) {
  std::vector<std::vector<int32_t>> chunks;
  EXPECT_SUCCESS(makeChunks(loadFake(), tokens(100), {32, -1}, chunks));
  Likelihood result;
  EXPECT_SUCCESS(
      measurePerplexity(model.get(), chunks, nullptr, quiet, result));
  int64_t count = 0;
  EXPECT_NEAR(result.nll(), expected(chunks, count), 1e-12);
  EXPECT_EQ(result.count(), count);
  EXPECT_EQ(count, 3 * 15); // 255 of 512
  // Tokens of the fake model are bytes.
  EXPECT_EQ(result.bytes(), uint64_t(count));
  EXPECT_NEAR(result.bitsPerByte().value, result.nll() / std::log(2.0), 1e-12);
  EXPECT_EQ(fake::counters.sessions, 3);
  EXPECT_EQ(fake::counters.visited, count);
}

TEST_F(PerplexityTest, layersDoNotChangeIt) {
  std::vector<std::vector<int32_t>> chunks;
  EXPECT_SUCCESS(makeChunks(loadFake(), tokens(64), {32, -1}, chunks));
  LayerWriter layers;
  EXPECT_SUCCESS(layers.open(path("l.npz"), 64, fake::probes, fake::width));
  Likelihood result;
  EXPECT_SUCCESS(
      measurePerplexity(model.get(), chunks, &layers, quiet, result));
  EXPECT_SUCCESS(layers.commit());
  int64_t count = 0;
  EXPECT_NEAR(result.nll(), expected(chunks, count), 1e-12);
  EXPECT_EQ(result.count(), count);
}
