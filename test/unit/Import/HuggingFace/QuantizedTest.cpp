//===- QuantizedTest.cpp - Quantized matrices of a checkpoint -------------===//

#include "FolderBuilder.h"
#include "lowbit/Import/ModelSource.h"

#include <gtest/gtest.h>

using namespace lowbit;
using test::Folder;
using test::SafetensorsBuilder;

namespace {

std::string words(const std::vector<uint32_t> &values) {
  return std::string(reinterpret_cast<const char *>(values.data()),
                     values.size() * 4);
}
std::string longs(const std::vector<int64_t> &values) {
  return std::string(reinterpret_cast<const char *>(values.data()),
                     values.size() * 8);
}
std::string floats(const std::vector<float> &values) {
  return std::string(reinterpret_cast<const char *>(values.data()),
                     values.size() * 4);
}

/// A folder of one layer: 8 elements, 2 heads of 4, 8 hidden, 5 tokens;
/// down_proj [8, 8] is quantized.
class QuantizedTest : public ::testing::Test {
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
  void write(const std::string &quantization) {
    folder.write("config.json", R"({"model_type": "llama", "hidden_size": 8,
        "num_hidden_layers": 1, "intermediate_size": 8, "vocab_size": 5,
        "num_attention_heads": 2, "tie_word_embeddings": true,
        "quantization_config": )" + quantization +
                                    "}");
    folder.write("model.safetensors", tensors.bytes());
  }
  /// Row `row` of down_proj, and its scheme in words.
  RowFields read(int64_t row, std::string &scheme) {
    auto source = openHuggingFace(folder.path());
    RowFields fields;
    if (!source) {
      ADD_FAILURE() << llvm::toString(source.takeError());
      return fields;
    }
    const SourceTensor *tensor = (*source)->find("blk.0.ffn_down.weight");
    EXPECT_EQ(tensor->shape, (std::vector<int64_t>{8, 8}));
    scheme = tensor->format->scheme.str();
    EXPECT_EQ(tensor->format->scheme.check(), "");
    tensor->readRow(row, fields);
    return fields;
  }
  void expectError(const std::string &part) {
    auto source = openHuggingFace(folder.path());
    ASSERT_FALSE(bool(source)) << "the folder was accepted";
    std::string error = llvm::toString(source.takeError());
    EXPECT_EQ(error.rfind(folder.path(), 0), 0u) << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
    EXPECT_NE(error.find(part), std::string::npos) << error;
  }
  static std::string compressed(const std::string &weights,
                                const std::string &format = "pack-quantized") {
    return R"({"quant_method": "compressed-tensors", "format": ")" + format +
           R"(", "config_groups": {"group_0": {"weights": {)" + weights +
           "}}}}";
  }

  Folder folder;
  SafetensorsBuilder tensors;
};

/// Codes 0, 1, ... 7 in a word of 4 bits each.
constexpr uint32_t kCounting = 0x76543210;
constexpr const char *kGroupsOf4 =
    R"("num_bits": 4, "strategy": "group", "group_size": 4)";
constexpr const char *kGPTQ =
    R"({"quant_method": "gptq", "bits": 4, "group_size": 4})";

std::vector<float> scalesUpTo(size_t count) {
  std::vector<float> scales(count);
  for (size_t i = 0; i < count; ++i)
    scales[i] = float(i + 1);
  return scales;
}

} // namespace

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

TEST_F(QuantizedTest, gptq_activation_order) {
  add("qweight", "I32", {1, 8}, words(std::vector(8, kCounting)));
  add("scales", "F32", {2, 8}, floats(scalesUpTo(16)));
  add("qzeros", "I32", {2, 1}, words({0x77777777, 0x77777777}));
  add("g_idx", "I32", {8}, words({0, 0, 1, 0, 0, 1, 1, 1}));
  write(kGPTQ);
  expectError("down_proj.g_idx' puts column 2 into group 1, expected 0");
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
  add("weight_scale", "F32", {8, 2}, floats(scalesUpTo(16)));
  add("weight_g_idx", "I32", {8}, words(std::vector<uint32_t>(8, 0)));
  refuse(kGroupsOf4, "puts columns into groups in another order");
}

TEST_F(QuantizedTest, refused_configs) {
  auto refuse = [&](const std::string &quantization, const std::string &part) {
    write(quantization);
    expectError(part);
  };
  refuse(R"({"quant_method": "hqq"})",
         "key 'quantization_config.quant_method' is 'hqq', expected "
         "compressed-tensors, gptq, awq, bitnet or torchao");
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
         "format' is 'float-quantized', expected pack-quantized or "
         "int-quantized");
  refuse(compressed(R"("num_bits": 9, "strategy": "channel")"),
         "config_groups.group_0.weights.num_bits' must be a whole number from "
         "2 to 8");
  refuse(compressed(R"("num_bits": 4, "strategy": "tensor")"),
         "strategy' is 'tensor', expected group or channel");
  refuse(R"({"quant_method": "compressed-tensors"})",
         "config_groups' must be an object");
}
