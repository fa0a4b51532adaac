//===- BitNetTest.cpp - BitLinear layers of a checkpoint ------------------===//

#include "QuantizedFolder.h"

using namespace lowbit;
using test::floats;

namespace {

/// down_proj is a BitLinear.
class BitNetTest : public test::QuantizedFolder {
protected:
  /// Rows 0 to 7 begin with the digits 0 1 2 0 1 2 0 1: bytes of rows 0, 2, 4,
  /// 6 and of 1, 3, 5, 7.
  void addPacked(float scale) {
    std::string bytes(8, char(0b00'01'10'00));
    bytes += std::string(8, char(0b01'10'00'01));
    add("weight", "U8", {2, 8}, bytes);
    add("weight_scale", "F32", {1}, floats({scale}));
  }
  void write(const std::string &more) {
    QuantizedFolder::write(R"({"quant_method": "bitnet",
        "modules_to_not_convert": ["lm_head", "model.layers.0.self_attn",
                                   "gate_proj", "up_proj"])" +
                           more + "}");
  }
  std::unique_ptr<ModelSource> open() {
    auto source = openHuggingFace(folder.path());
    if (source)
      return std::move(*source);
    ADD_FAILURE() << llvm::toString(source.takeError());
    return nullptr;
  }
};

constexpr const char *kOffline = R"(, "linear_class": "autobitlinear")";
constexpr const char *kOnline =
    R"(, "linear_class": "autobitlinear", "quantization_mode": "online")";

} // namespace

TEST_F(BitNetTest, packed_rows) {
  addPacked(0.5f);
  write("");
  auto source = open();
  ASSERT_TRUE(source);
  const SourceTensor *tensor = source->find("blk.0.ffn_down.weight");
  EXPECT_EQ(tensor->shape, (std::vector<int64_t>{8, 8}));
  EXPECT_EQ(tensor->format->scheme.str(), "ternary, tensor divisor f32");
  ASSERT_TRUE(tensor->inputs);
  EXPECT_EQ(tensor->inputs->scheme.str(), "s8, row divisor f32");
  for (int64_t row = 0; row < 8; ++row) {
    float values[8];
    tensor->readReals(row, values);
    // Row r is bits 2 (r div 2) of byte row r mod 2, less 1; over 0.5.
    const float digits[] = {0, 1, 2, 0, 1, 2, 0, 1};
    EXPECT_EQ(values[7], 2 * (digits[row] - 1)) << row;
  }
  EXPECT_FALSE(source->find("blk.0.ffn_up.weight")->inputs);
}

TEST_F(BitNetTest, scale_multiplies_in_the_other_class) {
  addPacked(0.5f);
  write(kOffline);
  auto source = open();
  ASSERT_TRUE(source);
  const SourceTensor *tensor = source->find("blk.0.ffn_down.weight");
  EXPECT_EQ(tensor->format->scheme.str(), "ternary, tensor scale f32");
  float values[8];
  tensor->readReals(0, values);
  EXPECT_EQ(values[0], -0.5f);
}

/// mean |w| = 1: 0.5 is a tie and becomes 0, 1.5 becomes 1.
TEST_F(BitNetTest, floats_are_rounded) {
  std::vector<float> weights;
  for (int row = 0; row < 8; ++row)
    for (float value : {0.5f, -0.5f, 1.5f, -1.5f, 0.75f, -1.25f, 1.0f, 1.0f})
      weights.push_back(value);
  add("weight", "F32", {8, 8}, floats(weights));
  write(kOnline);
  auto source = open();
  ASSERT_TRUE(source);
  const SourceTensor *tensor = source->find("blk.0.ffn_down.weight");
  RowFields row;
  tensor->readRow(5, row);
  EXPECT_EQ(row.codes, (std::vector<uint8_t>{1, 1, 2, 0, 2, 0, 2, 2}));
  EXPECT_EQ(fieldValue({FieldType::F32, 32}, row.fields[0][0][0]), 1);
}

TEST_F(BitNetTest, digit_that_is_none) {
  std::string bytes(16, char(0b01'01'01'01));
  bytes[9] = char(0b01'11'00'00);
  add("weight", "U8", {2, 8}, bytes);
  add("weight_scale", "F32", {1}, floats({1}));
  write("");
  expectError("down_proj.weight' has the byte 112 at element 9");
}

TEST_F(BitNetTest, scales_that_are_none) {
  addPacked(0);
  write("");
  expectError("weight_scale' is 0");
}

TEST_F(BitNetTest, scale_is_missing) {
  add("weight", "U8", {2, 8}, std::string(16, '\0'));
  write("");
  expectError("weight_scale' is missing");
}

TEST_F(BitNetTest, floats_where_digits_should_be) {
  tensors.count(std::string(kLayer) + "weight", {8, 8});
  write(kOffline);
  expectError("down_proj.weight' is F32, expected U8");
}
