//===- PermutationTest.cpp - The order in which columns are stored --------===//

#include "lowbit/Support/Permutation.h"

#include "gtest/gtest.h"

using namespace lowbit;

TEST(Permutation, EachColumnOnce) {
  EXPECT_EQ(permutationError({0}), "");
  EXPECT_EQ(permutationError({2, 0, 1, 3}), "");
}

TEST(Permutation, Others) {
  EXPECT_EQ(permutationError({2, 0, 2}),
            "expected each column from 0 to 2 once, but got 2 twice");
  EXPECT_EQ(permutationError({0, 3, 1}),
            "expected each column from 0 to 2 once, but got 3");
  EXPECT_EQ(permutationError({0, -1}),
            "expected each column from 0 to 1 once, but got -1");
  EXPECT_EQ(permutationError({INT32_MAX, 0}),
            "expected each column from 0 to 1 once, but got 2147483647");
  EXPECT_EQ(permutationError({INT32_MIN, 0}),
            "expected each column from 0 to 1 once, but got -2147483648");
}
