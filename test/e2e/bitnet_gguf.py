"""One tiny network with ternary weights twice, of random numbers: as a GGUF file
of architecture bitnet, and as a Hugging Face folder, whose layout
scripts/make-quantized-folders has compared with transformers. Needs numpy and
gguf."""

import gguf
import numpy as np

import quantized_checkpoints

SIZES = {"vocab_size": 37, "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 2,
         "num_attention_heads": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-5, "max_position_embeddings": 64,
         "rope_theta": 10000.0}
MATRICES = {"attn_q": ("self_attn.q_proj", 256, 256), "attn_k": ("self_attn.k_proj", 128, 256),
            "attn_v": ("self_attn.v_proj", 128, 256), "attn_output": ("self_attn.o_proj", 256, 256),
            "ffn_gate": ("mlp.gate_proj", 512, 256), "ffn_up": ("mlp.up_proj", 512, 256),
            "ffn_down": ("mlp.down_proj", 256, 512)}
NORMS = {"attn_norm": ("input_layernorm", 256), "ffn_norm": ("post_attention_layernorm", 256),
         "attn_sub_norm": ("self_attn.attn_sub_norm", 256), "ffn_sub_norm": ("mlp.ffn_sub_norm", 512)}


def packed(codes):
    """-1, 0, 1 as u8 [N / 4, K]."""
    quarters = (codes + 1).astype("u1").reshape(4, -1, codes.shape[1])
    return quarters[0] | quarters[1] << 2 | quarters[2] << 4 | quarters[3] << 6


def new_writer(file, activation):
    writer = gguf.GGUFWriter(str(file), "bitnet")
    writer.add_context_length(SIZES["max_position_embeddings"])
    writer.add_embedding_length(SIZES["hidden_size"])
    writer.add_block_count(SIZES["num_hidden_layers"])
    writer.add_feed_forward_length(SIZES["intermediate_size"])
    writer.add_head_count(SIZES["num_attention_heads"])
    writer.add_head_count_kv(SIZES["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(SIZES["rms_norm_eps"])
    writer.add_vocab_size(SIZES["vocab_size"])
    if activation != "silu":  # what a file without our key means
        writer.add_string("bitnet.feed_forward.activation", activation)
    return writer


def make_pair(folder, type_name, scaled, activation, seed=5):
    """FOLDER/model.gguf and FOLDER/folder."""
    source = np.random.default_rng(seed)
    writer = new_writer(folder / "model.gguf", activation)
    tensors = {}

    def floats(ours, theirs, values):
        writer.add_tensor(ours, values.astype("<f4"))
        tensors[theirs] = ("F32", values.astype("<f4"))
    floats("token_embd.weight", "model.embed_tokens.weight", source.normal(size=(37, 256)))
    floats("output_norm.weight", "model.norm.weight", source.normal(1, 0.2, 256))
    kind = gguf.GGMLQuantizationType[type_name]
    for layer in range(SIZES["num_hidden_layers"]):
        here, there = f"blk.{layer}.", f"model.layers.{layer}."
        for ours, (theirs, size) in NORMS.items():
            floats(here + ours + ".weight", there + theirs + ".weight", source.normal(1, 0.2, size))
        for ours, (theirs, rows, columns) in MATRICES.items():
            codes = source.integers(-1, 2, (rows, columns))
            codes[:, ::256] = 1  # each block of 256 has its largest number
            block = np.float32(np.float16(2.0 ** -5 * source.uniform(1, 2)))
            whole = np.float32(source.uniform(0.5, 2)) if scaled else np.float32(1)
            writer.add_tensor(here + ours + ".weight", gguf.quants.quantize(codes.astype("<f4") * block, kind),
                              raw_dtype=kind)
            if scaled:
                writer.add_tensor(here + ours + ".scale", np.array([whole], "<f4"))
            tensors[there + theirs + ".weight"] = ("U8", packed(codes))
            tensors[there + theirs + ".weight_scale"] = ("F32", np.array([block * whole], "<f4"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    config = SIZES | {"model_type": "bitnet", "hidden_act": activation, "tie_word_embeddings": True,
                      "quantization_config": {"quant_method": "bitnet", "linear_class": "autobitlinear",
                                              "quantization_mode": "offline"}}
    quantized_checkpoints.write_folder(folder / "folder", config, tensors)
