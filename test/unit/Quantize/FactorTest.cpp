//===- FactorTest.cpp - Triangular factors --------------------------------===//

#include "Factor.h"

#include "Samples.h"

using namespace lowbit;
using namespace lowbit::test;

// |L^T L - H| within the rounding of f32, at sizes around the block's.
TEST(FactorTest, gives_the_matrix_back) {
  for (int64_t n : {1, 2, 31, 128, 129, 300}) {
    std::vector<double> h = gram(activations(2 * n, n, unsigned(n)), n);
    for (int64_t i = 0; i < n; ++i)
      h[size_t(i * n + i)] += 1;
    std::vector<float> l = toFloat(h);
    ThreadPool pool(2);
    ASSERT_TRUE(factorFromLast(pool, l.data(), n, 0));
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j <= i; ++j) {
        double sum = 0;
        for (int64_t k = i; k < n; ++k)
          sum += double(l[size_t(k * n + i)]) * l[size_t(k * n + j)];
        double reach = std::sqrt(h[size_t(i * n + i)] * h[size_t(j * n + j)]);
        ASSERT_NEAR(sum, h[size_t(i * n + j)],
                    0x1p-22 * std::sqrt(double(n)) * reach)
            << n << ": " << i << ", " << j;
      }
  }
}

TEST(FactorTest, refuses_what_is_not_positive) {
  ThreadPool pool(1);
  std::vector<float> negative = {1, 0, 0, -1}, singular = {1, 1, 1, 1},
                     bad = {NAN, 0, 0, 1};
  EXPECT_FALSE(factorFromLast(pool, negative.data(), 2, 0));
  EXPECT_FALSE(factorFromLast(pool, singular.data(), 2, 1e-6));
  EXPECT_FALSE(factorFromLast(pool, bad.data(), 2, 0));
}
