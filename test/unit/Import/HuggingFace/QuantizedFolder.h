//===- QuantizedFolder.h - Folders of one quantized layer -------*- C++ -*-===//

#ifndef LOWBIT_TEST_UNIT_IMPORT_HUGGINGFACE_QUANTIZEDFOLDER_H
#define LOWBIT_TEST_UNIT_IMPORT_HUGGINGFACE_QUANTIZEDFOLDER_H

#include "FolderBuilder.h"
#include "lowbit/Import/ModelSource.h"

#include <gtest/gtest.h>

namespace lowbit::test {

inline std::string words(const std::vector<uint32_t> &values) {
  return std::string(reinterpret_cast<const char *>(values.data()),
                     values.size() * 4);
}
inline std::string longs(const std::vector<int64_t> &values) {
  return std::string(reinterpret_cast<const char *>(values.data()),
                     values.size() * 8);
}
inline std::string floats(const std::vector<float> &values) {
  return std::string(reinterpret_cast<const char *>(values.data()),
                     values.size() * 4);
}

/// A folder of one layer: 8 elements, 2 heads of 4, 8 hidden, 5 tokens;
/// down_proj [8, 8] is quantized.
class QuantizedFolder : public ::testing::Test {
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

inline std::vector<float> scalesUpTo(size_t count) {
  std::vector<float> scales(count);
  for (size_t i = 0; i < count; ++i)
    scales[i] = float(i + 1);
  return scales;
}

} // namespace lowbit::test

#endif // LOWBIT_TEST_UNIT_IMPORT_HUGGINGFACE_QUANTIZEDFOLDER_H
