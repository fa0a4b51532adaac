//===- QualityTest.cpp - Tests of Quality.h -------------------------------===//

#include "Quality.h"

#include "Samples.h"

#include <cmath>

using namespace lowbit;
using namespace lowbit::test;

namespace {

constexpr int64_t kWidth = 24, kVocabulary = 300, kRows = 5;

std::vector<float> random(int64_t count, std::mt19937 &source) {
  std::normal_distribution<float> normal(0, 0.5);
  std::vector<float> values(static_cast<size_t>(count));
  for (float &value : values)
    value = normal(source);
  return values;
}

/// Log-probabilities of every word, in double.
std::vector<double> logSoftmax(const float *x, const std::vector<float> &head) {
  std::vector<double> logits;
  double sum = 0;
  for (int64_t word = 0; word < kVocabulary; ++word) {
    double logit = 0;
    for (int64_t k = 0; k < kWidth; ++k)
      logit += double(x[k]) * head[size_t(word * kWidth + k)];
    logits.push_back(logit);
    sum += std::exp(logit);
  }
  for (double &logit : logits)
    logit -= std::log(sum);
  return logits;
}

} // namespace

TEST(QualityTest, divergence_as_its_formula_has_it) {
  std::mt19937 source(seed());
  std::vector<float> exact = random(kRows * kWidth, source), rounded = exact;
  std::vector<float> head = random(kVocabulary * kWidth, source), coarse = head;
  for (float &value : rounded)
    value += 0.1f * random(1, source)[0];
  for (float &value : coarse)
    value = std::round(value * 4) / 4;
  MemorySource model;
  model.add("head", kVocabulary, kWidth, head);
  model.add("coarse", kVocabulary, kWidth, coarse);
  ThreadPool pool(2);
  Quality quality = compareEnds(pool, exact, rounded, kWidth,
                                model.find("head"), model.find("coarse"));
  double divergence = 0, same = 0;
  for (int64_t t = 0; t < kRows; ++t) {
    auto p = logSoftmax(exact.data() + t * kWidth, head),
         q = logSoftmax(rounded.data() + t * kWidth, coarse);
    for (int64_t word = 0; word < kVocabulary; ++word)
      divergence += std::exp(p[size_t(word)]) *
                    (p[size_t(word)] - q[size_t(word)]) / kRows;
    same += double(std::max_element(p.begin(), p.end()) - p.begin() ==
                   std::max_element(q.begin(), q.end()) - q.begin()) /
            kRows;
  }
  EXPECT_EQ(quality.tokens, kRows);
  ASSERT_TRUE(quality.hasHead);
  EXPECT_GT(divergence, 0);
  EXPECT_NEAR(quality.divergence, divergence, 1e-5);
  EXPECT_NEAR(quality.sameTop, same, 1e-9);
}

TEST(QualityTest, equal_ends) {
  std::mt19937 source(seed());
  std::vector<float> x = random(kRows * kWidth, source);
  MemorySource model;
  model.add("head", kVocabulary, kWidth, random(kVocabulary * kWidth, source));
  ThreadPool pool;
  const SourceTensor *head = model.find("head");
  Quality quality = compareEnds(pool, x, x, kWidth, head, head);
  EXPECT_NEAR(quality.divergence, 0, 1e-9);
  EXPECT_NEAR(quality.sameTop, 1, 1e-12);
  EXPECT_NEAR(quality.sqnr, 150, 1e-6);
}

TEST(QualityTest, what_is_not_known) {
  ThreadPool pool;
  EXPECT_EQ(compareEnds(pool, {}, {}, 4, nullptr, nullptr).tokens, 0);
  std::vector<float> x{1, 2, 3, 4}, y{1, 2, 3, 5};
  Quality quality = compareEnds(pool, x, y, 2, nullptr, nullptr);
  EXPECT_EQ(quality.tokens, 2);
  EXPECT_FALSE(quality.hasHead);
  EXPECT_NEAR(quality.sqnr, 10 * std::log10(30.0), 1e-9);
}
