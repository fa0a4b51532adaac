#!/usr/bin/env python3
"""Writes a sparse llama-shaped GGUF of several GiB: all weights are zero.

Usage: big_model.py OUT.gguf [LAYERS] [--measure BUILD]

27 layers of the 8B shape in Q8_0 are 6 GiB; the file takes no room on disk. With
--measure it is compiled by BUILD/bin/quant-compile and run, which needs 7 GiB
beside it and shows that

- the compiler's anonymous memory stays within the largest tensor and 1 GB,
- sizes beyond 4 GiB work everywhere,
- a module whose weights were stripped is refused in one line.

Prints the figures; exits 1 if one of these is not so. Removes what it wrote.
"""
import argparse
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import time

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


def row_bytes(columns):
    return columns // 32 * 34


def write_model(path, layers):
    size = dict(layers=layers, embd=4096, ffn=14336, vocab=512)
    pairs, infos, offset, largest = metadata(**size), b"", 0, 0
    for name, shape in list(tensors(**size)):
        kind = TYPE_F32 if len(shape) == 1 else Q8_0
        dims = tuple(reversed(shape))
        infos += text(name) + struct.pack("<I", len(dims))
        infos += struct.pack(f"<{len(dims)}QIQ", *dims, kind, offset)
        count = shape[0] * (row_bytes(shape[1]) if len(shape) > 1 else 4)
        largest = max(largest, count)
        offset = (offset + count + 31) // 32 * 32
    head = b"GGUF" + struct.pack("<IQQ", 3, len(list(tensors(**size))), len(pairs))
    head += b"".join(pairs) + infos
    head += b"\0" * (-len(head) % 32)
    with open(path, "wb") as file:
        file.write(head)
        file.truncate(len(head) + offset)
    print(f"{path}: {(len(head) + offset) / 2**30:.2f} GiB, largest tensor {largest / 1e6:.0f} MB")
    return largest


# --- What happens to it ------------------------------------------------------


def peak_anonymous(command):
    """Runs a command to its end; (seconds, largest RssAnon in bytes)."""
    start, peak = time.monotonic(), 0
    process = subprocess.Popen(command)
    while process.poll() is None:
        try:
            for line in open(f"/proc/{process.pid}/status"):
                if line.startswith("RssAnon:"):
                    peak = max(peak, int(line.split()[1]) * 1024)
        except (OSError, ValueError):
            pass  # it has just ended
        time.sleep(0.01)
    if process.returncode != 0:
        sys.exit(f"{command[0]}: exit {process.returncode}")
    return time.monotonic() - start, peak


def load_times(quant_run, module, cache):
    """Milliseconds until a model is ready: hashing its weights, and when they are
    known to be right."""
    results = []
    for _ in range(2):
        output = subprocess.run([quant_run, module, "-p", "ab", "-n", "2", "--temp", "0", "--ignore-eos", "--json"],
                                check=True, capture_output=True, text=True,
                                env=os.environ | {"XDG_CACHE_HOME": str(cache)}).stdout
        results.append(json.loads(output)["timings"])
    return [result["load_ms"] for result in results]


def refusal(quant_run, module, stripped):
    """What is said of a module without weights."""
    objcopy = shutil.which("llvm-objcopy-22") or shutil.which("llvm-objcopy", path="/usr/lib/llvm-22/bin")
    if not objcopy:
        sys.exit("llvm-objcopy-22 is not there (package llvm-22)")
    subprocess.run([objcopy, "--strip-all", module, stripped], check=True)
    result = subprocess.run([quant_run, stripped, "-p", "a"], capture_output=True, text=True)
    lines = result.stderr.splitlines()
    if result.returncode != 1 or result.stdout or len(lines) != 1:
        sys.exit(f"stripped: expected exit 1 and one line, but got {result.returncode}: {result.stderr!r}")
    return lines[0]


def measure(model, largest, build):
    with tempfile.TemporaryDirectory(dir=model.parent) as folder:
        folder = pathlib.Path(folder)
        module = folder / "big.so"
        seconds, peak = peak_anonymous([build / "bin/quant-compile", model, "-o", module, "--quiet"])
        limit = largest + 10**9
        print(f"compiled in {seconds:.1f} s; module {module.stat().st_size / 2**30:.2f} GiB")
        print(f"peak RssAnon of quant-compile {peak / 1e6:.0f} MB, at most {limit / 1e6:.0f} MB")
        first, second = load_times(build / "bin/quant-run", module, folder / "cache")
        print(f"loaded in {first:.1f} ms, hashing the weights; again in {second:.1f} ms")
        print(f"stripped: {refusal(build / 'bin/quant-run', module, folder / 'stripped.so')}")
    if peak > limit:
        sys.exit("quant-compile needs more anonymous memory than the largest tensor and 1 GB")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("layers", type=int, nargs="?", default=27)
    parser.add_argument("--measure", type=pathlib.Path, metavar="BUILD")
    arguments = parser.parse_args()
    largest = write_model(arguments.out, arguments.layers)
    if not arguments.measure:
        return
    try:
        measure(arguments.out.resolve(), largest, arguments.measure.resolve())
    finally:
        arguments.out.unlink()


main()
