#!/usr/bin/env python3
"""Writes a sparse llama-shaped GGUF of several GiB: all weights are zero.

Usage: big_model.py OUT.gguf [LAYERS]

27 layers of the 8B shape in Q8_0 are 6 GiB; the file takes no room on disk. A
module compiled from it shows that sizes beyond 4 GiB work everywhere, and what
happens when its weights are stripped.
"""
import struct
import sys

ARRAY, STRING, U32, F32, I32 = 9, 8, 4, 6, 5
Q8_0, TYPE_F32 = 8, 0


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def pair(key, kind, value):
    return text(key) + struct.pack("<I", kind) + value


def u32(key, value):
    return pair(key, U32, struct.pack("<I", value))


def strings(key, values):
    body = struct.pack("<IQ", STRING, len(values)) + b"".join(map(text, values))
    return pair(key, ARRAY, body)


def byte_tokens():
    """The 256 letters of byte-level BPE."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    extra = iter(range(256, 512))
    return [chr(b if b in plain else next(extra)) for b in range(256)]


def metadata(layers, embd, ffn, vocab):
    tokens = byte_tokens() + ["ab"] + [f"<t{i}>" for i in range(257, vocab)]
    kinds = struct.pack("<IQ", I32, vocab) + struct.pack(f"<{vocab}i", *[1] * vocab)
    return [
        pair("general.architecture", STRING, text("llama")),
        pair("general.name", STRING, text("big and empty")),
        u32("llama.context_length", 2048), u32("llama.embedding_length", embd),
        u32("llama.block_count", layers), u32("llama.feed_forward_length", ffn),
        u32("llama.attention.head_count", embd // 128),
        u32("llama.attention.head_count_kv", 8),
        pair("llama.attention.layer_norm_rms_epsilon", F32, struct.pack("<f", 1e-5)),
        u32("llama.rope.dimension_count", 128), u32("llama.vocab_size", vocab),
        pair("tokenizer.ggml.model", STRING, text("gpt2")),
        pair("tokenizer.ggml.pre", STRING, text("gpt-2")),
        strings("tokenizer.ggml.tokens", tokens),
        pair("tokenizer.ggml.token_type", ARRAY, kinds),
        strings("tokenizer.ggml.merges", ["a b"]),
        u32("tokenizer.ggml.bos_token_id", 0), u32("tokenizer.ggml.eos_token_id", 1),
    ]


def tensors(layers, embd, ffn, vocab):
    kv = 8 * 128
    yield "token_embd.weight", (vocab, embd)
    yield "output_norm.weight", (embd,)
    for i in range(layers):
        for name, shape in [
                ("attn_norm", (embd,)), ("attn_q", (embd, embd)), ("attn_k", (kv, embd)),
                ("attn_v", (kv, embd)), ("attn_output", (embd, embd)), ("ffn_norm", (embd,)),
                ("ffn_gate", (ffn, embd)), ("ffn_up", (ffn, embd)), ("ffn_down", (embd, ffn))]:
            yield f"blk.{i}.{name}.weight", shape


def main():
    path, layers = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 27
    size = dict(layers=layers, embd=4096, ffn=14336, vocab=512)
    pairs, infos, offset = metadata(**size), b"", 0
    for name, shape in list(tensors(**size)):
        kind = TYPE_F32 if len(shape) == 1 else Q8_0
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        dims = tuple(reversed(shape))
        infos += text(name) + struct.pack("<I", len(dims))
        infos += struct.pack(f"<{len(dims)}QIQ", *dims, kind, offset)
        offset += count * 4 if kind == TYPE_F32 else count // 32 * 34
        offset = (offset + 31) // 32 * 32
    head = b"GGUF" + struct.pack("<IQQ", 3, len(list(tensors(**size))), len(pairs))
    head += b"".join(pairs) + infos
    head += b"\0" * (-len(head) % 32)
    with open(path, "wb") as file:
        file.write(head)
        file.truncate(len(head) + offset)
    print(f"{path}: {(len(head) + offset) / 2**30:.2f} GiB")


main()
