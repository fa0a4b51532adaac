//===- SamplerTest.cpp - Tests of sample/sampler.h ------------------------===//

#include "sample/sampler.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <map>
#include <numeric>

using namespace qrt;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

/// Temperature 1, everything off.
qrt_sampling plain() {
  qrt_sampling sampling = {};
  sampling.temperature = 1;
  sampling.top_p = 1;
  sampling.repeat_penalty = 1;
  return sampling;
}

std::unique_ptr<Sampler> make(const qrt_sampling &sampling, size_t vocabulary) {
  std::unique_ptr<Sampler> sampler;
  const Status status = Sampler::create(int32_t(vocabulary), sampling, sampler);
  EXPECT_TRUE(status.ok()) << status.message();
  return sampler;
}

/// Frequencies of 20000 draws.
std::map<int32_t, double> draw(const qrt_sampling &sampling,
                               const std::vector<float> &logits) {
  auto sampler = make(sampling, logits.size());
  std::map<int32_t, double> frequencies;
  for (int i = 0; i < 20000; ++i)
    frequencies[sampler->sample(logits.data())] += 1.0 / 20000;
  return frequencies;
}

std::vector<float> logarithms(std::vector<double> probabilities) {
  std::vector<float> logits;
  for (double p : probabilities)
    logits.push_back(float(std::log(p)));
  return logits;
}

/// Each frequency within 5 standard deviations of its probability.
void expectFrequencies(const std::map<int32_t, double> &found,
                       const std::map<int32_t, double> &expected) {
  for (const auto &[id, frequency] : found)
    EXPECT_TRUE(expected.count(id)) << id << " " << frequency;
  for (const auto &[id, p] : expected) {
    const auto it = found.find(id);
    EXPECT_NEAR(it == found.end() ? 0 : it->second, p,
                5 * std::sqrt(p * (1 - p) / 20000) + 1e-9)
        << id;
  }
}

TEST(RandomTest, IsXoshiro256) {
  // From a separate implementation in Python.
  Random random(0);
  EXPECT_EQ(random.next(), 0x99ec5f36cb75f2b4ull);
  EXPECT_EQ(random.next(), 0xbf6e1f784956452aull);
  EXPECT_EQ(random.next(), 0x1a5f849d4933e6e0ull);
}

TEST(SamplerTest, GreedyTakesTheFirstLargest) {
  qrt_sampling sampling = plain();
  sampling.temperature = 0;
  const std::vector<float> logits = {1, 3, nan, 3, -infinity};
  EXPECT_EQ(make(sampling, 5)->sample(logits.data()), 1);
}

TEST(SamplerTest, DrawsByProbability) {
  expectFrequencies(draw(plain(), logarithms({0.5, 0.2, 0.3})),
                    {{0, 0.5}, {1, 0.2}, {2, 0.3}});
}

TEST(SamplerTest, TemperatureSharpens) {
  qrt_sampling sampling = plain();
  sampling.temperature = 0.5f;
  const double sum = 0.25 + 0.04 + 0.09;
  expectFrequencies(draw(sampling, logarithms({0.5, 0.2, 0.3})),
                    {{0, 0.25 / sum}, {1, 0.04 / sum}, {2, 0.09 / sum}});
}

TEST(SamplerTest, TopK) {
  qrt_sampling sampling = plain();
  sampling.top_k = 2;
  expectFrequencies(draw(sampling, logarithms({0.2, 0.5, 0.3})),
                    {{1, 0.625}, {2, 0.375}});
  // Of equal logits the lower id.
  sampling.top_k = 1;
  expectFrequencies(draw(sampling, {0, 2, 2, 2}), {{1, 1.0}});
}

TEST(SamplerTest, TopPKeepsTheTokenThatReachesIt) {
  qrt_sampling sampling = plain();
  sampling.top_p = 0.6f;
  expectFrequencies(draw(sampling, logarithms({0.2, 0.5, 0.3})),
                    {{1, 0.625}, {2, 0.375}});
  sampling.top_p = 0;
  expectFrequencies(draw(sampling, logarithms({0.2, 0.5, 0.3})), {{1, 1.0}});
}

TEST(SamplerTest, TopPCountsWhatTopKKept) {
  qrt_sampling sampling = plain();
  sampling.top_k = 2;
  sampling.top_p = 0.62f; // 0.5 of 0.8 reaches it
  expectFrequencies(draw(sampling, logarithms({0.2, 0.5, 0.3})), {{1, 1.0}});
}

TEST(SamplerTest, MinPIsRelativeToTheLargest) {
  qrt_sampling sampling = plain();
  sampling.min_p = 0.5f;
  expectFrequencies(draw(sampling, logarithms({0.2, 0.5, 0.3})),
                    {{1, 0.625}, {2, 0.375}});
}

/// The partial sort of top-p against a full one, on a vocabulary that is larger
/// than its first steps.
TEST(SamplerTest, TopPOverALargeVocabulary) {
  std::vector<float> logits(5000);
  for (size_t i = 0; i < logits.size(); ++i)
    logits[i] = float((i * 7919) % 5000) * 0.002f;
  std::vector<float> sorted = logits;
  std::sort(sorted.begin(), sorted.end(), std::greater<float>());
  double total = 0, reached = 0;
  for (float logit : sorted)
    total += std::exp(double(logit));
  size_t kept = 0;
  while (reached < 0.7 * total)
    reached += std::exp(double(sorted[kept++]));
  qrt_sampling sampling = plain();
  sampling.top_p = 0.7f;
  auto sampler = make(sampling, logits.size());
  float least = infinity;
  for (int i = 0; i < 2000; ++i)
    least = std::min(least, logits[size_t(sampler->sample(logits.data()))]);
  EXPECT_GE(least, sorted[kept - 1]);
  EXPECT_LT(least, sorted[kept - 1] + 0.1f);
}

TEST(SamplerTest, BiasesComeFirst) {
  qrt_sampling sampling = plain();
  sampling.temperature = 0;
  const qrt_logit_bias biases[] = {{2, 5.0f}, {1, -infinity}, {2, 1.0f}};
  sampling.biases = biases;
  sampling.n_biases = 3;
  const std::vector<float> logits = {6.5f, 9, 1};
  EXPECT_EQ(make(sampling, 3)->sample(logits.data()), 2);
}

TEST(SamplerTest, PenaltyOfWhatWasSaid) {
  qrt_sampling sampling = plain();
  sampling.temperature = 0;
  sampling.repeat_penalty = 2;
  sampling.repeat_last_n = 2;
  auto sampler = make(sampling, 3);
  const std::vector<float> logits = {4, 3, -1};
  EXPECT_EQ(sampler->sample(logits.data()), 0);
  EXPECT_EQ(sampler->sample(logits.data()), 1) << "4 counts 2";
  EXPECT_EQ(sampler->sample(logits.data()), 0) << "2 against 1.5";
  EXPECT_EQ(sampler->sample(logits.data()), 0) << "1 and 0 are in the window";
  EXPECT_EQ(sampler->sample(logits.data()), 1) << "only 0 is in it";
  sampler->accept(2);
  const std::vector<float> negative = {-3, -1.9f, -1};
  EXPECT_EQ(sampler->sample(negative.data()), 2) << "-2 against -3.8 and -3";
}

/// Blocks, their rest and NaN, against a sort.
TEST(SamplerTest, FindsTheLargestOfAnyVocabulary) {
  Random random(11);
  for (size_t vocabulary : {1, 2, 15, 16, 17, 33, 100, 1000})
    for (int trial = 0; trial < 50; ++trial) {
      std::vector<float> logits(vocabulary);
      std::vector<int32_t> order(vocabulary);
      for (size_t i = 0; i < vocabulary; ++i) {
        const uint64_t bits = random.next();
        logits[i] = bits % 8 == 0 ? nan : float(int(bits % 97) - 60);
        order[i] = int32_t(i);
      }
      auto rank = [&](int32_t id) {
        const float logit = logits[size_t(id)];
        return std::make_pair(std::isnan(logit) ? infinity : -logit, id);
      };
      std::sort(order.begin(), order.end(),
                [&](int32_t a, int32_t b) { return rank(a) < rank(b); });
      qrt_sampling sampling = plain();
      sampling.temperature = 0;
      const int32_t best = make(sampling, vocabulary)->sample(logits.data());
      ASSERT_EQ(best, order[0]) << vocabulary;
      sampling = plain();
      sampling.top_k = 3;
      sampling.temperature = 1e9f; // nearly uniform among the three
      auto sampler = make(sampling, vocabulary);
      for (int i = 0; i < 20; ++i) {
        const int32_t id = sampler->sample(logits.data());
        ASSERT_LT(std::find(order.begin(), order.end(), id) - order.begin(), 3);
      }
    }
}

TEST(SamplerTest, SeedsRepeat) {
  std::vector<float> logits(1000);
  for (size_t i = 0; i < logits.size(); ++i)
    logits[i] = float((i * 31) % 97) * 0.05f;
  auto sequence = [&](uint64_t seed) {
    qrt_sampling sampling = plain();
    sampling.seed = seed;
    sampling.top_p = 0.9f;
    auto sampler = make(sampling, logits.size());
    std::vector<int32_t> ids;
    for (int i = 0; i < 50; ++i)
      ids.push_back(sampler->sample(logits.data()));
    return ids;
  };
  EXPECT_EQ(sequence(7), sequence(7));
  EXPECT_NE(sequence(7), sequence(8));
}

TEST(SamplerTest, AnyLogitsGiveAToken) {
  const std::vector<std::vector<float>> cases = {
      {nan, nan, nan},         {-infinity, -infinity, -infinity},
      {infinity, infinity, 1}, {nan, -infinity, infinity},
      {3.4e38f, -3.4e38f, 0},
  };
  for (const std::vector<float> &logits : cases)
    for (float temperature : {0.0f, 1e-30f, 1.0f, 1e30f})
      for (int32_t k : {0, 1, 2, 100})
        for (float p : {0.0f, 0.5f, 1.0f}) {
          qrt_sampling sampling = plain();
          sampling.temperature = temperature;
          sampling.top_k = k;
          sampling.top_p = sampling.min_p = p;
          sampling.repeat_penalty = 1.5f;
          sampling.repeat_last_n = -1;
          auto sampler = make(sampling, 3);
          for (int i = 0; i < 5; ++i) {
            const int32_t id = sampler->sample(logits.data());
            EXPECT_TRUE(id >= 0 && id < 3);
          }
        }
}

TEST(SamplerTest, RefusesImpossibleOptions) {
  std::unique_ptr<Sampler> sampler;
  auto refused = [&](void (*edit)(qrt_sampling &)) {
    qrt_sampling sampling = plain();
    edit(sampling);
    return Sampler::create(10, sampling, sampler).code() ==
           QRT_INVALID_ARGUMENT;
  };
  EXPECT_TRUE(refused([](qrt_sampling &s) { s.temperature = -1; }));
  EXPECT_TRUE(refused([](qrt_sampling &s) { s.temperature = nan; }));
  EXPECT_TRUE(refused([](qrt_sampling &s) { s.top_p = 1.5f; }));
  EXPECT_TRUE(refused([](qrt_sampling &s) { s.min_p = nan; }));
  EXPECT_TRUE(refused([](qrt_sampling &s) { s.top_k = -1; }));
  EXPECT_TRUE(refused([](qrt_sampling &s) { s.repeat_penalty = 0; }));
  static const qrt_logit_bias outside = {10, 1}, wrong = {1, nan};
  EXPECT_TRUE(refused([](qrt_sampling &s) {
    s.biases = &outside;
    s.n_biases = 1;
  }));
  EXPECT_TRUE(refused([](qrt_sampling &s) {
    s.biases = &wrong;
    s.n_biases = 1;
  }));
}

} // namespace
