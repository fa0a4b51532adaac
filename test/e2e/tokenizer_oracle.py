#!/usr/bin/env python3
"""Compares `quant-run MODEL --tokenize FILE` with Hugging Face's tokenizers.

The oracle is built from the GGUF's own tables with the pre-tokenizer that the
family's tokenizer.json has, so no network is needed. Lines of mixed text come
from a seed. Needs the PyPI packages gguf and tokenizers.

  tokenizer_oracle.py --quant-run build/bin/quant-run model.gguf [module.so]
  tokenizer_oracle.py --expected lines.txt ids.txt model.gguf
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile

from gguf import GGUFReader
from tokenizers import AddedToken, Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import BPE

CONTROL, USER_DEFINED = 3, 4
UNSTRIPPED = ("<unk>", "<s>", "<|endoftext|>")

CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
TAIL = r"|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = (CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
          r"| ?[^\s\p{L}\p{N}]+[\r\n]*" + TAIL)
QWEN2 = LLAMA3.replace("{1,3}", "")
QWEN35 = (CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}"
          r"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*" + TAIL)
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
CASED = (r"[^\r\n\p{L}\p{N}]?" + UPPER + "*" + LOWER + "+{0}|"
         r"[^\r\n\p{L}\p{N}]?" + UPPER + "+" + LOWER + "*{0}|"
         r"\p{N}{1}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + TAIL)
DEEPSEEK3 = (r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"
             r"|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
             r"| ?[\p{P}\p{S}]+[\r\n]*" + TAIL)


def split(pattern):
    return pre_tokenizers.Split(Regex(pattern), "isolated")


def byte_level(use_regex):
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex)


def sequence(*steps):
    return pre_tokenizers.Sequence(list(steps))


def by_regex(*patterns):
    return sequence(*[split(p) for p in patterns], byte_level(False))


GPT2 = byte_level(True)
DIGITS = sequence(pre_tokenizers.Digits(True), byte_level(True))
# name in tokenizer.ggml.pre -> pre-tokenizer, NFC, ignore_merges
FAMILIES = {
    "gpt-2": (GPT2, False, False),
    "mpt": (GPT2, True, False),
    "smollm": (DIGITS, False, False),
    "starcoder": (DIGITS, False, False),
    "refact": (DIGITS, False, False),
    "command-r": (DIGITS, True, False),
    "llama-bpe": (by_regex(LLAMA3), False, True),
    "dbrx": (by_regex(LLAMA3), False, False),
    "qwen2": (by_regex(QWEN2), True, False),
    "qwen35": (by_regex(QWEN35), True, False),
    "tekken": (by_regex(CASED.replace("{0}", "").replace("{1}", "")),
               False, True),
    "gpt-4o": (by_regex(CASED.replace("{0}", CONTRACTIONS + "?")
                        .replace("{1}", "{1,3}")), False, False),
    "deepseek-v3": (by_regex(r"\p{N}{1,3}", r"[一-龥぀-ゟ゠-ヿ]+", DEEPSEEK3),
                    False, False),
    "deepseek-coder": (sequence(
        split(r"[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"),
        split("[一-龥\u0800-一가-\ud7ff]+"), pre_tokenizers.Digits(True),
        byte_level(False)), False, False),
}


class Vocabulary:
    def __init__(self, path):
        self.fields = GGUFReader(path).fields
        name = self.fields.get("general.name")
        self.name = "" if name is None else name.contents()
        self.model = self.value("model")
        self.pre = self.value("pre")
        self.tokens = self.texts("tokens")
        self.types = self.array("token_type")

    def field(self, key):
        return self.fields.get("tokenizer.ggml." + key)

    def value(self, key):
        field = self.field(key)
        return None if field is None else field.contents()

    def texts(self, key):
        field = self.field(key)
        return [bytes(field.parts[i]).decode("utf-8") for i in field.data]

    def array(self, key):
        field = self.field(key)
        return [field.parts[i][0].item() for i in field.data]


def add_tokens(tokenizer, vocabulary):
    for special in (False, True):
        kind = CONTROL if special else USER_DEFINED
        # GGUF has no key for it: Phi-3's added tokens swallow spaces.
        strips = vocabulary.name.lower().startswith(("phi3", "phi-3"))
        added = [AddedToken(text, normalized=False, special=special,
                            rstrip=strips and text not in UNSTRIPPED)
                 for text, type in zip(vocabulary.tokens, vocabulary.types)
                 if type == kind and text]
        (tokenizer.add_special_tokens if special
         else tokenizer.add_tokens)(added)


def byte_bpe(vocabulary, pre):
    pre_tokenizer, composes, ignore_merges = FAMILIES[pre]
    ids = {text: id for id, text in enumerate(vocabulary.tokens)}
    merges = [tuple(line.split(" ")) for line in vocabulary.texts("merges")]
    tokenizer = Tokenizer(BPE(ids, merges, ignore_merges=ignore_merges))
    if composes:
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizer
    add_tokens(tokenizer, vocabulary)
    return tokenizer


def spm_merges(ids, scores):
    """transformers.generate_merges, for scores by token."""
    merges = []
    for token, score in scores.items():
        local = [(token[:i], token[i:], score) for i in range(1, len(token))
                 if token[:i] in ids and token[i:] in ids]
        merges += sorted(local, key=lambda m: (ids[m[0]], ids[m[1]]))
    merges.sort(key=lambda m: (m[2], len(m[0]), len(m[1])), reverse=True)
    return [(left, right) for left, right, _ in merges]


def spm_bpe(vocabulary):
    prefix = vocabulary.value("add_space_prefix")
    prefix = True if prefix is None else bool(prefix)
    ids, scores = {}, {}
    for id, (text, type, score) in enumerate(zip(
            vocabulary.tokens, vocabulary.types, vocabulary.array("scores"))):
        if type == USER_DEFINED:
            # SentencePiece's model has U+2581 and the score 0; llama.cpp's
            # converter writes a space and -1000.
            text, score = text.replace(" ", "\u2581"), 0.0
        ids[text], scores[text] = id, score
    unknown = vocabulary.tokens[vocabulary.value("unknown_token_id")]
    tokenizer = Tokenizer(BPE(ids, spm_merges(ids, scores), unk_token=unknown,
                              fuse_unk=True, byte_fallback=True))
    replace = normalizers.Replace(" ", "\u2581")
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("\u2581"), replace]) if prefix else replace
    vocabulary.tokens = list(ids)
    add_tokens(tokenizer, vocabulary)
    return tokenizer


def make_oracle(path, pre=None):
    vocabulary = Vocabulary(path)
    if vocabulary.model == "llama":
        return spm_bpe(vocabulary), vocabulary
    return byte_bpe(vocabulary, pre or vocabulary.pre), vocabulary


WORDS = """the of and Model tokens don't I'LL we've she'd THEY'RE it's naïve café
élève Straße ŁÓDŹ ǅungla ﬁne e\u0301 A\u030a n\u0303 \u1100\u1161\u11a8 Ωmega
привет мир Ёлка שלום مرحبا नमस्ते ไทยแลนด์ 你好 世界 東京 ひらがな カタカナ 한국어
ᄒᆞᆫ Việt \u0130stanbul \u017fs'\u017f ㎏ ½ Ⅷ ٣٤٥ १२३ 42 1234567 3.14159 1e-9 0x7fff 2024-01-31
x² H₂O ①② 🙂 👩‍👩‍👧‍👦 🇩🇪 🏳️‍🌈 ✌🏽 ❤️ ∑∫≠ → … “quoted” ‘single’ « » — € £ ¥ ₿
https://example.org/a?b=c&d=%20 user@host.tld #tag C++ f(x)""".split()
CODE = ["for (int i = 0; i < n; ++i) {", "    return x->y[i]; }  // done",
        "def f(self, *args):", "\tif not x: pass", "<div class=\"a\">&amp;</div>",
        "SELECT * FROM t WHERE a<>b;", "#include <stdio.h>", "a&&b||!c", "=>",
        "{\"key\": [1, 2.5, null]}", "\\n\\t\\\\", "```py", "<table><tr></tr>",
        "</s><s>[INST]", "$$\\frac{1}{2}$$", "<0x41>", "__init__", "λx.x", "'''"]
SPACES = [" ", "  ", "   ", " " * 7, " " * 33, "\t", "\t\t", "\t ", " \t", "\r",
          "\r\r", "\u00a0", "\u3000", "\u2009", "\u200b", "\u2028", "\x0b",
          "\x0c", "\x85", "\u1680", "\u2581", "\u2581\u2581", "\ufeff"]
CONTROLS = [chr(c) for c in range(1, 32) if c != 10] + [
    "\x7f", "\x80", "\x9f", "\u200d", "\u202e", "\ufffd", "\ufffe", "\U0010ffff",
    "\ue000", "\U000e0041"]
# Code points of long-assigned blocks: the newest Unicode differs by library.
BLOCKS = [(0x21, 0x17F), (0x180, 0x24F), (0x300, 0x36F), (0x370, 0x3FF),
          (0x400, 0x4FF), (0x5D0, 0x5EA), (0x620, 0x64A), (0x904, 0x939),
          (0xE01, 0xE3A), (0x1E00, 0x1EFF), (0x2010, 0x205E), (0x2070, 0x2071),
          (0x20A0, 0x20B5), (0x2100, 0x214F), (0x2150, 0x2188), (0x2190, 0x23FF),
          (0x2460, 0x24FF), (0x2500, 0x26FF), (0x3041, 0x3096), (0x30A0, 0x30FF),
          (0x4E00, 0x9FA5), (0xAC00, 0xD7A3), (0xF900, 0xFA2D), (0xFF01, 0xFFEE),
          (0x10330, 0x1034A), (0x1D400, 0x1D454), (0x1F300, 0x1F5FF),
          (0x1F600, 0x1F64F), (0x20000, 0x2A6D6)]


def random_part(rng, added):
    kind = rng.random()
    if kind < 0.40:
        return rng.choice(WORDS) + rng.choice(["", "", " ", " ", ",", "."])
    if kind < 0.52:
        return rng.choice(SPACES)
    if kind < 0.62:
        return rng.choice(CODE)
    if kind < 0.68:
        return rng.choice(CONTROLS)
    if kind < 0.74:
        low, high = rng.choice(BLOCKS)
        return "".join(chr(rng.randint(low, high))
                       for _ in range(rng.randint(1, 6)))
    if kind < 0.79:
        return "".join(chr(rng.randint(33, 126))
                       for _ in range(rng.randint(1, 12)))
    if kind < 0.82 and added:
        return rng.choice(added)
    if kind < 0.85:
        return rng.choice("aA0 .-=#_'\"~é中🙂\u0301") * rng.randint(2, 40)
    return " " + "".join(rng.choice("etaoinshrdlucmfwyp")
                         for _ in range(rng.randint(1, 11)))


def make_lines(seed, count, added):
    rng = random.Random(seed)
    for _ in range(count):
        parts = rng.choice([1, 2, 4, 8, 16, 40])
        yield "".join(random_part(rng, added)
                      for _ in range(parts)).replace("\n", " ")


def run(command, lines):
    with tempfile.NamedTemporaryFile("wb", suffix=".txt", delete=False) as file:
        file.write(("\n".join(lines) + "\n").encode("utf-8"))
    try:
        result = subprocess.run([*command, "--tokenize", file.name], check=True,
                                stdout=subprocess.PIPE)
    finally:
        os.unlink(file.name)
    return [json.loads(line) for line in result.stdout.splitlines()]


def report(lines, expected, actual):
    if len(actual) != len(lines):
        print(f"{len(actual)} answers for {len(lines)} lines")
        return 1
    wrong = [i for i in range(len(lines)) if expected[i] != actual[i]]
    for i in wrong[:5]:
        print(f"line {i}: {lines[i]!r}\n  expected {expected[i]}\n"
              f"  actual   {actual[i]}")
    print(f"{len(lines)} lines, {sum(map(len, expected))} tokens, "
          f"{len(wrong)} mismatches")
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gguf", help="where the vocabulary is read from")
    parser.add_argument("module", nargs="?", help="what quant-run gets, if not "
                        "the same file")
    parser.add_argument("--quant-run", default="quant-run")
    parser.add_argument("--lines", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pre", help="in place of the file's own")
    parser.add_argument("--expected", nargs=2, metavar=("LINES", "IDS"),
                        help="write the lines and the oracle's ids; run nothing")
    arguments = parser.parse_args()
    oracle, vocabulary = make_oracle(arguments.gguf, arguments.pre)
    added = [text for text, type in zip(vocabulary.tokens, vocabulary.types)
             if type in (CONTROL, USER_DEFINED) and "\n" not in text]
    lines = list(make_lines(arguments.seed, arguments.lines, added))
    expected = [encoding.ids for encoding in
                oracle.encode_batch(lines, add_special_tokens=False)]
    if arguments.expected:
        with open(arguments.expected[0], "w", newline="") as file:
            file.writelines(line + "\n" for line in lines)
        with open(arguments.expected[1], "w") as file:
            file.writelines(json.dumps(ids) + "\n" for ids in expected)
        return 0
    actual = run([arguments.quant_run, arguments.module or arguments.gguf], lines)
    return report(lines, expected, actual)


if __name__ == "__main__":
    sys.exit(main())
