//===- ColumnOrderTest.cpp - Columns grouped in another order -------------===//

#include "QuantizedFolder.h"

#include <cmath>

using namespace lowbit;
using namespace lowbit::test;

using ColumnOrderTest = QuantizedFolder;

namespace {
constexpr const char *kTwoGroups = R"({"quant_method": "gptq", "bits": 4,
    "group_size": 4, "desc_act": true})";
} // namespace

TEST_F(ColumnOrderTest, gptq) {
  add("qweight", "I32", {1, 8}, words(std::vector(8, 0x01234567u)));
  std::vector<float> scales(16, 1);
  for (size_t i = 8; i < 16; ++i)
    scales[i] = 100;
  add("scales", "F32", {2, 8}, floats(scales));
  add("qzeros", "I32", {2, 1}, words({0xffffffff, 0xffffffff}));
  add("g_idx", "I32", {8}, words({0, 0, 1, 0, 1, 1, 1, 0}));
  write(R"({"quant_method": "gptq", "bits": 4, "group_size": 4,
            "checkpoint_format": "gptq_v2"})");
  auto source = openHuggingFace(folder.path());
  ASSERT_TRUE(bool(source)) << llvm::toString(source.takeError());
  const SourceTensor *tensor = (*source)->find("blk.0.ffn_down.weight");
  EXPECT_EQ(tensor->permutation,
            (std::vector<int32_t>{0, 1, 3, 7, 2, 4, 5, 6}));
  RowFields row;
  tensor->readRow(5, row);
  EXPECT_EQ(row.codes, (std::vector<uint8_t>{7, 6, 4, 0, 5, 3, 2, 1}));
  // Column k holds 7 - k, less 15, and the scale of its group.
  std::vector<float> values(8);
  tensor->readReals(5, values.data());
  EXPECT_EQ(values,
            (std::vector<float>{-8, -9, -1000, -11, -1200, -1300, -1400, -15}));
}

TEST_F(ColumnOrderTest, in_order_is_none) {
  add("weight_packed", "I32", {8, 1}, words(std::vector(8, kCounting)));
  add("weight_scale", "F32", {8, 2}, floats(scalesUpTo(16)));
  add("weight_shape", "I64", {2}, longs({8, 8}));
  SafetensorsBuilder base = tensors;
  auto permutation = [&](const std::vector<uint32_t> &groups) {
    tensors = base;
    add("weight_g_idx", "I32", {8}, words(groups));
    write(compressed(kGroupsOf4));
    auto source = openHuggingFace(folder.path());
    EXPECT_TRUE(bool(source)) << llvm::toString(source.takeError());
    return (*source)->find("blk.0.ffn_down.weight")->permutation;
  };
  EXPECT_TRUE(permutation({0, 0, 0, 0, 1, 1, 1, 1}).empty());
  // As the library leaves it where there is no order.
  EXPECT_TRUE(permutation(std::vector<uint32_t>(8, UINT32_MAX)).empty());
  EXPECT_EQ(permutation({1, 1, 1, 1, 0, 0, 0, 0}),
            (std::vector<int32_t>{4, 5, 6, 7, 0, 1, 2, 3}));
}

TEST_F(ColumnOrderTest, refused) {
  add("qweight", "I32", {1, 8}, words(std::vector(8, kCounting)));
  add("scales", "F32", {2, 8}, floats(scalesUpTo(16)));
  add("qzeros", "I32", {2, 1}, words({0x77777777, 0x77777777}));
  SafetensorsBuilder base = tensors;
  auto refuse = [&](const std::vector<uint32_t> &groups,
                    const std::string &part) {
    tensors = base;
    add("g_idx", "I32", {int64_t(groups.size())}, words(groups));
    write(kTwoGroups);
    expectError(part);
  };
  refuse({0, 0, 0, 0, 1, 1, 1, 2},
         "down_proj.g_idx' puts column 7 into group 2, expected 0 to 1");
  refuse({0, 0, 0, 0, 1, 1, 1, UINT32_MAX},
         "puts column 7 into group -1, expected 0 to 1");
  refuse({0, 0, 0, 0, 0, 1, 1, 1},
         "has groups of other sizes than 4 columns, first at column 4 of "
         "group 0");
  refuse({0, 0, 0, 0, 1, 1, 1}, "has the shape [7], expected [8]");
}
