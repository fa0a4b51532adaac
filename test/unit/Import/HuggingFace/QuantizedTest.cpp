//===- QuantizedTest.cpp - Quantized matrices of a checkpoint -------------===//

#include "QuantizedFolder.h"

using namespace lowbit;
using namespace lowbit::test;

using QuantizedTest = QuantizedFolder;

TEST_F(QuantizedTest, pack_quantized) {
  add("weight_packed", "I32", {8, 1}, words(std::vector(8, kCounting)));
  add("weight_scale", "F32", {8, 2}, floats(scalesUpTo(16)));
  add("weight_shape", "I64", {2}, longs({8, 8}));
  write(compressed(kGroupsOf4));
  std::string scheme;
  RowFields row = read(3, scheme);
  EXPECT_EQ(scheme, "u4 offset 8, group 4 scale f32");
  EXPECT_EQ(row.codes, (std::vector<uint8_t>{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(fieldValue({FieldType::F32, 32}, row.fields[0][0][1]), 8);
  // Zero points lie along the rows: row 3 has nibble 3.
  add("weight_zero_point", "I32", {1, 2}, words({kCounting, 0xfedcba98}));
  write(compressed(kGroupsOf4));
  row = read(3, scheme);
  EXPECT_EQ(scheme, "u4, group 4 scale f32 zero u4");
  EXPECT_EQ(row.fields[0][1], (std::vector<uint32_t>{3, 11}));
}

TEST_F(QuantizedTest, codes_cross_words_but_did_not) {
  // 5 bits: 8 codes are 40 bits, 2 words; code 6 has bits 30 to 34.
  add("weight_packed", "I32", {8, 2},
      words({3u << 30, 5, 3u << 30, 5, 3u << 30, 5, 3u << 30, 5, 3u << 30, 5,
             3u << 30, 5, 3u << 30, 5, 3u << 30, 5}));
  add("weight_scale", "BF16", {8, 1}, std::string(16, '\x40'));
  add("weight_shape", "I64", {2}, longs({8, 8}));
  write(compressed(R"("num_bits": 5, "strategy": "channel")"));
  std::string scheme;
  RowFields row = read(7, scheme);
  EXPECT_EQ(scheme, "u5 offset 16, row scale bf16");
  EXPECT_EQ(row.codes, (std::vector<uint8_t>{0, 0, 0, 0, 0, 0, 3 + 4 * 5, 0}));
}

TEST_F(QuantizedTest, groups_by_name) {
  // 2 words hold 8 codes of 8 bits, or of 7.
  add("weight_packed", "I32", {8, 2}, words(std::vector(16, 0u)));
  add("weight_scale", "F32", {8, 1}, floats(scalesUpTo(8)));
  add("weight_shape", "I64", {2}, longs({8, 8}));
  auto config = [](const std::string &target) {
    return R"({"quant_method": "compressed-tensors",
        "format": "pack-quantized", "config_groups": {
        "a": {"targets": ["Linear"],
              "weights": {"num_bits": 8, "strategy": "channel"}},
        "b": {"targets": [")" +
           target +
           R"("], "weights": {"num_bits": 7, "strategy": "channel"}}}})";
  };
  write(config("re:.*down_proj"));
  expectError("fits several config groups of config.json");
  write(config("model.layers.0.mlp.down_proj"));
  std::string scheme;
  read(0, scheme);
  EXPECT_EQ(scheme, "u7 offset 64, row scale f32");
}

TEST_F(QuantizedTest, int_quantized) {
  std::string bytes(64, '\0');
  bytes[8] = char(-128);
  bytes[9] = 127;
  add("weight", "I8", {8, 8}, bytes);
  add("weight_scale", "F32", {8, 1}, floats(scalesUpTo(8)));
  std::string eight = R"("num_bits": 8, "strategy": "channel")";
  write(compressed(eight, "int-quantized"));
  std::string scheme;
  RowFields row = read(1, scheme);
  EXPECT_EQ(scheme, "s8, row scale f32");
  EXPECT_EQ(row.codes[0], 0x80);
  EXPECT_EQ(row.codes[1], 127);
  write(compressed(R"("num_bits": 4, "strategy": "channel")", "int-quantized"));
  expectError("has the value -128 at element 8, which is no integer of 4 bits");
  write(compressed(eight + R"(, "symmetric": false)", "int-quantized"));
  expectError("down_proj.weight_zero_point' is missing");
  write(compressed(eight));
  expectError("is int-quantized, but no config group of config.json is");
}

TEST_F(QuantizedTest, gptq) {
  // Column k of the words is output k.
  add("qweight", "I32", {1, 8}, words({0, 0, 0, kCounting, 0, 0, 0, 0}));
  add("scales", "F32", {2, 8}, floats(scalesUpTo(16)));
  add("qzeros", "I32", {2, 1}, words({0x77777777, 0x77773777}));
  add("bias", "F32", {8}, std::string(32, '\0')); // as AutoGPTQ has it
  write(kGPTQ);
  std::string scheme;
  RowFields row = read(3, scheme);
  EXPECT_EQ(scheme, "u4, group 4 scale f32 zero u4");
  EXPECT_EQ(row.codes, (std::vector<uint8_t>{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(row.fields[0][1], (std::vector<uint32_t>{8, 4})); // stored less 1
  EXPECT_EQ(fieldValue({FieldType::F32, 32}, row.fields[0][0][1]), 12);
  write(R"({"quant_method": "gptq", "bits": 4, "group_size": 4,
            "checkpoint_format": "gptq_v2"})");
  EXPECT_EQ(read(3, scheme).fields[0][1], (std::vector<uint32_t>{7, 3}));
}

TEST_F(QuantizedTest, gptq_zero_points) {
  add("qweight", "I32", {1, 8}, words(std::vector(8, kCounting)));
  add("scales", "F32", {2, 8}, floats(scalesUpTo(16)));
  SafetensorsBuilder without = tensors;
  add("qzeros", "I32", {2, 1}, words({0x77777777, 0x77777777}));
  write(kGPTQ);
  std::string scheme;
  read(0, scheme);
  EXPECT_EQ(scheme, "u4 offset 8, group 4 scale f32");
  tensors = without;
  add("qzeros", "I32", {2, 1}, words({0x77777777, 0x777f7777}));
  write(kGPTQ);
  expectError(
      "cannot hold, at group 1 and output 4: save the model as gptq_v2");
}

TEST_F(QuantizedTest, awq) {
  std::vector<uint32_t> lines(8, 0);
  lines[2] = kCounting; // column 2 of all outputs
  add("qweight", "I32", {8, 1}, words(lines));
  add("scales", "F32", {2, 8}, floats(scalesUpTo(16)));
  add("qzeros", "I32", {2, 1}, words({0, kCounting}));
  write(R"({"quant_method": "awq", "bits": 4, "group_size": 4})");
  std::string scheme;
  RowFields row = read(1, scheme); // nibble 4
  EXPECT_EQ(scheme, "u4, group 4 scale f32 zero u4");
  EXPECT_EQ(row.codes, (std::vector<uint8_t>{0, 0, 4, 0, 0, 0, 0, 0}));
  EXPECT_EQ(row.fields[0][1], (std::vector<uint32_t>{0, 4}));
  EXPECT_EQ(read(6, scheme).codes[2], 3);
}

TEST_F(QuantizedTest, refused_tensors) {
  add("weight_packed", "I32", {8, 1}, words(std::vector(8, kCounting)));
  add("weight_shape", "I64", {2}, longs({8, 8}));
  SafetensorsBuilder base = tensors;
  auto refuse = [&](const std::string &weights, const std::string &part) {
    write(compressed(weights));
    expectError(part);
    tensors = base;
  };
  refuse(kGroupsOf4, "down_proj.weight_scale' is missing");
  add("weight_scale", "I32", {8, 2}, floats(scalesUpTo(16)));
  refuse(kGroupsOf4, "weight_scale' is I32, expected F32 or F16 or BF16");
  add("weight_scale", "F32", {8, 1}, floats(scalesUpTo(8)));
  refuse(kGroupsOf4, "has the shape [8, 1], expected [8, 2]");
  add("weight_scale", "F32", {8, 2}, std::string(64, '\xff'));
  refuse(kGroupsOf4, "has a scale that is no finite number, at element 0");
  add("weight_scale", "F32", {8, 2}, floats(scalesUpTo(16)));
  refuse(R"("num_bits": 8, "group_size": 4)",
         "has 1 words for 8 codes of 8 bits, expected 2");
  add("weight_scale", "F32", {8, 2}, floats(scalesUpTo(16)));
  add("weight_zero_point", "I32", {2, 2}, words({0, 0, 0, 0}));
  refuse(kGroupsOf4, "weight_zero_point' has 2 words for 8 codes of 4 bits");
}

TEST_F(QuantizedTest, refused_configs) {
  auto refuse = [&](const std::string &quantization, const std::string &part) {
    write(quantization);
    expectError(part);
  };
  refuse(R"({"quant_method": "hqq"})",
         "key 'quantization_config.quant_method' is 'hqq', expected "
         "compressed-tensors, gptq, awq, bitnet, fp8 or torchao");
  refuse(R"({"quant_method": "gptq", "bits": 5, "group_size": 4})",
         "key 'quantization_config.bits' is 5, expected 2, 3, 4 or 8");
  refuse(R"({"quant_method": "gptq", "bits": 4, "group_size": 0})",
         "key 'quantization_config.group_size' must not be 0");
  refuse(R"({"quant_method": "gptq", "bits": 4, "group_size": 4,
             "checkpoint_format": "marlin"})",
         "checkpoint_format' is 'marlin', expected gptq or gptq_v2");
  refuse(R"({"quant_method": "awq", "bits": 4, "group_size": 4,
             "version": "gemv"})",
         "version' is 'gemv', expected gemm");
  refuse(compressed(kGroupsOf4, "float-quantized"),
         "format' is 'float-quantized', expected pack-quantized, "
         "int-quantized, naive-quantized");
  refuse(compressed(R"("num_bits": 9, "strategy": "channel")"),
         "config_groups.group_0.weights.num_bits' must be a whole number from "
         "2 to 8");
  refuse(compressed(R"("num_bits": 4, "strategy": "token")"),
         "strategy' is 'token', expected group, tensor_group, channel, tensor "
         "or block");
  refuse(compressed(R"("num_bits": 4, "strategy": "tensor",
                       "symmetric": false)"),
         "symmetric' is 'false', expected true where a scale has many rows");
  refuse(compressed(R"("num_bits": 8, "strategy": "block",
                       "block_structure": [4, 0])"),
         "block_structure' must be two whole numbers from 1 to");
  refuse(compressed(R"("num_bits": 6, "strategy": "channel",
                       "type": "float")"),
         "num_bits' is '6', expected 4 or 8 where the type is float");
  refuse(compressed(R"("num_bits": 4, "strategy": "channel",
                       "type": "posit")"),
         "type' is 'posit', expected int or float");
  refuse(R"({"quant_method": "fp8", "fmt": "e5m2"})",
         "fmt' is 'e5m2', expected e4m3");
  refuse(R"({"quant_method": "compressed-tensors"})",
         "config_groups' must be an object");
}
