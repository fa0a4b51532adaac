#!/usr/bin/env python3
"""Tiny models with known logits, against the tools.

    tiny_models.py make  FOLDER [--set small|full] [--oracles FOLDER]
    tiny_models.py folders FOLDER
    tiny_models.py encoders FOLDER
    tiny_models.py check FOLDER [--tools FOLDER] [--only REGEX] [--report FILE]

`make` builds models in transformers (random weights, or the oracles'), writes
each as GGUF and computes what it must answer: NAME.gguf, NAME.prompts.txt (one
prompt a line) and NAME.expected.f32 (the logits after each prompt's last
token). Of a quantized model transformers gets the dequantized weights. It needs
torch 2.13, transformers 5.23, gguf 0.19 and safetensors; `full` needs the
oracles too.

`folders` makes small folders as transformers saves models, of every family that
quant-compile reads: test/e2e/Inputs/huggingface.

`encoders` makes those of encoders, with tokenizers: test/e2e/Inputs/encoders.

`check` needs nothing but Python: it runs quant-eval in the exact mode on every
model of the folder and compares. test/e2e/Inputs/tiny holds the set `small`.
"""

import argparse
import array
import os
import re
import subprocess
import sys
import tempfile

# Largest |ours - expected| over the model's largest |expected|.
TOLERANCE = 1e-4
# No rounding of activations, keys or values: what is left is the sums' order.
EXACT = ["--activations=f32", "--kv=f32"]


# --- check -------------------------------------------------------------------


def floats(path):
    values = array.array("f")
    with open(path, "rb") as file:
        values.frombytes(file.read())
    if sys.byteorder == "big":
        values.byteswap()
    return values


def run_model(base, tools, scratch):
    """The logits that quant-eval writes, or a line that says what went wrong."""
    output = os.path.join(scratch, "logits.f32")
    command = [os.path.join(tools, "quant-eval"), base + ".gguf", *EXACT]
    command += ["--prompts", base + ".prompts.txt", "--logits", output]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if result.returncode != 0:
        lines = result.stderr.strip().splitlines() or ["no message"]
        return None, f"exit {result.returncode}: {lines[-1]}"
    return floats(output), None


def compare(ours, expected):
    """Largest difference, relative to the largest expected value."""
    if len(ours) != len(expected):
        return None, f"{len(ours)} logits, expected {len(expected)}"
    largest = max(map(abs, expected))
    worst = max(abs(a - b) for a, b in zip(ours, expected))
    # NaN compares false with everything, so max() may step over it.
    if any(a != a for a in ours):
        return None, "the logits hold NaN"
    return worst / largest, None


def check(arguments):
    names = sorted(
        file[: -len(".gguf")]
        for file in os.listdir(arguments.folder)
        if file.endswith(".gguf")
    )
    names = [name for name in names if re.search(arguments.only, name)]
    if not names:
        sys.exit(f"tiny_models.py: no model in '{arguments.folder}'; run make first")
    failed, table = 0, []
    for name in names:
        base = os.path.join(arguments.folder, name)
        expected = floats(base + ".expected.f32")
        with tempfile.TemporaryDirectory() as scratch:
            ours, problem = run_model(base, arguments.tools, scratch)
        error = None
        if not problem:
            error, problem = compare(ours, expected)
        good = error is not None and error <= TOLERANCE
        failed += not good
        measured = f"{error:.2e}" if error is not None else problem
        print(f"{'PASS' if good else 'FAIL'} {name}: {measured}", flush=True)
        table.append(f"| {name} | {measured} | {'yes' if good else 'NO'} |\n")
    if arguments.report:
        with open(arguments.report, "w") as file:
            file.write("| model | largest error, relative | within 1e-4 |\n|---|---|---|\n")
            file.writelines(table)
    print(f"{len(names) - failed} passed, {failed} failed")
    return 1 if failed else 0


# --- make --------------------------------------------------------------------


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("make")
    one.add_argument("folder")
    one.add_argument("--set", choices=["small", "full"], default="small")
    one.add_argument("--oracles", default="", help="folder of Hugging Face models")
    one.add_argument("--only", default="", metavar="REGEX")
    one = commands.add_parser("check")
    one.add_argument("folder")
    one.add_argument("--tools", default="build/bin", help="where quant-eval is")
    one.add_argument("--only", default="", metavar="REGEX")
    one.add_argument("--report", help="write a Markdown table")
    for name in ("folders", "encoders"):
        commands.add_parser(name).add_argument("folder")
    arguments = parser.parse_args()
    if arguments.command == "check":
        return check(arguments)
    if arguments.command == "encoders":
        from tiny_encoder_maker import make_encoders

        return make_encoders(arguments.folder)
    if arguments.command == "folders":
        from tiny_folder_maker import make_folders

        return make_folders(arguments.folder)
    from tiny_model_maker import make

    return make(arguments)


if __name__ == "__main__":
    sys.exit(main())
