//===- ParetoTest.cpp - What nothing else beats ---------------------------===//

#include "tools/quant-report/pareto.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace lowbit::tools::report;
using Indices = std::vector<size_t>;

TEST(ParetoTest, the_front_is_in_order) {
  EXPECT_EQ(paretoFront({{3, 1}, {1, 3}, {2, 2}, {3, 3}, {2, 4}}),
            (Indices{1, 2, 0}));
}

TEST(ParetoTest, equal_choices_stay_and_ties_are_beaten) {
  EXPECT_EQ(paretoFront({{1, 1}, {1, 1}, {1, 2}, {2, 1}}), (Indices{0, 1}));
}

TEST(ParetoTest, what_was_not_measured_is_left_out) {
  EXPECT_EQ(paretoFront({{NAN, 0}, {0, NAN}, {5, 5}}), (Indices{2}));
  EXPECT_TRUE(paretoFront({}).empty());
}
