//===- NormTest.cpp - Lengths of embeddings -------------------------------===//

#include "sample/norm.h"

#include <gtest/gtest.h>

#include <vector>

namespace {

std::vector<float> normalized(std::vector<float> vector, int32_t norm) {
  qrt::normalize(vector.data(), vector.size(), norm);
  return vector;
}

TEST(NormTest, AsLlamaCpp) {
  EXPECT_EQ(normalized({3, -4}, -1), (std::vector<float>{3, -4}));
  EXPECT_EQ(normalized({3, -4}, 0), (std::vector<float>{24570, -32760}));
  EXPECT_EQ(normalized({1, -3}, 1), (std::vector<float>{0.25f, -0.75f}));
  EXPECT_EQ(normalized({3, -4}, 2), (std::vector<float>{0.6f, -0.8f}));
  std::vector<float> cubic = normalized({1, 2}, 3);
  EXPECT_NEAR(cubic[0] * cubic[0] * cubic[0] + cubic[1] * cubic[1] * cubic[1],
              1, 1e-6);
  EXPECT_EQ(normalized({0, 0}, 2), (std::vector<float>{0, 0}));
}

} // namespace
