//===- HuggingFaceTest.cpp - Folders as a model source --------------------===//

#include "FolderBuilder.h"
#include "lowbit/Import/ModelSource.h"

#include <gtest/gtest.h>

using namespace lowbit;
using test::Folder;
using test::SafetensorsBuilder;

namespace {

using Sizes = std::vector<int64_t>;

/// A folder of one layer: 4 elements, 2 heads of 2, 6 hidden, 5 tokens.
class HuggingFaceTest : public ::testing::Test {
protected:
  void writeConfig(const std::string &more) {
    folder.write("config.json",
                 "{" + more + R"(, "hidden_size": 4, "num_hidden_layers": 1,
                     "intermediate_size": 6, "vocab_size": 5)" +
                     (more.find("num_attention_heads") == more.npos
                          ? ", \"num_attention_heads\": 2}"
                          : "}"));
  }
  static SafetensorsBuilder llamaTensors() {
    SafetensorsBuilder tensors;
    std::string layer = "model.layers.0.";
    tensors.count("model.embed_tokens.weight", {5, 4})
        .count("model.norm.weight", {4})
        .count(layer + "input_layernorm.weight", {4})
        .count(layer + "post_attention_layernorm.weight", {4})
        .count(layer + "mlp.down_proj.weight", {4, 6})
        .count(layer + "self_attn.o_proj.weight", {4, 4});
    return tensors;
  }
  static SafetensorsBuilder separate(SafetensorsBuilder tensors) {
    std::string layer = "model.layers.0.";
    for (const char *name : {"q", "k", "v"})
      tensors.count(layer + "self_attn." + name + "_proj.weight", {4, 4});
    for (const char *name : {"gate", "up"})
      tensors.count(layer + "mlp." + name + "_proj.weight", {6, 4});
    return tensors;
  }
  void writeModel(const SafetensorsBuilder &tensors) {
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
    EXPECT_EQ(error.rfind(folder.path(), 0), 0u) << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
    EXPECT_NE(error.find(part), std::string::npos) << error;
  }
  static std::vector<float> row(const ModelSource &source,
                                const std::string &name, int64_t index) {
    RowFields fields;
    source.find(name)->readRow(index, fields);
    return fields.reals;
  }

  Folder folder;
};

constexpr const char *kTied =
    R"("model_type": "llama", "tie_word_embeddings": true)";

} // namespace

TEST_F(HuggingFaceTest, keys_and_names_are_those_of_gguf) {
  writeConfig(R"("model_type": "llama", "rope_theta": 5e5,
                 "num_key_value_heads": 2)");
  writeModel(separate(llamaTensors()).count("lm_head.weight", {5, 4}));
  std::unique_ptr<ModelSource> source = open();
  ASSERT_TRUE(source);
  EXPECT_EQ(source->string("general.architecture"), "llama");
  EXPECT_EQ(source->integer("llama.embedding_length"), 4);
  EXPECT_EQ(source->integer("llama.attention.key_length"), 2);
  EXPECT_EQ(source->integer("llama.context_length"), 2048); // by default
  EXPECT_EQ(source->real("llama.rope.freq_base"), 5e5);
  EXPECT_EQ(source->tensors().size(), 12u);
  ASSERT_TRUE(source->find("blk.0.ffn_norm.weight"));
  EXPECT_EQ(source->find("output.weight")->shape, (Sizes{5, 4}));
  EXPECT_EQ(source->nameInFile("blk.0.ffn_norm.weight"),
            "model.layers.0.post_attention_layernorm.weight");
  EXPECT_EQ(source->nameInFile("llama.embedding_length"), "hidden_size");
  EXPECT_EQ(row(*source, "token_embd.weight", 1),
            (std::vector<float>{4, 5, 6, 7}));
}

TEST_F(HuggingFaceTest, elements_that_rotate_together_become_neighbours) {
  writeConfig(R"("model_type": "llama", "tie_word_embeddings": true,
                 "num_attention_heads": 1, "attention_bias": true)");
  SafetensorsBuilder tensors = separate(llamaTensors());
  for (const char *name : {"q", "k", "v", "o"})
    tensors.count(
        "model.layers.0.self_attn." + std::string(name) + "_proj.bias", {4});
  writeModel(tensors);
  std::unique_ptr<ModelSource> source = open();
  ASSERT_TRUE(source);
  // Rows 0, 2, 1, 3 of a head of 4.
  EXPECT_EQ(row(*source, "blk.0.attn_q.weight", 1).front(), 8);
  EXPECT_EQ(row(*source, "blk.0.attn_k.weight", 2).front(), 4);
  EXPECT_EQ(row(*source, "blk.0.attn_v.weight", 1).front(), 4);
  EXPECT_EQ(row(*source, "blk.0.attn_q.bias", 0),
            (std::vector<float>{0, 2, 1, 3}));
  EXPECT_EQ(row(*source, "blk.0.attn_v.bias", 0),
            (std::vector<float>{0, 1, 2, 3}));
}

TEST_F(HuggingFaceTest, fused_matrices_are_ranges_of_rows) {
  writeConfig(R"("model_type": "phi3", "num_key_value_heads": 1,
                 "tie_word_embeddings": true)");
  writeModel(llamaTensors()
                 .count("model.layers.0.self_attn.qkv_proj.weight", {8, 4})
                 .count("model.layers.0.mlp.gate_up_proj.weight", {12, 4}));
  std::unique_ptr<ModelSource> source = open();
  ASSERT_TRUE(source);
  EXPECT_EQ(source->find("blk.0.attn_q.weight")->shape, (Sizes{4, 4}));
  EXPECT_EQ(source->find("blk.0.attn_k.weight")->shape, (Sizes{2, 4}));
  EXPECT_EQ(row(*source, "blk.0.attn_k.weight", 0).front(), 16);
  EXPECT_EQ(row(*source, "blk.0.attn_v.weight", 1).back(), 31);
  EXPECT_EQ(row(*source, "blk.0.ffn_up.weight", 0).front(), 24);
  writeModel(llamaTensors()
                 .count("model.layers.0.self_attn.qkv_proj.weight", {9, 4})
                 .count("model.layers.0.mlp.gate_up_proj.weight", {12, 4}));
  expectError("tensor 'model.layers.0.self_attn.qkv_proj.weight' must have 8 "
              "rows");
}

TEST_F(HuggingFaceTest, gemma_adds_one_to_norms) {
  writeConfig(R"("model_type": "gemma3_text", "head_dim": 2,
                 "num_key_value_heads": 2)");
  std::string layer = "model.layers.0.";
  writeModel(separate(llamaTensors())
                 .count(layer + "pre_feedforward_layernorm.weight", {4})
                 .count(layer + "post_feedforward_layernorm.weight", {4})
                 .count(layer + "self_attn.q_norm.weight", {2})
                 .count(layer + "self_attn.k_norm.weight", {2}));
  std::unique_ptr<ModelSource> source = open();
  ASSERT_TRUE(source);
  EXPECT_EQ(row(*source, "output_norm.weight", 0),
            (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(row(*source, "token_embd.weight", 0),
            (std::vector<float>{0, 1, 2, 3}));
  EXPECT_EQ(source->real("gemma3.attention.scale"), 1.0 / 16); // by default
  EXPECT_EQ(source->integers("gemma3.attention.sliding_window_pattern"),
            (Sizes{1}));
}

TEST_F(HuggingFaceTest, shards) {
  writeConfig(kTied);
  folder.write("a.safetensors", llamaTensors().bytes());
  folder.write("b.safetensors", separate(SafetensorsBuilder()).bytes());
  auto index = [&](const std::string &map) {
    folder.write("model.safetensors.index.json",
                 "{\"weight_map\": " + map + "}");
  };
  index(R"({"model.norm.weight": "a.safetensors",
            "model.layers.0.mlp.up_proj.weight": "b.safetensors"})");
  std::unique_ptr<ModelSource> source = open();
  ASSERT_TRUE(source);
  EXPECT_EQ(source->tensors().size(), 11u);
  index(R"({"model.norm.weight": "a.safetensors", "x": "b.safetensors"})");
  expectError("b.safetensors: tensor 'x' is missing");
  index(R"({"model.norm.weight": "c.safetensors"})");
  expectError("c.safetensors: no such file: a shard is missing");
  index(R"({"model.norm.weight": "../a.safetensors"})");
  expectError("is not in a file of the folder");
  index("[]");
  expectError("has no weight_map");
  index(R"({"model.norm.weight": "a.safetensors", "y": "b.safetensors"})");
  folder.write("b.safetensors", llamaTensors().bytes());
  expectError("is in two shards");
}

TEST_F(HuggingFaceTest, missing_and_extra_tensors) {
  writeConfig(kTied);
  writeModel(llamaTensors());
  expectError("tensor 'model.layers.0.self_attn.q_proj.weight' is missing, "
              "which config.json says the model has");
  writeModel(separate(llamaTensors()).count("model.layers.1.x", {1}));
  expectError("tensor 'model.layers.1.x' has no place in a model of type "
              "llama");
  // A tied head that is stored all the same is nobody's.
  writeModel(separate(llamaTensors()).count("lm_head.weight", {5, 4}));
  EXPECT_TRUE(open());
  writeConfig(R"("model_type": "llama")");
  writeModel(separate(llamaTensors()));
  expectError("tensor 'lm_head.weight' is missing");
  writeConfig(std::string(kTied) + R"(, "attention_bias": true)");
  expectError("tensor 'model.layers.0.self_attn.q_proj.bias' is missing");
  writeConfig(kTied);
  writeModel(SafetensorsBuilder().count("encoder.weight", {1}));
  expectError("is this the folder of a language model?");
}

TEST_F(HuggingFaceTest, types_of_tensors) {
  writeConfig(kTied);
  writeModel(SafetensorsBuilder().add("model.embed_tokens.weight", "I8", {5, 4},
                                      std::string(20, '\0')));
  expectError("tensor 'model.embed_tokens.weight' is I8, expected F32, F16 or "
              "BF16");
  writeModel(SafetensorsBuilder().add("model.embed_tokens.weight", "F32", {},
                                      std::string(4, '\0')));
  expectError("has no elements or no dimension");
}

TEST_F(HuggingFaceTest, pickles_are_never_loaded) {
  writeConfig(kTied);
  expectError("has neither model.safetensors nor");
  folder.write("pytorch_model.bin", "\x80\x02");
  expectError("pytorch_model.bin: is a pickle, which can run any code and is "
              "never loaded: convert it");
  expectError("safe_serialization=True");
}

TEST_F(HuggingFaceTest, other_paths) {
  expectError("has no config.json");
  folder.write("model.safetensors", "");
  auto source = openModel(folder.file("model.safetensors"));
  ASSERT_FALSE(bool(source));
  EXPECT_NE(llvm::toString(source.takeError()).find("give the folder"),
            std::string::npos);
}

//===- config.json --------------------------------------------------------===//

TEST_F(HuggingFaceTest, configs) {
  auto refuse = [&](const std::string &more, const std::string &part) {
    writeConfig(more);
    expectError(part);
  };
  folder.write("config.json", "{");
  expectError("config.json: is not JSON");
  refuse(R"("a": 1)", "key 'model_type' is missing; known are llama, mistral");
  refuse(R"("model_type": "mamba")", "model_type 'mamba' is not supported");
  refuse(R"("model_type": "llama", "quantization_config":
            {"quant_method": "quip"})",
         "key 'quantization_config.quant_method' is 'quip', expected "
         "compressed-tensors, gptq, awq, bitnet, fp8 or torchao");
  refuse(R"("model_type": "llama", "num_key_value_heads": 3)",
         "key 'num_attention_heads' is 2, expected a multiple of "
         "num_key_value_heads, 3");
  refuse(R"("model_type": "llama", "head_dim": "x")",
         "key 'head_dim' must be a whole number from 1 to");
  refuse(R"("model_type": "llama", "max_position_embeddings": 1e30)",
         "key 'max_position_embeddings' must be a whole number");
  refuse(R"("model_type": "llama", "hidden_act": "gelu")",
         "key 'hidden_act' is 'gelu', expected 'silu'");
  refuse(R"("model_type": "llama", "mlp_bias": 1)",
         "key 'mlp_bias' must be true or false");
  refuse(
      R"("model_type": "gemma3_text", "num_key_value_heads": 2, "final_logit_softcapping": 30.0)",
      "key 'final_logit_softcapping' is not supported");
  refuse(
      R"("model_type": "qwen2", "num_key_value_heads": 2, "use_sliding_window": true,
            "layer_types": ["chunked_attention"])",
      "key 'layer_types' has 'chunked_attention'");
  refuse(
      R"("model_type": "smollm3", "num_key_value_heads": 2, "no_rope_layers": [1, 1])",
      "key 'no_rope_layers' must be a list of 1 numbers");
}

TEST_F(HuggingFaceTest, rotary_positions) {
  auto refuse = [&](const std::string &scaling, const std::string &part) {
    writeConfig(R"("model_type": "llama", "rope_scaling": )" + scaling);
    expectError(part);
  };
  refuse(R"({"rope_type": "spiral"})",
         "key 'rope_scaling.rope_type' is 'spiral', expected default");
  refuse(R"({"rope_type": "linear"})", "key 'rope_scaling.factor' is missing");
  refuse(R"({"rope_type": "llama3", "factor": 8, "low_freq_factor": 4,
             "high_freq_factor": 1})",
         "needs factor >= 1 and 0 < low_freq_factor < high_freq_factor");
  refuse(R"({"rope_type": "longrope", "short_factor": [1, 2, 3]})",
         "key 'rope_scaling.short_factor' has 3 elements, expected 1");
  refuse(R"({"rope_type": "longrope", "short_factor": [0]})",
         "must hold numbers above 0");
  refuse(R"({"rope_theta": 0.5})", "'rope_scaling.rope_theta' must be above 1");
  refuse(R"({"partial_rotary_factor": 0.7})",
         "key 'partial_rotary_factor' must give an even number");
}
