//===- DivergenceTest.cpp - One model's predictions beside another's ------===//

#include "tools/quant-eval/divergence.h"

#include "tools/quant-eval/similarity.h"
#include "tools/quant-eval/softmax.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace lowbit::tools;

static std::vector<float> randomLogits(std::mt19937 &random, size_t count) {
  std::normal_distribution<float> normal(0, 5);
  std::vector<float> logits(count);
  for (float &logit : logits)
    logit = normal(random);
  return logits;
}

static std::vector<long double> softmaxOf(const std::vector<float> &logits) {
  std::vector<long double> p;
  long double sum = 0;
  for (float logit : logits)
    sum += std::exp(static_cast<long double>(logit));
  for (float logit : logits)
    p.push_back(std::exp(static_cast<long double>(logit)) / sum);
  return p;
}

TEST(DivergenceTest, tokenAgreesWithTheDefinition) {
  std::mt19937 random(7);
  for (size_t count : {1, 5, 64, 1000, 49152}) {
    std::vector<float> base = randomLogits(random, count),
                       logits = randomLogits(random, count);
    int32_t token = static_cast<int32_t>(count / 2);
    std::vector<long double> p = softmaxOf(base), q = softmaxOf(logits);
    long double kld = 0;
    for (size_t i = 0; i < count; ++i)
      kld += p[i] * std::log(p[i] / q[i]);
    TokenDivergence got =
        compareLogits(base.data(), logits.data(), count, token);
    EXPECT_NEAR(got.kld, double(kld), 1e-10 * double(kld) + 1e-12) << count;
    EXPECT_NEAR(got.nll, double(-std::log(q[size_t(token)])), 1e-9);
    EXPECT_NEAR(got.pBase(), double(p[size_t(token)]), 1e-12);
    EXPECT_NEAR(got.deltaP(), double(q[size_t(token)] - p[size_t(token)]),
                1e-12);
    EXPECT_EQ(got.topBase,
              std::max_element(base.begin(), base.end()) - base.begin());
    EXPECT_EQ(got.top,
              std::max_element(logits.begin(), logits.end()) - logits.begin());
  }
}

TEST(DivergenceTest, equalModelsDoNotDiffer) {
  std::mt19937 random(8);
  Divergence divergence;
  for (int i = 0; i < 50; ++i) {
    std::vector<float> logits = randomLogits(random, 300);
    TokenDivergence token =
        compareLogits(logits.data(), logits.data(), logits.size(), i);
    EXPECT_LT(token.kld, 1e-12);
    divergence.add(token);
  }
  EXPECT_EQ(divergence.sameTop().value, 1);
  EXPECT_EQ(divergence.sameTop().error, 0);
  EXPECT_EQ(divergence.lnRatio().value, 0);
  EXPECT_NEAR(divergence.lnRatio().error, 0, 1e-7);
  EXPECT_NEAR(divergence.correlation(), 1, 1e-12);
  EXPECT_EQ(divergence.deltaP().value, 0);
  EXPECT_EQ(divergence.rmsDeltaP().error, 0);
}

TEST(DivergenceTest, excludedTokens) {
  const float base[] = {0, -INFINITY, 0}, all[] = {0, 0, 0};
  TokenDivergence token = compareLogits(base, all, 3, 0);
  EXPECT_NEAR(token.kld, std::log(1.5), 1e-12);
  EXPECT_TRUE(std::isinf(compareLogits(all, base, 3, 0).kld));
  const float both[] = {1, -INFINITY, 2};
  EXPECT_NEAR(compareLogits(base, both, 3, 0).kld,
              std::log(1 + std::exp(1)) - 0.5 - std::log(2), 1e-12);
  const float nan[] = {0, NAN, 0};
  EXPECT_TRUE(std::isnan(compareLogits(all, nan, 3, 0).nll));
}

TEST(DivergenceTest, theFirstOfEqualChoicesCounts) {
  const float a[] = {1, 2, 2, 0}, b[] = {1, 1, 2, 2};
  EXPECT_EQ(likeliest(a, 4), 1);
  EXPECT_EQ(likeliest(b, 4), 2);
}

//===- Statistics ---------------------------------------------------------===//

static TokenDivergence tokenOf(double nll, double nllBase, double kld,
                               bool same) {
  TokenDivergence token;
  token.nll = nll;
  token.nllBase = nllBase;
  token.kld = kld;
  token.top = 1;
  token.topBase = same ? 1 : 2;
  return token;
}

TEST(DivergenceTest, statisticsOfLlamaPerplexity) {
  const double nlls[] = {1.0, 2.5, 0.5, 3.0}, bases[] = {0.9, 2.0, 0.7, 2.5};
  Divergence divergence;
  double a = 0, b = 0, aa = 0, bb = 0, ab = 0, rms = 0, rms4 = 0, delta = 0;
  for (int i = 0; i < 4; ++i) {
    divergence.add(tokenOf(nlls[i], bases[i], 0.1 * (i + 1), i != 2));
    double d = std::exp(-nlls[i]) - std::exp(-bases[i]);
    a += nlls[i] / 4;
    b += bases[i] / 4;
    aa += nlls[i] * nlls[i] / 4;
    bb += bases[i] * bases[i] / 4;
    ab += nlls[i] * bases[i] / 4;
    delta += d / 4;
    rms += d * d / 4;
    rms4 += d * d * d * d / 4;
  }
  double varianceA = (aa - a * a) / 3, varianceB = (bb - b * b) / 3;
  double covariance = (ab - a * b) / 3;
  double ratioError = std::sqrt(varianceA + varianceB - 2 * covariance);
  EXPECT_EQ(divergence.count(), 4);
  EXPECT_DOUBLE_EQ(divergence.ppl().value, std::exp(a));
  EXPECT_DOUBLE_EQ(divergence.ppl().error, std::exp(a) * std::sqrt(varianceA));
  EXPECT_DOUBLE_EQ(divergence.pplBase().value, std::exp(b));
  EXPECT_NEAR(divergence.correlation(),
              covariance / std::sqrt(varianceA * varianceB), 1e-12);
  EXPECT_NEAR(divergence.lnRatio().value, a - b, 1e-12);
  EXPECT_NEAR(divergence.lnRatio().error, ratioError, 1e-12);
  EXPECT_NEAR(divergence.ratio().error, std::exp(a - b) * ratioError, 1e-12);
  double pa = std::exp(a), pb = std::exp(b);
  EXPECT_NEAR(divergence.difference().error,
              std::sqrt(pa * pa * varianceA + pb * pb * varianceB -
                        2 * pa * pb * covariance),
              1e-12);
  EXPECT_NEAR(divergence.kld().value, 0.25, 1e-12);
  EXPECT_NEAR(divergence.kld().error, std::sqrt((0.075 - 0.0625) / 3), 1e-12);
  EXPECT_NEAR(divergence.deltaP().value, delta, 1e-12);
  EXPECT_NEAR(divergence.rmsDeltaP().value, std::sqrt(rms), 1e-12);
  EXPECT_NEAR(divergence.rmsDeltaP().error,
              0.5 / std::sqrt(rms) * std::sqrt((rms4 - rms * rms) / 3), 1e-12);
  EXPECT_DOUBLE_EQ(divergence.sameTop().value, 0.75);
  EXPECT_DOUBLE_EQ(divergence.sameTop().error, std::sqrt(0.75 * 0.25 / 3));
}

TEST(DivergenceTest, nothingIsNoStatistics) {
  Divergence divergence;
  EXPECT_EQ(divergence.kld().value, 0);
  EXPECT_EQ(divergence.sameTop().value, 0);
  EXPECT_EQ(divergence.correlation(), 0);
  divergence.add(tokenOf(1, 1, 0, true));
  EXPECT_EQ(divergence.ppl().error, 0);
  EXPECT_EQ(divergence.sameTop().error, 0);
}

TEST(PercentileTest, interpolates) {
  std::vector<double> values{1, 2, 4, 8, 16};
  EXPECT_EQ(percentile(values, 0), 1);
  EXPECT_EQ(percentile(values, 1), 16);
  EXPECT_EQ(percentile(values, 0.5), 4);
  EXPECT_DOUBLE_EQ(percentile(values, 0.9), 8 + 0.6 * 8);
  EXPECT_DOUBLE_EQ(percentile({3, 5}, 0.5), 4);
  EXPECT_EQ(percentile({7}, 0.3), 7);
  EXPECT_EQ(percentile({}, 0.3), 0);
  EXPECT_EQ(percentile({0, INFINITY}, 1), INFINITY);
  EXPECT_EQ(percentile({0, INFINITY}, 0), 0);
}

//===- Similarity ---------------------------------------------------------===//

TEST(SimilarityTest, sqnrAndCosine) {
  const float reference[] = {3, -4, 0, 1}, values[] = {3, -4.5, 0.5, 1};
  Similarity similarity;
  similarity.add(reference, values, 2);
  similarity.add(reference + 2, values + 2, 2);
  EXPECT_EQ(similarity.count(), 4);
  EXPECT_DOUBLE_EQ(similarity.sqnr(), 10 * std::log10(26 / 0.5));
  EXPECT_DOUBLE_EQ(similarity.cosine(),
                   28.0 / std::sqrt(26.0 * (9 + 20.25 + 0.25 + 1)));
  EXPECT_EQ(similarity.maxError(), 0.5);
}

TEST(SimilarityTest, limits) {
  const float zeros[] = {0, 0}, ones[] = {1, 1};
  Similarity equal, silent, lost;
  equal.add(zeros, zeros, 2);
  EXPECT_EQ(equal.sqnr(), INFINITY);
  EXPECT_EQ(equal.cosine(), 1);
  silent.add(zeros, ones, 2);
  EXPECT_TRUE(std::isnan(silent.sqnr()));
  EXPECT_EQ(silent.cosine(), 0);
  lost.add(ones, zeros, 2);
  EXPECT_EQ(lost.sqnr(), 0);
  EXPECT_EQ(lost.cosine(), 0);
}
