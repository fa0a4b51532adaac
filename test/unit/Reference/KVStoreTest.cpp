//===- KVStoreTest.cpp - What each element of the store loses -------------===//

#include "lowbit/Reference/LM.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>

using namespace lowbit;
using namespace lowbit::reference;

namespace {

constexpr int64_t kHeads = 3, kDim = 20, kPositions = 50;
constexpr double kScale = 0.25;

class KVStoreTest : public testing::Test {
protected:
  Reals random(int64_t columns) {
    Reals result({kPositions, columns});
    for (double &value : result.data)
      value = float(normal(engine));
    return result;
  }

  KVStore store(KVElement element) {
    KVStore empty(1, kHeads, kDim, element, Batch::ofOneSequence(kPositions));
    return kvAppend(empty, keys, values, 0);
  }

  static uint64_t seed() {
    const char *text = std::getenv("LOWBIT_TEST_SEED");
    return text ? std::strtoull(text, nullptr, 10) : 1;
  }

  std::mt19937_64 engine{seed()};
  std::normal_distribution<double> normal;
  Reals keys = random(kHeads * kDim), values = random(kHeads * kDim);
};

/// How far an element of a head may be from what is kept of it.
double lostAtMost(KVElement element, double x, double largest) {
  switch (element) {
  case KVElement::F32:
    return 0;
  case KVElement::F16:
    return 0x1p-11 * std::fabs(x) + 0x1p-25;
  case KVElement::BF16:
    return 0x1p-8 * std::fabs(x);
  case KVElement::Q8:
    // Half a step; the code's and the scale's roundings move it by 2^-14.
    return largest / 254 * (1 + 0x1p-14);
  case KVElement::Q4:
    // The largest positive element is clipped from 8 to 7 steps of 1/8, the
    // scale's rounding to bf16 moves the code by 2^-8 of that at most.
    return largest / 8 * (1 + 0x1p-5);
  }
  return 0;
}

double largestOf(const double *x, int64_t count) {
  double largest = 0;
  for (int64_t i = 0; i < count; ++i)
    largest = std::max(largest, std::fabs(x[i]));
  return largest;
}

const KVElement kAll[] = {KVElement::F32, KVElement::F16, KVElement::BF16,
                          KVElement::Q8, KVElement::Q4};

TEST_F(KVStoreTest, keepsNearestNumbers) {
  for (KVElement element : kAll) {
    KVStore kept = store(element);
    double worst = 0;
    for (int64_t i = 0; i < kPositions * kHeads * kDim; ++i) {
      double x = values.data[size_t(i)];
      double bound =
          lostAtMost(element, x, largestOf(&values.data[i / kDim * kDim], kDim));
      double lost = std::fabs(kept.sequences[0][0].values[size_t(i)] - x);
      EXPECT_LE(lost, bound) << int(element) << ", seed " << seed();
      worst = std::max(worst, bound ? lost / bound : 1);
    }
    EXPECT_GT(worst, 0.9) << "element " << int(element) << " has a loose bound";
  }
}

/// A score is off by sum |q| times the loss of a key, hence a probability by
/// the factor exp(2 * that); a result by that share of the largest value, and
/// the loss of a value.
TEST_F(KVStoreTest, attentionIsWithinWhatItLost) {
  Reals q = random(kHeads * kDim);
  Reals exact = cachedAttention(q, store(KVElement::F32), 0, kScale, {});
  double keyMost = largestOf(keys.data.data(), int64_t(keys.data.size()));
  double valueMost = largestOf(values.data.data(), int64_t(values.data.size()));
  for (KVElement element : kAll) {
    Reals got = cachedAttention(q, store(element), 0, kScale, {});
    for (int64_t i = 0; i < kPositions * kHeads * kDim; ++i) {
      const double *head = &q.data[size_t(i / kDim * kDim)];
      double sum = 0;
      for (int64_t d = 0; d < kDim; ++d)
        sum += std::fabs(head[d]);
      double score = kScale * sum * lostAtMost(element, keyMost, keyMost);
      double bound = std::expm1(2 * score) * valueMost +
                     lostAtMost(element, valueMost, valueMost) + 1e-12;
      EXPECT_LE(std::fabs(got.data[size_t(i)] - exact.data[size_t(i)]), bound);
    }
  }
}

TEST_F(KVStoreTest, codesAreThoseOfN2) {
  // The scale is 1: codes are the numbers, ties to even.
  KVStore empty(1, 1, 4, KVElement::Q8, Batch::ofOneSequence(1));
  Reals x({1, 4});
  x.data = {-127, 126.5, 0.5, 1.5};
  KVStore kept = kvAppend(empty, x, x, 0);
  EXPECT_EQ(kept.sequences[0][0].keys, (std::vector<double>{-127, 126, 0, 2}));
  x.data = {0, 0x1p-125, 0, 0}; // counts as zero
  kept = kvAppend(empty, x, x, 0);
  EXPECT_EQ(kept.sequences[0][0].values, (std::vector<double>{0, 0, 0, 0}));
}

} // namespace
