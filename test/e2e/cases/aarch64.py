"""Modules for AArch64, compiled here and run under qemu by a runtime that
scripts/test has built for it."""

import os
import shutil

import tiny_models
from harness import TINY, Skip, each, expect, floats, one_line
from cases.functions import dense, numpy

MODELS = sorted(path.stem for path in TINY.glob("*.gguf"))
LEVELS = ("neon", "armv8.6")
BOTH = "--target-cpu=" + ",".join(LEVELS)


def attempt(context, program, *arguments, cpu="max", level=None):
    """Runs a program for AArch64."""
    qemu, path = shutil.which("qemu-aarch64"), context.build / "aarch64" / "bin" / program
    if not qemu or not path.exists():
        raise Skip("needs qemu-aarch64" if not qemu else f"needs {path}, which scripts/test builds")
    return context.attempt(qemu, "-cpu", cpu, "-L", context.build / "aarch64-sysroot", path, *arguments, level=level)


def emulated(context, program, *arguments, **options):
    """The same of one that must succeed; gives its stdout."""
    result = attempt(context, program, *arguments, **options)
    expect(result.returncode == 0, f"{program}: exit {result.returncode}: {result.stderr}")
    return result.stdout


def logits(context, model, level, *options):
    module = context.module(TINY / f"{model}.gguf", BOTH, *options)
    out = context.folder / f"{level}.f32"
    emulated(context, "quant-eval", module, "--prompts", TINY / f"{model}.prompts.txt", "--logits", out, level=level)
    return floats(out)


@each(*((model, level) for model in MODELS for level in LEVELS))
def test_exact_mode(context, model, level):
    ours = logits(context, model, level, *tiny_models.EXACT)
    error, problem = tiny_models.compare(ours, floats(TINY / f"{model}.expected.f32"))
    expect(not problem, problem)
    expect(error <= tiny_models.TOLERANCE, f"largest relative error {error:.2e}, at most {tiny_models.TOLERANCE:.0e}")


@each(*((model, level) for model in MODELS for level in LEVELS))
def test_same_as_x86(context, model, level):
    """Integer sums are equal, float sums differ by their order."""
    theirs = context.folder / "x86.f32"
    context.run("quant-eval", TINY / f"{model}.gguf", "--prompts", TINY / f"{model}.prompts.txt", "--logits", theirs)
    theirs, ours = floats(theirs), logits(context, model, level)
    largest = max(map(abs, theirs))
    worst = max(abs(a - b) for a, b in zip(ours, theirs, strict=True))
    print(f"    {model} {level}: logits of up to {largest:.3g} differ from this CPU's by up to {worst:.2e}")
    expect(worst <= 1e-3 * largest, f"{level} and this CPU differ by {worst:.2e}, logits are up to {largest:.3g}")


@each(*((kv, level) for kv in ("bf16", "q8", "q4") for level in LEVELS))
def test_narrow_stores(context, kv, level):
    """Keys and values are rounded alike; float sums differ by their order."""
    options, prompts = ("--activations=f32", f"--kv={kv}"), TINY / "qwen3-odd-f32.prompts.txt"
    theirs = context.folder / "x86.f32"
    context.run("quant-eval", TINY / "qwen3-odd-f32.gguf", *options, "--prompts", prompts, "--logits", theirs)
    theirs, ours = floats(theirs), logits(context, "qwen3-odd-f32", level, *options)
    worst = max(abs(a - b) for a, b in zip(ours, theirs, strict=True)) / max(map(abs, theirs))
    expect(worst <= 1e-4, f"{level} and this CPU differ by {worst:.2e}")


@each(*LEVELS)
def test_text(context, level):
    module = context.module(TINY / "llama-q4_1.gguf", BOTH)
    arguments = (module, "-p", "a b c", "-n", 8, "--temp", 0)
    here = context.module(TINY / "llama-q4_1.gguf")
    expect(emulated(context, "quant-run", *arguments, level=level) == context.run("quant-run", here, *arguments[1:]),
           "another text than on this CPU")


def test_level_of_the_cpu(context):
    """The best level that the CPU has; another one is refused in a line."""
    module = context.module(TINY / "llama-q4_1.gguf", BOTH)
    arguments = (module, "-p", "a", "-n", 1, "--temp", 0)
    for cpu in ("max", "cortex-a76"):
        emulated(context, "quant-run", *arguments, cpu=cpu)
    line = one_line(attempt(context, "quant-run", *arguments, cpu="cortex-a76", level="armv8.6"), "quant-run")
    expect("level armv8.6 needs i8mm, bf16, which this CPU lacks" in line, line)


# Codes whose bytes are unsigned, need the sign route (8 bits), or come from a table.
SCHEMES = {
    "sign": "sign, row scale f32",
    "ternary": "ternary, row scale f32",
    "u3": "u3 offset 4, row scale f32",
    "u4": "u4 offset 8, row scale f32",
    "s7": "s7, row scale f32",
    "s8": "s8, row scale f32",
    "u8": "u8 offset 128, row scale f32",
    "u8-offset-0": "u8 offset 0, row scale f32",
    "codebook": "u2 codebook [-127, -1, 1, 127], row scale f32",
    "codebook-128": "u2 codebook [-64, -1, 1, 64], row scale f32",
}


@each(*((scheme, level) for scheme in SCHEMES for level in LEVELS))
def test_integer_sums(context, scheme, level):
    """One group of codes and activations that are integers: the result is the sum
    of their products, to the last bit."""
    np = numpy()
    rows, columns, outputs = 23, 512, 40  # blocks of 4 rows, and rows behind them
    generator = np.random.default_rng(int(os.environ.get("LOWBIT_TEST_SEED", "1")))
    kind = SCHEMES[scheme].split(",")[0]
    values = {"sign": [-1, 1], "ternary": [-1, 0, 1], "u3 offset 4": range(-4, 4), "u4 offset 8": range(-8, 8),
              "s7": range(-63, 64), "s8": range(-127, 128), "u8 offset 128": range(-128, 128),
              "u8 offset 0": range(0, 256), "u2 codebook [-127": [-127, -1, 1, 127],
              "u2 codebook [-64": [-64, -1, 1, 64]}[kind]
    values = np.array(list(values))
    w = generator.choice(values, (outputs, columns))
    w[0], w[1] = values[0], values[-1]
    w[2:, 0], w[2:, 1] = values[0], values[-1]  # the scale of every row is 1
    x = generator.integers(-127, 128, (rows, columns))
    x[0], x[1] = 127, -127
    x[2:, 0] = 127  # so is the scale of every token
    (context.folder / "sums.mlir").write_text(f"""
func.func @sums(%x: tensor<{rows}x{columns}xf32>) -> tensor<{rows}x{outputs}xf32> {{
  %reals = arith.constant {dense(w.astype("<f4"))} : tensor<{outputs}x{columns}xf32>
  %w = lowbit.quantize %reals : tensor<{outputs}x{columns}xf32> -> !lowbit.tensor<{outputs}x{columns}, #lowbit.scheme<{SCHEMES[scheme]}>>
  %y = lm.linear %x, %w : tensor<{rows}x{columns}xf32>, !lowbit.tensor<{outputs}x{columns}, #lowbit.scheme<{SCHEMES[scheme]}>>
     -> tensor<{rows}x{outputs}xf32>
  return %y : tensor<{rows}x{outputs}xf32>
}}
""")
    np.save(context.folder / "x.npy", x.astype("<f4"))
    context.run("quant-compile", "sums.mlir", "-o", "sums.so", BOTH, "--activations=per-token", "--quiet")
    emulated(context, "quant-run", context.folder / "sums.so", "--call=sums", "--input", "x.npy", "--output", "y.npy",
             level=level)
    got = np.load(context.folder / "y.npy")
    expect((got == x @ w.T).all(), f"expected {(x @ w.T).tolist()}, but got {got.tolist()}")


def test_refused_here(context):
    """A module for AArch64 on another machine: one line."""
    if os.uname().machine == "aarch64":
        raise Skip("this machine is one")
    module = context.module(TINY / "llama-q4_1.gguf", BOTH)
    line = one_line(context.attempt("quant-run", module, "-p", "a", "-n", 1), "quant-run")
    expect("AArch64" in line or "x86-64" in line, line)
