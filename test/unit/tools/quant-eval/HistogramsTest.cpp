//===- HistogramsTest.cpp - Where a model's numbers lie -------------------===//

#include "tools/quant-eval/histograms.h"

#include <gtest/gtest.h>

using namespace lowbit::tools;

TEST(HistogramsTest, layersOfOneRole) {
  EXPECT_EQ(roleOf("blk.12.attn_q.weight"), "blk.*.attn_q.weight");
  EXPECT_EQ(roleOf("output.weight"), "output.weight");
  EXPECT_EQ(roleOf("blk.x.weight"), "blk.x.weight");
  EXPECT_EQ(roleOf("blk.3"), "blk.3");
}

TEST(HistogramsTest, jsonHoldsEveryValue) {
  NamedHistogram named{"w", {}};
  std::vector<float> values(1000, 0.1f);
  values.push_back(-3);
  values.push_back(1.5f);
  named.histogram.add(values.data(), int64_t(values.size()));
  Json json = histogramJson(named);
  EXPECT_EQ(json["count"], 1002);
  EXPECT_EQ(json["min"], -3.0);
  EXPECT_EQ(json["max"], 1.5);
  EXPECT_EQ(json["limit"], 4.0);
  int64_t sum = 0;
  for (const Json &count : json["counts"])
    sum += count.get<int64_t>();
  EXPECT_EQ(json["counts"].size(), 128u);
  EXPECT_EQ(sum, 1002);
  EXPECT_EQ(json["counts"][16], 1); // -3: (4 - 3) / (8 / 128)
  EXPECT_EQ(json["counts"][65], 1000);
  ASSERT_EQ(json["clips"].size(), 2u);
  // 16 codes: the mass at 0.1 is worth more than the two far values.
  EXPECT_EQ(json["clips"][0]["levels"], 16);
  EXPECT_LT(json["clips"][0]["high"].get<double>(), 3);
}
