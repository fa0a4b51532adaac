//===- CompressedFloatsTest.cpp - Layers whose codes are small floats -----===//

#include "QuantizedFolder.h"

using namespace lowbit;
using namespace lowbit::test;

namespace {

class CompressedFloatsTest : public QuantizedFolder {
protected:
  /// The numbers of row `row` of down_proj, and its scheme behind the codes.
  std::vector<float> values(int64_t row, std::string &levels) {
    std::string scheme;
    RowFields fields = read(row, scheme);
    levels = scheme.substr(std::min(scheme.find("], "), scheme.size()));
    Scheme parsed;
    std::string error;
    EXPECT_TRUE(Scheme::parse(scheme, parsed, error)) << error;
    std::vector<float> result(8);
    if (!fields.codes.empty())
      dequantizeRow(parsed, fields, 8, result.data());
    return result;
  }
};

/// 0.5, 1.5, 448, -448, 2^-9, -0, 1, 2 as E4M3.
constexpr char kRow[] = "\x30\x3c\x7e\xfe\x01\x80\x38\x40";
std::string eightRows() {
  std::string bytes;
  for (int i = 0; i < 8; ++i)
    bytes.append(kRow, 8);
  return bytes;
}
std::string weights(const std::string &strategy, int bits = 8) {
  return R"("type": "float", "num_bits": )" + std::to_string(bits) +
         R"(, "strategy": ")" + strategy + "\"";
}

} // namespace

TEST_F(CompressedFloatsTest, float_quantized) {
  add("weight", "F8_E4M3", {8, 8}, eightRows());
  SafetensorsBuilder base = tensors;
  std::string levels;
  add("weight_scale", "F32", {8, 1}, floats(scalesUpTo(8)));
  write(compressed(weights("channel"), "float-quantized"));
  EXPECT_EQ(values(1, levels),
            (std::vector<float>{1, 3, 896, -896, 0.00390625, 0, 2, 4}));
  EXPECT_EQ(levels, "], row scale f32");
  tensors = base;
  add("weight_scale", "BF16", {1}, std::string("\x00\x40", 2)); // 2
  add("input_scale", "F32", {1}, floats({1})); // --activations says instead
  write(compressed(weights("tensor"), "naive-quantized"));
  EXPECT_EQ(values(7, levels)[6], 2);
  EXPECT_EQ(levels, "], tensor scale bf16");
  tensors = base;
  // Blocks of 3 x 5: rows 6 and 7 and columns 5 to 7 are shorter ones.
  add("weight_scale", "F32", {3, 2}, floats({1, 2, 4, 8, 16, 32}));
  write(compressed(weights("block") + R"(, "block_structure": [3, 5])",
                   "float-quantized"));
  EXPECT_EQ(values(5, levels),
            (std::vector<float>{2, 6, 1792, -1792, 0.0078125, 0, 8, 16}));
  EXPECT_EQ(levels, "], group 5 scale f32");
  EXPECT_EQ(values(6, levels)[7], 64);
}

TEST_F(CompressedFloatsTest, fp8_of_transformers) {
  add("weight", "F8_E4M3", {8, 8}, eightRows());
  add("weight_scale_inv", "F32", {2, 2}, floats({1, 2, 4, 8}));
  write(R"({"quant_method": "fp8", "weight_block_size": [4, 4]})");
  std::string levels;
  EXPECT_EQ(values(4, levels),
            (std::vector<float>{2, 6, 1792, -1792, 0.015625, 0, 8, 16}));
  EXPECT_EQ(levels, "], group 4 scale f32");
}

TEST_F(CompressedFloatsTest, mxfp4) {
  add("weight_packed", "U8", {8, 4}, std::string(32, '\x72')); // 1 and 6
  add("weight_scale", "U8", {8, 2}, std::string(16, '\x80'));  // 2
  write(compressed(weights("group", 4) + R"(, "group_size": 4)",
                   "mxfp4-pack-quantized"));
  std::string levels;
  EXPECT_EQ(values(0, levels),
            (std::vector<float>{2, 12, 2, 12, 2, 12, 2, 12}));
  EXPECT_EQ(levels, "], group 4 scale e8m0");
}

TEST_F(CompressedFloatsTest, nvfp4) {
  add("weight_packed", "U8", {8, 4}, std::string(32, '\xf1')); // 0.5 and -6
  add("weight_scale", "F8_E4M3", {8, 2}, std::string(16, '\x40'));
  add("weight_global_scale", "F32", {1}, floats({4}));
  add("input_global_scale", "F32", {1}, floats({4}));
  std::string config =
      compressed(weights("tensor_group", 4) + R"(, "group_size": 4)",
                 "mixed-precision"); // the tensors say which
  write(config);
  std::string levels;
  EXPECT_EQ(values(2, levels),
            (std::vector<float>{0.25, -3, 0.25, -3, 0.25, -3, 0.25, -3}));
  EXPECT_EQ(levels, "], tensor scale f32, group 4 scale e4m3");
}

TEST_F(CompressedFloatsTest, refused) {
  SafetensorsBuilder base = tensors;
  auto refuse = [&](const std::string &config, const std::string &part) {
    write(config);
    expectError(part);
    tensors = base;
  };
  std::string channel = compressed(weights("channel"), "float-quantized");
  std::string nan = eightRows();
  nan[9] = '\xff';
  add("weight", "F8_E4M3", {8, 8}, nan);
  add("weight_scale", "F32", {8, 1}, floats(scalesUpTo(8)));
  refuse(channel, "down_proj.weight' has NaN at element 9");
  add("weight", "F8_E4M3", {8, 8}, eightRows());
  refuse(channel, "down_proj.weight_scale' is missing");
  add("weight", "F8_E5M2", {8, 8}, eightRows());
  add("weight_scale", "F32", {8, 1}, floats(scalesUpTo(8)));
  refuse(channel, "down_proj.weight' is F8_E5M2, expected F8_E4M3");
  add("weight", "F8_E4M3", {8, 8}, eightRows());
  add("weight_scale", "F32", {4, 1}, floats(scalesUpTo(4)));
  refuse(channel, "has the shape [4, 1], expected [8, 1]");
  std::string nvfp4 =
      compressed(weights("tensor_group", 4) + R"(, "group_size": 4)",
                 "nvfp4-pack-quantized");
  auto addNvfp4 = [&](const std::string &scales, float global) {
    add("weight_packed", "U8", {8, 4}, std::string(32, '\xf1'));
    add("weight_scale", "F8_E4M3", {8, 2}, scales);
    add("weight_global_scale", "F32", {1}, floats({global}));
  };
  addNvfp4(std::string(15, '\x40') + '\x7f', 4);
  refuse(nvfp4, "has a scale that is no finite number, at element 15");
  addNvfp4(std::string(16, '\x40'), 0);
  refuse(nvfp4, "weight_global_scale' must be a positive number");
  addNvfp4(std::string(16, '\x40'), 4);
  add("weight_zero_point", "U8", {8, 2}, std::string(16, '\0'));
  refuse(nvfp4, "weight_zero_point' has no place in a model of type llama");
  addNvfp4(std::string(16, '\x40'), 4);
  refuse(channel, "is nvfp4-pack-quantized, but no config group of config.json "
                  "is");
}
