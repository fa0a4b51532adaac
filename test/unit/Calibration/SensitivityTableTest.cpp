//===- SensitivityTableTest.cpp - Tests of SensitivityTable.h -------------===//

#include "SensitivityTable.h"

#include "gtest/gtest.h"

using namespace lowbit;

namespace {

const std::vector<std::string> kNames = {"blk.0.q", "blk.1.q", "blk.12.q",
                                         "blk.0.v", "head"};

/// The same choices for every tensor.
SensitivityTable table(const std::vector<double> &errors) {
  return SensitivityTable(kNames, std::vector<std::vector<double>>(5, errors));
}

} // namespace

TEST(SensitivityTable, MeasuredAreThemselves) {
  SensitivityTable losses = table({1, 4, 16});
  losses.set(0, 1, 0.3);
  losses.set(0, 2, 0.1); // whatever the errors say
  EXPECT_TRUE(losses.isMeasured(0, 1));
  EXPECT_FALSE(losses.isMeasured(0, 0));
  EXPECT_FALSE(losses.isMeasured(1, 1));
  EXPECT_EQ(losses.kl(0, 1), 0.3);
  EXPECT_EQ(losses.kl(0, 2), 0.1);
}

TEST(SensitivityTable, OthersGoAsTheError) {
  SensitivityTable losses = table({1, 4, 16});
  losses.set(0, 1, 0.2);
  EXPECT_DOUBLE_EQ(losses.kl(0, 0), 0.05);
  EXPECT_DOUBLE_EQ(losses.kl(0, 2), 0.8);
}

TEST(SensitivityTable, FromTheNearestThatWasMeasured) {
  SensitivityTable losses = table({1, 3, 40, 100});
  losses.set(0, 0, 1);
  losses.set(0, 3, 10);
  EXPECT_DOUBLE_EQ(losses.kl(0, 1), 3); // nearer to 1 than to 100
  EXPECT_DOUBLE_EQ(losses.kl(0, 2), 4); // 10 / 100 of it
}

TEST(SensitivityTable, AnUnmeasuredTensorIsAsItsKind) {
  SensitivityTable losses = table({1, 2});
  losses.set(0, 0, 5);
  losses.set(1, 0, 7);
  losses.set(1, 1, 200);
  losses.set(3, 0, 1000);
  // blk.12.q: the median of 5, 7 and 100.
  EXPECT_DOUBLE_EQ(losses.kl(2, 0), 7);
  EXPECT_DOUBLE_EQ(losses.kl(2, 1), 14);
  // Nothing else is called head: of 5, 7, 100, 1000 the upper middle.
  EXPECT_DOUBLE_EQ(losses.kl(4, 1), 200);
}

TEST(SensitivityTable, NothingMeasured) {
  EXPECT_DOUBLE_EQ(table({1, 2}).kl(4, 1), 2);
}

TEST(SensitivityTable, WhatIsNotChangedCostsNothing) {
  SensitivityTable losses = table({0, 2});
  losses.set(0, 1, 0.5);
  EXPECT_EQ(losses.kl(0, 0), 0);
  losses.set(1, 0, 0); // says nothing of the other choice
  EXPECT_DOUBLE_EQ(losses.kl(1, 1), 0.5);
}
