"""Folders as quantizing tools of Hugging Face's world save them, with random
codes: the layouts written with numpy alone, and the floats that they stand for.

Each layout's function takes the codes q [N, K], the scales [N, G] and the zero
points [N, G] of one layer and gives its tensors: name -> (dtype, array)."""

import json
import struct

import numpy as np

import float_checkpoints

HIDDEN, INNER, VOCABULARY = 64, 96, 37
BASE = {"model_type": "llama", "vocab_size": VOCABULARY, "hidden_size": HIDDEN, "intermediate_size": INNER,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-5,
        "max_position_embeddings": 64, "tie_word_embeddings": False}


def words_of(codes, bits):
    """Rows of codes as 32-bit words without gaps, the first code in the low bits."""
    one_by_one = (codes[:, :, None] >> np.arange(bits)) & 1
    stream = one_by_one.reshape(len(codes), -1).astype(np.uint8)
    stream = np.pad(stream, [(0, 0), (0, -stream.shape[1] % 32)])
    return np.packbits(stream, axis=1, bitorder="little").view("<i4")


def gapped_words_of(codes, bits):
    """The same with floor(32 / bits) codes in a word."""
    each = 32 // bits
    codes = np.pad(codes, [(0, 0), (0, -codes.shape[1] % each)]).astype(np.uint32)
    shifted = codes.reshape(len(codes), -1, each) << (np.arange(each, dtype=np.uint32) * np.uint32(bits))
    return np.bitwise_or.reduce(shifted, axis=2).astype("<u4").view("<i4")


def to_bf16(values):
    """Truncated; as bits."""
    return (values.astype("<f4").view("<u4") >> 16).astype("<u2")


def stored_scales(scales, dtype):
    """What a file holds, and the f32 that it stands for."""
    if dtype == "BF16":
        bits = to_bf16(scales)
        return bits, (bits.astype("<u4") << 16).view("<f4")
    stored = scales.astype({"F16": "<f2", "F32": "<f4"}[dtype])
    return stored, stored.astype("<f4")


def pack_quantized(q, scales, zeros, scheme, pack=words_of):
    tensors = {"weight_packed": ("I32", pack(q, scheme["bits"])), "weight_scale": (scheme["scale"], scales),
               "weight_shape": ("I64", np.array(q.shape, "<i8"))}
    if zeros is not None:
        tensors["weight_zero_point"] = ("I32", pack(zeros.T, scheme["bits"]).T)
    if scheme["ordered"]:
        tensors["weight_g_idx"] = ("I32", groups_of(scheme, q.shape[1]).astype("<i4"))
    return tensors


def gapped(q, scales, zeros, scheme):
    return pack_quantized(q, scales, zeros, scheme, gapped_words_of)


def int_quantized(q, scales, zeros, scheme):
    middle = 1 << (scheme["bits"] - 1)
    tensors = {"weight": ("I8", (q - middle).astype("i1")), "weight_scale": (scheme["scale"], scales)}
    if zeros is not None:
        tensors["weight_zero_point"] = ("I8", (zeros - middle).astype("i1"))
    return tensors


def groups_of(scheme, columns):
    """The group of each column; of an activation order at random, for layers of
    one size the same."""
    groups = np.arange(columns) // (scheme["group"] or columns)
    return np.random.default_rng(columns).permutation(groups) if scheme["ordered"] else groups


def gptq(q, scales, zeros, scheme):
    bits, columns = scheme["bits"], q.shape[1]
    if zeros is None:
        zeros = np.full(scales.shape, 1 << (bits - 1))
    stored = zeros - (scheme["format"] == "gptq")
    return {"qweight": ("I32", words_of(q, bits).T), "qzeros": ("I32", words_of(stored.T, bits)),
            "scales": (scheme["scale"], scales.T), "g_idx": ("I32", groups_of(scheme, columns).astype("<i4"))}


def awq(q, scales, zeros, scheme):
    def interleaved(codes):
        lines = codes.reshape(len(codes), -1, 8)[:, :, [0, 2, 4, 6, 1, 3, 5, 7]]
        return words_of(lines.reshape(codes.shape), 4)
    return {"qweight": ("I32", interleaved(q.T)), "qzeros": ("I32", interleaved(zeros.T)),
            "scales": (scheme["scale"], scales.T)}


def config_of(layout, schemes):
    bits, group = schemes[0]["bits"], schemes[0]["group"]
    if layout in ("gptq", "awq"):
        return {"quant_method": layout, "bits": bits, "group_size": group or -1, "version": "gemm",
                "desc_act": schemes[0]["ordered"],
                **({"checkpoint_format": schemes[0]["format"]} if layout == "gptq" else {})}
    groups = {f"group_{i}": {"targets": ["Linear"], "weights": {
        "num_bits": scheme["bits"], "type": "int", "symmetric": not scheme["asymmetric"],
        "strategy": "group" if scheme["group"] else "channel", "group_size": scheme["group"] or None}}
        for i, scheme in enumerate(schemes)}
    name = "int-quantized" if layout == "int_quantized" else "pack-quantized"
    return {"quant_method": "compressed-tensors", "format": name, "ignore": ["lm_head"],
            "config_groups": groups}


LAYOUTS = {function.__name__: function for function in (pack_quantized, gapped, int_quantized, gptq, awq)}


def write_folder(folder, config, tensors):
    """tensors: name -> (dtype, array)."""
    folder.mkdir()
    header, data = {}, b""
    for name, (dtype, array) in tensors.items():
        payload = np.ascontiguousarray(array).tobytes()
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(payload)]}
        data += payload
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    (folder / "config.json").write_text(json.dumps(config))


def matrices(model_type):
    heads = {"q": HIDDEN, "k": HIDDEN // 2, "v": HIDDEN // 2}
    shapes = {"self_attn.o_proj": (HIDDEN, HIDDEN), "mlp.down_proj": (HIDDEN, INNER)}
    if model_type == "phi3":
        return shapes | {"self_attn.qkv_proj": (2 * HIDDEN, HIDDEN), "mlp.gate_up_proj": (2 * INNER, HIDDEN)}
    shapes |= {f"self_attn.{name}_proj": (rows, HIDDEN) for name, rows in heads.items()}
    return shapes | {f"mlp.{name}_proj": (INNER, HIDDEN) for name in ("gate", "up")}


def make_pair(folder, layout, schemes, seed, **more):
    """FOLDER/quantized, whose layers have the schemes in turn, and FOLDER/float,
    of the same numbers. Gives the codes, the scales' bits and the zero points of
    each layer."""
    known = {}
    source = np.random.default_rng(seed)

    def make(name, shape, number):
        scheme = schemes[number % len(schemes)]
        q, scales, zeros, values = make_layer(source, shape, scheme)
        known[name] = (q, scales, zeros)
        return LAYOUTS[layout](q, scales, zeros, scheme), values
    write_pair(folder, BASE | more, source, config_of(layout, schemes), make)
    return known


def write_pair(folder, config, source, quantization, make):
    """`make` gives a layer's tensors and floats."""
    floats = {"model.embed_tokens.weight": (VOCABULARY, HIDDEN), "lm_head.weight": (VOCABULARY, HIDDEN),
              "model.norm.weight": (HIDDEN,)}
    floats |= {f"model.layers.{i}.{name}.weight": (HIDDEN,) for i in (0, 1)
               for name in ("input_layernorm", "post_attention_layernorm")}
    shared = {name: ("F32", source.normal(0.5, 0.5, shape).astype("<f4")) for name, shape in floats.items()}
    quantized, plain, number = dict(shared), dict(shared), 0
    for layer in (0, 1):
        for name, shape in matrices(config["model_type"]).items():
            name = f"model.layers.{layer}.{name}"
            parts, values = make(name, shape, number)
            number += 1
            quantized |= {f"{name}.{part}": tensor for part, tensor in parts.items()}
            plain[name + ".weight"] = ("F32", values)
    write_folder(folder / "quantized", config | {"quantization_config": quantization}, quantized)
    write_folder(folder / "float", config, plain)


def make_float_pair(folder, layouts, seed):
    """The same for layouts of float_checkpoints, in turn."""
    source = np.random.default_rng(seed)

    def make(name, shape, number):
        layout = layouts[number % len(layouts)]
        return float_checkpoints.LAYOUTS[layout](source, shape)
    write_pair(folder, BASE, source, float_checkpoints.config_of(list(layouts)), make)


def make_layer(source, shape, scheme):
    rows, columns = shape
    bits, group = scheme["bits"], scheme["group"] or columns
    order = groups_of(scheme, columns)
    q = source.integers(1 << bits, size=shape)
    groups = -(-columns // group)
    scales, real = stored_scales(source.uniform(0.5, 1.5, (rows, groups)) / (1 << bits), scheme["scale"])
    zeros = source.integers(1, 1 << bits, size=(rows, groups)) if scheme["asymmetric"] else None
    subtracted = (1 << (bits - 1)) if zeros is None else zeros[:, order]
    values = (q - subtracted).astype("<f4") * real[:, order]
    return q, scales, zeros, values
