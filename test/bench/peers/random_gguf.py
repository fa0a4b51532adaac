#!/usr/bin/env python3
"""Writes a model of random weights as a GGUF, for programs that read no shape.

    random_gguf.py Q4_0 OUT.gguf

The shape is that of Llama-3.2-1B: all matrices are in the format, the embedding is the head too, vectors are f32. Codes
are random bytes; scales are such that weights have a standard deviation of about 0.02. The vocabulary has the right
size and the 256 bytes of GPT-2's alphabet; the other tokens have names and no merges. A format gives the same bytes
each time.
"""
import math
import random
import struct
import sys

LAYERS, WIDTH, HIDDEN, HEADS, KV_HEADS, HEAD, VOCABULARY = 16, 2048, 8192, 32, 8, 64, 128256
ALIGNMENT = 32
U32, I32, F32, STRING, ARRAY = 4, 5, 6, 8, 9

# name: (id, elements and bytes of a block, {offset of an f16: its size}, id of a file that is mostly so)
FORMATS = {
    "Q4_0": (2, 32, 18, {0: 4.3e-3}, 2),
    "Q4_1": (3, 32, 20, {0: 4.3e-3, 2: -3.2e-2}, 3),
    "Q5_0": (6, 32, 22, {0: 2.2e-3}, 8),
    "Q5_1": (7, 32, 24, {0: 2.2e-3, 2: -3.4e-2}, 9),
    "Q8_0": (8, 32, 34, {0: 2.7e-4}, 7),
    "Q2_K": (10, 256, 84, {80: 2.5e-3, 82: 3.7e-3}, 10),
    "Q3_K": (11, 256, 110, {108: 4.8e-4}, 12),
    "Q4_K": (12, 256, 144, {0: 1.2e-4, 2: 9e-4}, 15),
    "Q5_K": (13, 256, 176, {0: 6e-5, 2: 9e-4}, 17),
    "Q6_K": (14, 256, 210, {208: 1.5e-5}, 18),
    "IQ4_NL": (20, 32, 18, {0: 2.8e-4}, 25),
    "IQ4_XS": (23, 256, 136, {0: 1.6e-5}, 30),
    "TQ1_0": (34, 256, 54, {52: 2.4e-2}, 36),
    "TQ2_0": (35, 256, 66, {64: 2.4e-2}, 37),
}


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def pair(key, kind, value):
    if kind == STRING:
        return text(key) + struct.pack("<I", kind) + text(value)
    return text(key) + struct.pack("<I" + {U32: "I", F32: "f"}[kind], kind, value)


def array(key, kind, values):
    items = b"".join(map(text, values)) if kind == STRING else struct.pack(f"<{len(values)}i", *values)
    return text(key) + struct.pack("<IIQ", ARRAY, kind, len(values)) + items


def alphabet():
    """GPT-2's characters for the 256 bytes."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [chr(256 + i) for i in range(256 - len(printable))]
    return [chr(byte) if byte in printable else others.pop(0) for byte in range(256)]


def pairs(name):
    tokens = alphabet() + ["\u0120t"]
    tokens += [f"<{i}>" for i in range(len(tokens), VOCABULARY)]
    yield from (pair("general.architecture", STRING, "llama"), pair("general.name", STRING, f"random 1B {name}"),
                pair("general.quantization_version", U32, 2), pair("general.file_type", U32, FORMATS[name][4]))
    sizes = {"block_count": LAYERS, "context_length": 131072, "embedding_length": WIDTH,
             "feed_forward_length": HIDDEN, "attention.head_count": HEADS, "attention.head_count_kv": KV_HEADS,
             "rope.dimension_count": HEAD, "vocab_size": VOCABULARY}
    yield from (pair(f"llama.{key}", U32, value) for key, value in sizes.items())
    yield pair("llama.attention.layer_norm_rms_epsilon", F32, 1e-5)
    yield pair("llama.rope.freq_base", F32, 500000.0)
    yield from (pair("tokenizer.ggml.model", STRING, "gpt2"), pair("tokenizer.ggml.pre", STRING, "llama-bpe"),
                array("tokenizer.ggml.tokens", STRING, tokens),
                array("tokenizer.ggml.token_type", I32, [1] * (VOCABULARY - 2) + [3, 3]),
                array("tokenizer.ggml.merges", STRING, ["\u0120 t"]),
                pair("tokenizer.ggml.bos_token_id", U32, VOCABULARY - 2),
                pair("tokenizer.ggml.eos_token_id", U32, VOCABULARY - 1))


def tensors():
    """Names and sizes, the inner one first."""
    yield "token_embd.weight", (WIDTH, VOCABULARY)
    yield "output_norm.weight", (WIDTH,)
    for layer in range(LAYERS):
        for name, size in (("attn_norm", (WIDTH,)), ("ffn_norm", (WIDTH,)),
                           ("attn_q", (WIDTH, HEADS * HEAD)), ("attn_k", (WIDTH, KV_HEADS * HEAD)),
                           ("attn_v", (WIDTH, KV_HEADS * HEAD)), ("attn_output", (HEADS * HEAD, WIDTH)),
                           ("ffn_gate", (WIDTH, HIDDEN)), ("ffn_up", (WIDTH, HIDDEN)), ("ffn_down", (HIDDEN, WIDTH))):
            yield f"blk.{layer}.{name}.weight", size


def is_matrix(size):
    return len(size) > 1


def bytes_of(size, form):
    return math.prod(size) // form[1] * form[2] if is_matrix(size) else 4 * math.prod(size)


def random_blocks(count, form, generator):
    """Random bytes; an f16 keeps its size, but its lower half is random too: it varies by a quarter."""
    _, _, length, scales, _ = form
    data = bytearray(generator.randbytes(count * length))
    for offset, scale in scales.items():
        data[offset + 1::length] = struct.pack("<e", scale)[1:] * count
    return data


def write_tensor(file, size, form, generator):
    if not is_matrix(size):
        return file.write(struct.pack("<f", 1.0) * size[0])
    blocks = math.prod(size) // form[1]
    while blocks:
        count = min(blocks, 1 << 14)
        file.write(random_blocks(count, form, generator))
        blocks -= count


def pad(file):
    file.write(bytes(-file.tell() % ALIGNMENT))


def write(name, path):
    form, generator = FORMATS[name], random.Random(name)
    with open(path, "wb") as file:
        keys, matrices, offset = list(pairs(name)), list(tensors()), 0
        file.write(b"GGUF" + struct.pack("<IQQ", 3, len(matrices), len(keys)) + b"".join(keys))
        for tensor, size in matrices:
            kind = form[0] if is_matrix(size) else 0
            file.write(text(tensor) + struct.pack(f"<I{len(size)}QIQ", len(size), *size, kind, offset))
            offset += -(-bytes_of(size, form) // ALIGNMENT) * ALIGNMENT
        pad(file)
        for _, size in matrices:
            write_tensor(file, size, form, generator)
            pad(file)


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in FORMATS:
        sys.exit(f"usage: random_gguf.py {'|'.join(FORMATS)} OUT.gguf")
    write(*sys.argv[1:])


if __name__ == "__main__":
    main()
