"""Writes a tiny GGUF v3 file whose weights are all zero: names, shapes and keys
of one architecture, with changes given on the command line.

    make_gguf.py OUT.gguf llama --type 'attn=Q4_1' --drop-tensor output.weight
    make_gguf.py OUT.gguf gemma3 --key gemma3.block_count=7 --drop-key general.name
"""

import argparse
import re
import struct

# name: (id, elements of a block, bytes of a block)
TYPES = {
    "F32": (0, 1, 4),
    "F16": (1, 1, 2),
    "Q4_1": (3, 32, 20),
    "Q8_0": (8, 32, 34),
    "BF16": (30, 1, 2),
}
EMBEDDING, FEED_FORWARD, VOCABULARY, HEADS, KV_HEADS, HEAD = 64, 96, 40, 4, 2, 16


def keys_of(arch, layers):
    keys = {
        "general.architecture": arch,
        "general.name": "tiny",
        f"{arch}.context_length": 128,
        f"{arch}.embedding_length": EMBEDDING,
        f"{arch}.block_count": layers,
        f"{arch}.feed_forward_length": FEED_FORWARD,
        f"{arch}.attention.head_count": HEADS,
        f"{arch}.attention.head_count_kv": KV_HEADS,
        f"{arch}.attention.layer_norm_rms_epsilon": 1e-5,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": [f"<t{i}>" for i in range(VOCABULARY)],
    }
    if arch == "gemma3":
        keys[f"{arch}.attention.sliding_window"] = 8
        keys[f"{arch}.rope.freq_base"] = 1e6
    if arch in ("gemma3", "qwen3"):
        keys[f"{arch}.attention.key_length"] = HEAD
        keys[f"{arch}.attention.value_length"] = HEAD
    return keys


def tensors_of(arch, layers):
    queries, keys = HEADS * HEAD, KV_HEADS * HEAD
    tensors = {
        "token_embd.weight": (VOCABULARY, EMBEDDING),
        "output_norm.weight": (EMBEDDING,),
    }
    if arch == "llama":
        tensors["output.weight"] = (VOCABULARY, EMBEDDING)
    for layer in range(layers):
        block = {
            "attn_norm.weight": (EMBEDDING,),
            "attn_q.weight": (queries, EMBEDDING),
            "attn_k.weight": (keys, EMBEDDING),
            "attn_v.weight": (keys, EMBEDDING),
            "attn_output.weight": (EMBEDDING, queries),
            "ffn_norm.weight": (EMBEDDING,),
            "ffn_gate.weight": (FEED_FORWARD, EMBEDDING),
            "ffn_up.weight": (FEED_FORWARD, EMBEDDING),
            "ffn_down.weight": (EMBEDDING, FEED_FORWARD),
        }
        if arch == "qwen2":
            block["attn_q.bias"] = (queries,)
            block["attn_k.bias"] = block["attn_v.bias"] = (keys,)
        if arch in ("qwen3", "gemma3"):
            block["attn_q_norm.weight"] = block["attn_k_norm.weight"] = (HEAD,)
        if arch == "gemma3":
            block["post_attention_norm.weight"] = (EMBEDDING,)
            block["post_ffw_norm.weight"] = (EMBEDDING,)
        for name, shape in block.items():
            tensors[f"blk.{layer}.{name}"] = shape
    return tensors


def string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def value(v, with_type=True):
    if isinstance(v, bool):
        kind, data = 7, struct.pack("<?", v)
    elif isinstance(v, int):
        kind, data = (4, struct.pack("<I", v)) if v >= 0 else (5, struct.pack("<i", v))
    elif isinstance(v, float):
        kind, data = 6, struct.pack("<f", v)
    elif isinstance(v, str):
        kind, data = 8, string(v)
    else:
        element = value(v[0])[:4]
        kind = 9
        data = element + struct.pack("<Q", len(v)) + b"".join(value(e, False) for e in v)
    return (struct.pack("<I", kind) if with_type else b"") + data


def shape_of(text):
    return tuple(int(n) for n in text.split("x"))


def literal(text):
    """7, 0.5, true, yarn or [1, 2]."""
    if text.startswith("["):
        return [literal(e.strip()) for e in text[1:-1].split(",")]
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def padded(data):
    return data + b"\0" * (-len(data) % 32)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("output")
    parser.add_argument("architecture")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--key", action="append", default=[], help="NAME=VALUE")
    parser.add_argument("--drop-key", action="append", default=[])
    parser.add_argument("--tensor", action="append", default=[], help="NAME=RxC")
    parser.add_argument("--drop-tensor", action="append", default=[])
    parser.add_argument("--type", action="append", default=[], help="REGEX=TYPE")
    args = parser.parse_args()

    keys = keys_of(args.architecture, args.layers)
    tensors = tensors_of(args.architecture, args.layers)
    for change in args.key:
        name, text = change.split("=", 1)
        keys[name] = literal(text)
    for name in args.drop_key:
        del keys[name]
    for change in args.tensor:
        name, text = change.split("=", 1)
        tensors[name] = shape_of(text)
    for name in args.drop_tensor:
        del tensors[name]

    head = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(keys))
    for name, v in keys.items():
        head += string(name) + value(v)
    offset = 0
    for name, shape in tensors.items():
        kind = "F32"
        for change in args.type:
            pattern, candidate = change.split("=", 1)
            if re.search(pattern, name) and len(shape) > 1:
                kind = candidate
        number, block, size = TYPES[kind]
        head += string(name) + struct.pack("<I", len(shape))
        head += b"".join(struct.pack("<Q", n) for n in reversed(shape))
        head += struct.pack("<IQ", number, offset)
        elements = 1
        for n in shape:
            elements *= n
        offset += -(-(elements // block * size) // 32) * 32
    with open(args.output, "wb") as file:
        file.write(padded(head) + b"\0" * offset)


main()
