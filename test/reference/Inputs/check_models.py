#!/usr/bin/env python3
"""The reference's logits of tiny models against those of transformers.

    check_models.py FOLDER TOOL

FOLDER holds NAME.gguf, NAME.prompts.txt (prompts as `<t5><t9>`: the ids 5 and 9)
and NAME.expected.f32 (test/e2e/tiny_models.py makes them).
"""

import array
import glob
import os
import re
import subprocess
import sys
import tempfile

# Largest |ours - expected| over the largest |expected|; transformers compute in
# f32, the reference in f64.
TOLERANCE = 5e-6


def floats(path):
    values = array.array("f")
    with open(path, "rb") as file:
        values.frombytes(file.read())
    if sys.byteorder == "big":
        values.byteswap()
    return values


def logits(tool, model, prompt, folder):
    path = os.path.join(folder, "logits.f32")
    tokens = ",".join(re.findall(r"<t(\d+)>", prompt))
    subprocess.run(
        [tool, model, "--tokens=" + tokens, "--kv-f32", "--logits=" + path],
        check=True, stdout=subprocess.DEVNULL)
    return floats(path)


def distance(tool, base, folder):
    expected = floats(base + ".expected.f32")
    got = array.array("f")
    with open(base + ".prompts.txt") as file:
        for prompt in file:
            got.extend(logits(tool, base + ".gguf", prompt, folder))
    if len(got) != len(expected):
        return float("inf")
    spread = max(map(abs, expected))
    return max(abs(a - b) for a, b in zip(got, expected)) / spread


def main(folder, tool):
    failed = False
    models = sorted(glob.glob(os.path.join(folder, "*.gguf")))
    with tempfile.TemporaryDirectory() as scratch:
        for model in models:
            base = model[: -len(".gguf")]
            error = distance(tool, base, scratch)
            failed |= not error <= TOLERANCE
            print(f"{os.path.basename(base)}: {error:.1e}")
    if failed or not models:
        sys.exit(f"expected every distance to be within {TOLERANCE}")


if __name__ == "__main__":
    main(*sys.argv[1:])
