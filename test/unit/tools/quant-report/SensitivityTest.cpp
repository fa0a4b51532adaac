//===- SensitivityTest.cpp - Which layers suffer --------------------------===//

#include "tools/quant-report/sensitivity.h"

#include <gtest/gtest.h>

using namespace lowbit::tools;
using namespace lowbit::tools::report;

static Json variant(const char *name, double bits, const Json &layers) {
  return {{"name", name},
          {"eval",
           {{"layers", layers},
            {"weights",
             {{{"name", "blk.0.ffn_up.weight"},
               {"rows", 2},
               {"columns", 8},
               {"bits_per_weight", bits}}}}}}};
}

TEST(SensitivityTest, ranks_by_what_a_layer_adds) {
  // Relative errors 0.001, 0.1, 0.01, 0.2.
  Json layers = {{{"sqnr_db", 30}},
                 {{"sqnr_db", 10}},
                 {{"sqnr_db", 20}},
                 {{"sqnr_db", 6.98970004336019}}};
  Json equal = {{{"sqnr_db", nullptr}}};
  Json ranking =
      rankLayers({variant("int8", 8.5, equal), variant("int4", 4.5, layers)});
  ASSERT_EQ(ranking.size(), 4u);
  EXPECT_EQ(ranking[0]["tensor"], "blk.3");
  EXPECT_NEAR(ranking[0]["output_error"].get<double>(), 0.19, 1e-9);
  EXPECT_EQ(ranking[0]["variant"], "int4");
  EXPECT_EQ(ranking[1]["tensor"], "blk.1");
  EXPECT_NEAR(ranking[1]["output_error"].get<double>(), 0.099, 1e-9);
  EXPECT_EQ(ranking[2]["tensor"], "blk.0");
  EXPECT_EQ(ranking[3]["tensor"], "blk.2"); // takes error away
  EXPECT_EQ(ranking[3]["output_error"], 0.0);
}

TEST(SensitivityTest, nothing_measured_nothing_ranked) {
  EXPECT_EQ(rankLayers(Json::array()), Json::array());
  EXPECT_EQ(rankLayers({Json::object(), Json(1)}), Json::array());
}
