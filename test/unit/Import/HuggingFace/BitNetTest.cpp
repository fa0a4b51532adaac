//===- BitNetTest.cpp - BitLinear layers of a checkpoint ------------------===//

#include "FolderBuilder.h"
#include "lowbit/Import/ModelSource.h"

#include <gtest/gtest.h>

using namespace lowbit;
using test::Folder;
using test::SafetensorsBuilder;

namespace {

std::string floats(const std::vector<float> &values) {
  return std::string(reinterpret_cast<const char *>(values.data()),
                     values.size() * 4);
}

/// A folder of one layer of 8 elements; down_proj [8, 8] is a BitLinear.
class BitNetTest : public ::testing::Test {
protected:
  static constexpr const char *kLayer = "model.layers.0.mlp.down_proj.";

  void SetUp() override {
    std::string layer = "model.layers.0.";
    tensors.count("model.embed_tokens.weight", {5, 8})
        .count("model.norm.weight", {8})
        .count(layer + "input_layernorm.weight", {8})
        .count(layer + "post_attention_layernorm.weight", {8});
    for (const char *name : {"q", "k", "v", "o"})
      tensors.count(layer + "self_attn." + name + "_proj.weight", {8, 8});
    for (const char *name : {"gate", "up"})
      tensors.count(layer + "mlp." + name + "_proj.weight", {8, 8});
  }
  void add(const std::string &part, const std::string &type,
           const std::vector<int64_t> &shape, const std::string &bytes) {
    tensors.add(kLayer + part, type, shape, bytes);
  }
  /// Rows 0 to 7 begin with the digits 0 1 2 0 1 2 0 1: bytes of rows 0, 2, 4,
  /// 6 and of 1, 3, 5, 7.
  void addPacked(float scale) {
    std::string bytes(8, char(0b00'01'10'00));
    bytes += std::string(8, char(0b01'10'00'01));
    add("weight", "U8", {2, 8}, bytes);
    add("weight_scale", "F32", {1}, floats({scale}));
  }
  void write(const std::string &more) {
    folder.write("config.json", R"({"model_type": "llama", "hidden_size": 8,
        "num_hidden_layers": 1, "intermediate_size": 8, "vocab_size": 5,
        "num_attention_heads": 2, "tie_word_embeddings": true,
        "quantization_config": {"quant_method": "bitnet",
            "modules_to_not_convert": ["lm_head", "model.layers.0.self_attn",
                                       "gate_proj", "up_proj"])" +
                                    more + "}}");
    folder.write("model.safetensors", tensors.bytes());
  }
  std::unique_ptr<ModelSource> open() {
    auto source = openHuggingFace(folder.path());
    if (source)
      return std::move(*source);
    ADD_FAILURE() << llvm::toString(source.takeError());
    return nullptr;
  }
  void expectError(const std::string &part) {
    auto source = openHuggingFace(folder.path());
    ASSERT_FALSE(bool(source)) << "the folder was accepted";
    std::string error = llvm::toString(source.takeError());
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
    EXPECT_NE(error.find(part), std::string::npos) << error;
  }

  Folder folder;
  SafetensorsBuilder tensors;
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
