//===- Families.cpp - Model families of transformers ----------------------===//

#include "Families.h"

namespace lowbit::huggingface {

static constexpr unsigned kPlain = Basic | SeparateMatrices | InnerNorms;

static constexpr unsigned kAttentionBiases = InputBiases | OutputBias;
static constexpr unsigned kAllBiases = kAttentionBiases | FeedForwardBiases;

static constexpr const char *kBertDefaults =
    R"({"vocab_size": 30522, "hidden_size": 768, "num_hidden_layers": 12,
        "num_attention_heads": 12, "intermediate_size": 3072,
        "max_position_embeddings": 512, "type_vocab_size": 2,
        "layer_norm_eps": 1e-12, "pad_token_id": 0})";
static constexpr const char *kRobertaDefaults =
    R"({"vocab_size": 50265, "hidden_size": 768, "num_hidden_layers": 12,
        "num_attention_heads": 12, "intermediate_size": 3072,
        "max_position_embeddings": 512, "type_vocab_size": 2,
        "layer_norm_eps": 1e-12, "pad_token_id": 1})";

static constexpr Family kFamilies[] = {
    {"llama", "llama", kPlain, kAllBiases, Windows::None, "hidden_act", "silu",
     false, true, R"({"max_position_embeddings": 2048, "rms_norm_eps": 1e-6})"},
    {"mistral", "llama", kPlain, 0, Windows::EveryLayer, "hidden_act", "silu",
     false, true, R"({"max_position_embeddings": 131072, "rms_norm_eps": 1e-6,
         "num_key_value_heads": 8, "sliding_window": 4096})"},
    {"qwen2", "qwen2", kPlain | InputBiases, 0, Windows::LastLayers,
     "hidden_act", "silu", false, false,
     R"({"max_position_embeddings": 32768, "rms_norm_eps": 1e-6,
         "num_key_value_heads": 32, "use_sliding_window": false,
         "sliding_window": 4096, "max_window_layers": 28})"},
    {"qwen3", "qwen3", kPlain | HeadNorms, kAttentionBiases,
     Windows::LastLayers, "hidden_act", "silu", false, false,
     R"({"max_position_embeddings": 32768, "rms_norm_eps": 1e-6,
         "num_key_value_heads": 32, "head_dim": 128,
         "use_sliding_window": false, "sliding_window": 4096,
         "max_window_layers": 28})"},
    {"gemma3_text", "gemma3",
     Basic | SeparateMatrices | HeadNorms | SandwichNorms, kAttentionBiases,
     Windows::Periodic, "hidden_activation", "gelu_pytorch_tanh", true, false,
     R"({"vocab_size": 262208, "hidden_size": 2304, "intermediate_size": 9216,
         "num_hidden_layers": 26, "num_attention_heads": 8,
         "num_key_value_heads": 4, "head_dim": 256,
         "max_position_embeddings": 131072, "rms_norm_eps": 1e-6,
         "tie_word_embeddings": true, "rope_theta": 1000000.0,
         "rope_local_base_freq": 10000.0, "query_pre_attn_scalar": 256,
         "sliding_window": 4096, "sliding_window_pattern": 6})"},
    {"smollm3", "smollm3", kPlain, kAllBiases, Windows::Unrotated, "hidden_act",
     "silu", false, true,
     R"({"max_position_embeddings": 32768, "rms_norm_eps": 1e-6,
         "num_key_value_heads": 4, "rope_theta": 2000000.0,
         "no_rope_layer_interval": 4, "use_sliding_window": false,
         "tie_word_embeddings": true})"},
    {"phi3", "phi3", Basic | FusedMatrices | InnerNorms, 0, Windows::EveryLayer,
     "hidden_act", "silu", false, false,
     R"({"max_position_embeddings": 4096, "rms_norm_eps": 1e-5,
         "original_max_position_embeddings": 4096})"},
    {"bert", "bert", Encoder, 0, Windows::None, "hidden_act", "gelu", false,
     false, kBertDefaults},
    {"roberta", "bert", Encoder, 0, Windows::None, "hidden_act", "gelu", false,
     false, kRobertaDefaults},
    {"xlm-roberta", "bert", Encoder, 0, Windows::None, "hidden_act", "gelu",
     false, false, kRobertaDefaults},
    {"camembert", "bert", Encoder, 0, Windows::None, "hidden_act", "gelu",
     false, false, kRobertaDefaults},
    {"bitnet", "bitnet", kPlain | SubNorms, kAttentionBiases, Windows::None,
     "hidden_act", "relu2 silu", false, false,
     R"({"max_position_embeddings": 2048, "rms_norm_eps": 1e-5,
         "num_key_value_heads": 5, "rope_theta": 500000.0,
         "hidden_act": "relu2"})"},
};

static constexpr TensorRule kLayerRules[] = {
    {Encoder, "attention.self.query.weight", "attn_q.weight"},
    {Encoder, "attention.self.query.bias", "attn_q.bias"},
    {Encoder, "attention.self.key.weight", "attn_k.weight"},
    {Encoder, "attention.self.key.bias", "attn_k.bias"},
    {Encoder, "attention.self.value.weight", "attn_v.weight"},
    {Encoder, "attention.self.value.bias", "attn_v.bias"},
    {Encoder, "attention.output.dense.weight", "attn_output.weight"},
    {Encoder, "attention.output.dense.bias", "attn_output.bias"},
    {Encoder, "attention.output.LayerNorm.weight", "attn_output_norm.weight"},
    {Encoder, "attention.output.LayerNorm.bias", "attn_output_norm.bias"},
    {Encoder, "intermediate.dense.weight", "ffn_up.weight"},
    {Encoder, "intermediate.dense.bias", "ffn_up.bias"},
    {Encoder, "output.dense.weight", "ffn_down.weight"},
    {Encoder, "output.dense.bias", "ffn_down.bias"},
    {Encoder, "output.LayerNorm.weight", "layer_output_norm.weight"},
    {Encoder, "output.LayerNorm.bias", "layer_output_norm.bias"},
    {Basic, "input_layernorm.weight", "attn_norm.weight"},
    {SeparateMatrices, "self_attn.q_proj.weight", "attn_q.weight"},
    {SeparateMatrices, "self_attn.k_proj.weight", "attn_k.weight"},
    {SeparateMatrices, "self_attn.v_proj.weight", "attn_v.weight"},
    {FusedMatrices, "self_attn.qkv_proj.weight", "attn_q.weight",
     Rows::Queries},
    {FusedMatrices, "self_attn.qkv_proj.weight", "attn_k.weight", Rows::Keys},
    {FusedMatrices, "self_attn.qkv_proj.weight", "attn_v.weight", Rows::Values},
    {InputBiases, "self_attn.q_proj.bias", "attn_q.bias"},
    {InputBiases, "self_attn.k_proj.bias", "attn_k.bias"},
    {InputBiases, "self_attn.v_proj.bias", "attn_v.bias"},
    {HeadNorms, "self_attn.q_norm.weight", "attn_q_norm.weight"},
    {HeadNorms, "self_attn.k_norm.weight", "attn_k_norm.weight"},
    {SubNorms, "self_attn.attn_sub_norm.weight", "attn_sub_norm.weight"},
    {Basic, "self_attn.o_proj.weight", "attn_output.weight"},
    {OutputBias, "self_attn.o_proj.bias", "attn_output.bias"},
    {InnerNorms, "post_attention_layernorm.weight", "ffn_norm.weight"},
    {SandwichNorms, "post_attention_layernorm.weight",
     "post_attention_norm.weight"},
    {SandwichNorms, "pre_feedforward_layernorm.weight", "ffn_norm.weight"},
    {SandwichNorms, "post_feedforward_layernorm.weight",
     "post_ffw_norm.weight"},
    {SeparateMatrices, "mlp.gate_proj.weight", "ffn_gate.weight"},
    {SeparateMatrices, "mlp.up_proj.weight", "ffn_up.weight"},
    {FusedMatrices, "mlp.gate_up_proj.weight", "ffn_gate.weight", Rows::Gate},
    {FusedMatrices, "mlp.gate_up_proj.weight", "ffn_up.weight", Rows::Up},
    {SubNorms, "mlp.ffn_sub_norm.weight", "ffn_sub_norm.weight"},
    {Basic, "mlp.down_proj.weight", "ffn_down.weight"},
    {FeedForwardBiases, "mlp.gate_proj.bias", "ffn_gate.bias"},
    {FeedForwardBiases, "mlp.up_proj.bias", "ffn_up.bias"},
    {FeedForwardBiases, "mlp.down_proj.bias", "ffn_down.bias"},
};

static constexpr TensorRule kModelRules[] = {
    {Basic, "embed_tokens.weight", "token_embd.weight"},
    {Basic, "norm.weight", "output_norm.weight"},
    {Encoder, "embeddings.word_embeddings.weight", "token_embd.weight"},
    {Encoder, "embeddings.position_embeddings.weight", "position_embd.weight",
     Rows::Positions},
    {TokenTypes, "embeddings.token_type_embeddings.weight",
     "token_types.weight"},
    {Encoder, "embeddings.LayerNorm.weight", "token_embd_norm.weight"},
    {Encoder, "embeddings.LayerNorm.bias", "token_embd_norm.bias"},
    {Pooler, "pooler.dense.weight", "cls.weight"},
    {Pooler, "pooler.dense.bias", "cls.bias"},
};

const Family *findFamily(llvm::StringRef modelType) {
  for (const Family &family : kFamilies)
    if (modelType == family.modelType)
      return &family;
  return nullptr;
}

std::string familyNames() {
  std::string names;
  for (const Family &family : kFamilies)
    names += (names.empty() ? "" : ", ") + std::string(family.modelType);
  return names;
}

bool isEncoder(const Family &family) { return family.parts & Encoder; }

llvm::ArrayRef<TensorRule> layerRules() { return kLayerRules; }
llvm::ArrayRef<TensorRule> modelRules() { return kModelRules; }

} // namespace lowbit::huggingface
