"""Modules that are not what they were when they were written."""

import os
import random
import shutil
import struct

from harness import TINY, cpu_levels, each, expect, one_line

MODEL = TINY / "llama-q4_1.gguf"
GENERATE = ("-p", "a b c", "-n", 2, "--temp", 0)


def sections(content):
    """(code_bytes, weights_offset) of qrt_header, which stands at code_bytes."""
    begin = content.rindex(b"LOWBITQR")
    code_bytes, = struct.unpack_from("<Q", content, begin + 24)
    weights_offset, = struct.unpack_from("<Q", content, begin + 48)
    expect(code_bytes == begin, f"the header stands at {begin}, but says {code_bytes}")
    return code_bytes, weights_offset


@each("code", "header", "weights")
def test_flipped_bytes(context, where):
    """One flipped bit anywhere is refused. Places come from LOWBIT_TEST_SEED."""
    content = bytearray(context.module(MODEL).read_bytes())
    code_bytes, weights_offset = sections(content)
    low, high = {"code": (0, code_bytes), "header": (code_bytes, weights_offset),
                 "weights": (weights_offset, len(content))}[where]
    generator = random.Random(int(os.environ.get("LOWBIT_TEST_SEED", "1")))
    places = {low, high - 1, *(generator.randrange(low, high) for _ in range(30))}
    path = context.folder / "flipped.so"
    for place in sorted(places):
        bit = 1 << generator.randrange(8)
        content[place] ^= bit
        path.write_bytes(content)
        content[place] ^= bit
        line = one_line(context.attempt("quant-run", path, *GENERATE, QRT_VERIFY="always"), "quant-run")
        expect("flipped.so" in line, f"byte {place}: expected the file's name in {line!r}")


def test_truncated(context):
    content = context.module(MODEL).read_bytes()
    code_bytes, weights_offset = sections(content)
    path = context.folder / "short.so"
    for size in (0, 1, 64, code_bytes - 1, code_bytes, code_bytes + 100, weights_offset, len(content) - 1):
        path.write_bytes(content[:size])
        one_line(context.attempt("quant-run", path, *GENERATE), "quant-run")


def test_stripped(context):
    """llvm-objcopy --strip-all removes the weights, GNU strip keeps them."""
    objcopy = shutil.which("llvm-objcopy-22") or shutil.which("llvm-objcopy", path="/usr/lib/llvm-22/bin")
    expect(objcopy, "llvm-objcopy-22 is not there (package llvm-22)")
    path = context.folder / "stripped.so"
    shutil.copy(context.module(MODEL), path)
    context.run(objcopy, "--strip-all", path)
    one_line(context.attempt("quant-run", path, *GENERATE), "quant-run")


@each("z80", "neon")
def test_forced_level(context, level):
    """A level that the module or the CPU lacks."""
    line = one_line(context.attempt("quant-run", context.module(MODEL), *GENERATE, level=level), "quant-run")
    expect(level in line, f"expected '{level}' in {line!r}")


def test_module_for_another_level(context):
    levels = cpu_levels()
    module = context.module(MODEL, f"--target-cpu={levels[0]}")
    context.run("quant-run", module, *GENERATE)
    for level in levels[1:]:
        one_line(context.attempt("quant-run", module, *GENERATE, level=level), "quant-run")


def test_verified_once(context):
    """A file that passed is remembered; a changed one is checked again."""
    path = context.folder / "model.so"
    shutil.copy(context.module(MODEL), path)
    cache = str(context.folder / "cache")
    first = context.run("quant-run", path, *GENERATE, XDG_CACHE_HOME=cache)
    expect(first == context.run("quant-run", path, *GENERATE, XDG_CACHE_HOME=cache), "another text")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    one_line(context.attempt("quant-run", path, *GENERATE, XDG_CACHE_HOME=cache), "quant-run")


def test_compiled_the_same_twice(context):
    paths = [context.folder / name for name in ("a.so", "b.so")]
    for path in paths:
        context.run("quant-compile", MODEL, "-o", path, "--quiet")
    expect(paths[0].read_bytes() == paths[1].read_bytes(), "two compilations differ")
