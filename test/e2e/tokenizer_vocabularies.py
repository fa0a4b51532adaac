#!/usr/bin/env python3
"""Token ids of vocabulary-only GGUF files, through a compiled model.

Such a file (llama.cpp's models/ggml-vocab-NAME.gguf) has no tensors. Its
tokenizer's keys are put beside random weights of one layer, quant-compile makes
a module of it, and

  - `quant-run --tokenize` on lines of mixed text must give the ids of Hugging
    Face's tokenizers (tokenizer_oracle.py), and on the texts of FILE.inp those
    of FILE.out, where these files are;
  - `quant-run --detokenize` of all these ids must give the text back, composed
    (NFC) where the family composes.

A text of FILE.inp that has line breaks is no line of a file: it goes through
qrt_tokenize of the library. Needs the PyPI packages gguf, numpy and tokenizers.

  tokenizer_vocabularies.py --build build ggml-vocab-qwen2.gguf ...
"""

import argparse
import ctypes
import json
import pathlib
import subprocess
import sys
import tempfile

import gguf
import numpy as np
from tokenizers import normalizers

import tokenizer_oracle

SEPARATOR = "\n__ggml_vocab_test__\n"
HIDDEN, FEED_FORWARD, HEADS, CONTEXT = 32, 64, 2, 256


# --- A model around a vocabulary ------------------------------------------------

def tensors(architecture, vocabulary):
    """Names and shapes, outermost first."""
    square, wide = (HIDDEN, HIDDEN), (FEED_FORWARD, HIDDEN)
    shapes = {"token_embd.weight": (vocabulary, HIDDEN), "output_norm.weight": (HIDDEN,)}
    layer = {"attn_norm.weight": (HIDDEN,), "ffn_norm.weight": (HIDDEN,),
             **{f"attn_{part}.weight": square for part in ("q", "k", "v", "output")},
             "ffn_gate.weight": wide, "ffn_up.weight": wide, "ffn_down.weight": wide[::-1]}
    if architecture == "qwen2":
        layer |= {f"attn_{part}.bias": (HIDDEN,) for part in "qkv"}
    return shapes | {"blk.0." + name: shape for name, shape in layer.items()}


def write_model(source, path):
    """A model of one layer with random weights and the tokenizer of `source`."""
    fields = gguf.GGUFReader(source).fields
    architecture = fields["general.architecture"].contents()
    writer = gguf.GGUFWriter(path, architecture)
    for name, field in fields.items():
        if name.startswith("tokenizer."):
            writer.add_key_value(name, field.contents(), *field.types)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(1)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(HIDDEN // HEADS)
    generator = np.random.default_rng(1)
    vocabulary = len(fields["tokenizer.ggml.tokens"].data)
    for name, shape in tensors(architecture, vocabulary).items():
        writer.add_tensor(name, generator.standard_normal(shape, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


# --- The programs under test ----------------------------------------------------

class Module:
    def __init__(self, build, path):
        self.build, self.path = build, path

    def run(self, option, content):
        with tempfile.NamedTemporaryFile("wb", suffix=".txt") as file:
            file.write(content)
            file.flush()
            return subprocess.run([self.build / "bin/quant-run", self.path, option, file.name], check=True,
                                  stdout=subprocess.PIPE).stdout

    def ids(self, lines):
        """Of lines without line breaks."""
        out = self.run("--tokenize", "".join(line + "\n" for line in lines).encode())
        return [json.loads(line) for line in out.splitlines()]

    def text(self, ids):
        return self.run("--detokenize", "".join(json.dumps(line) + "\n" for line in ids).encode())

    def ids_of_any(self, texts):
        """Of texts with line breaks: the library."""
        library = ctypes.CDLL(str(self.build / "lib/libquantrt.so"))
        model = ctypes.c_void_p()
        if library.qrt_load(str(self.path).encode(), None, ctypes.byref(model)):
            raise SystemExit("qrt_load failed")
        for text in texts:
            data = text.encode()
            ids, count = (ctypes.c_int32 * (len(data) + 1))(), ctypes.c_size_t(len(data) + 1)
            if library.qrt_tokenize(model, data, ctypes.c_size_t(len(data)), 0, 1, ids, ctypes.byref(count)):
                raise SystemExit(f"qrt_tokenize failed on {text!r}")
            yield list(ids[:count.value])
        library.qrt_unload(model)


# --- Comparing ------------------------------------------------------------------

def check_text(module, lines, ids, composes):
    """Ids to text; what the normalizer composes stays composed."""
    composed = normalizers.NFC().normalize_str if composes else str
    expected = "".join(composed(line) + "\n" for line in lines).encode()
    actual = module.text(ids)
    pairs = list(zip(expected.split(b"\n"), actual.split(b"\n")))
    wrong = [i for i, (theirs, ours) in enumerate(pairs) if theirs != ours]
    for i in wrong[:5]:
        print(f"  text {i}: expected {pairs[i][0]!r}\n           actual   {pairs[i][1]!r}")
    same = len(wrong) == 0 and expected == actual
    print(f"  back to text: {len(expected)} bytes, {len(wrong)} lines differ")
    return same


def check_mixed(module, source, count):
    oracle, vocabulary = tokenizer_oracle.make_oracle(source)
    kinds = (tokenizer_oracle.CONTROL, tokenizer_oracle.USER_DEFINED)
    added = [text for text, kind in zip(vocabulary.tokens, vocabulary.types) if kind in kinds and "\n" not in text]
    lines = list(tokenizer_oracle.make_lines(1, count, added))
    expected = [encoding.ids for encoding in oracle.encode_batch(lines, add_special_tokens=False)]
    actual = module.ids(lines)
    print("  Hugging Face: ", end="")
    wrong = tokenizer_oracle.report(lines, expected, actual)
    composes = tokenizer_oracle.FAMILIES[vocabulary.pre][1]
    return check_text(module, lines, actual, composes) and not wrong


def check_listed(module, source):
    """FILE.inp, where a separator stands behind every text, and FILE.out."""
    texts = pathlib.Path(f"{source}.inp").read_bytes().decode().split(SEPARATOR)[:-1]
    answers = pathlib.Path(f"{source}.out").read_text().splitlines()
    expected = [[int(id) for id in line.split()] for line in answers]
    if len(texts) != len(expected):
        raise SystemExit(f"{source}: {len(texts)} texts, but {len(expected)} answers")
    single = [text for text in texts if "\n" not in text]
    several = [text for text in texts if "\n" in text]
    found = {**dict(zip(single, module.ids(single))), **dict(zip(several, module.ids_of_any(several)))}
    print(f"  FILE.inp ({len(single)} by quant-run, {len(several)} by qrt_tokenize): ", end="")
    wrong = tokenizer_oracle.report(texts, expected, [found[text] for text in texts])
    return check_text(module, texts, expected, False) and not wrong


def check(build, source, lines):
    print(f"{pathlib.Path(source).name}:")
    with tempfile.TemporaryDirectory() as folder:
        model, module = pathlib.Path(folder, "model.gguf"), pathlib.Path(folder, "model.so")
        write_model(source, model)
        subprocess.run([build / "bin/quant-compile", model, "-o", module, "--quiet"], check=True)
        compiled = Module(build, module)
        right = check_mixed(compiled, source, lines)
        if pathlib.Path(f"{source}.inp").exists():
            right = check_listed(compiled, source) and right
    return right


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gguf", nargs="+", help="a GGUF file with a tokenizer")
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--lines", type=int, default=10000)
    arguments = parser.parse_args()
    results = [check(arguments.build.resolve(), source, arguments.lines) for source in arguments.gguf]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
