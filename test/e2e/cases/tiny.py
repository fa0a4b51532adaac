"""Tiny models of every architecture against the logits that transformers
computed (test/e2e/tiny_models.py wrote both)."""

import itertools

import tiny_models
from harness import TINY, Skip, cpu_flags, cpu_levels, each, expect, floats, one_line

MODELS = sorted(path.stem for path in TINY.glob("*.gguf"))
LEVELS = cpu_levels()


def logits(context, model, level, *options):
    out = context.folder / f"{model}.{level}.f32"
    context.run("quant-eval", TINY / f"{model}.gguf", *options, "--prompts",
                TINY / f"{model}.prompts.txt", "--logits", out, level=level)
    return floats(out)


@each(*((model, level) for model in MODELS for level in LEVELS))
def test_exact_mode(context, model, level):
    """--activations=f32 reproduces transformers on the dequantized weights."""
    ours = logits(context, model, level, *tiny_models.EXACT)
    error, problem = tiny_models.compare(ours, floats(TINY / f"{model}.expected.f32"))
    expect(not problem, problem)
    expect(error <= tiny_models.TOLERANCE, f"largest relative error {error:.2e}, at most {tiny_models.TOLERANCE:.0e}")


@each("llama-q4_1", "qwen3-odd-f32", "gemma3-q8_0")
def test_levels_agree(context, model):
    """Integer sums are equal on every level, float sums differ by their order."""
    first = logits(context, model, LEVELS[0])
    largest = max(map(abs, first))
    for level in LEVELS[1:]:
        other = logits(context, model, level)
        worst = max(abs(a - b) for a, b in zip(first, other, strict=True)) / largest
        expect(worst <= 1e-3, f"{LEVELS[0]} and {level} differ by {worst:.2e}")


@each("llama-q4_1", "llama-mixed", "gemma3-q8_0")
def test_bf16(context, model):
    """--activations=bf16: the levels agree, and are near the exact mode, from
    which each activation is off by 2^-9 at most."""
    exact = logits(context, model, LEVELS[0], *tiny_models.EXACT)
    largest = max(map(abs, exact))
    for level in cpu_levels("bf16"):
        ours = logits(context, model, level, "--activations=bf16", "--kv=f32")
        worst = max(abs(a - b) for a, b in zip(ours, exact, strict=True)) / largest
        expect(worst <= 2e-2, f"{level}: off by {worst:.2e} of the largest logit")


@each("llama-q4_1", "llama-mixed", "gemma3-q8_0")
def test_avxvnni(context, model):
    """A level that a module has on request alone."""
    if "avx_vnni" not in cpu_flags():
        raise Skip("this CPU has no AVX-VNNI")
    module = context.module(TINY / f"{model}.gguf", "--target-cpu=avx2,avxvnni")
    answers = []
    for level in ("avx2", "avxvnni"):
        out = context.folder / f"{level}.f32"
        context.run("quant-eval", module, "--prompts", TINY / f"{model}.prompts.txt", "--logits", out, level=level)
        answers.append(floats(out))
    worst = max(abs(a - b) for a, b in zip(*answers, strict=True)) / max(map(abs, answers[0]))
    expect(worst <= 1e-3, f"avx2 and avxvnni differ by {worst:.2e}")


@each("llama-q4_1", "llama-mixed", "gemma3-q8_0")
def test_amx(context, model):
    """A level on request that needs the system's permission; on a CPU without
    it the module runs at another one."""
    module = context.module(TINY / f"{model}.gguf", "--target-cpu=avx2,amx")
    arguments = ("quant-eval", module, "--prompts", TINY / f"{model}.prompts.txt", "--logits")
    answers = []
    for level in ("avx2", None):
        out = context.folder / f"{level}.f32"
        context.run(*arguments, out, level=level)
        answers.append(floats(out))
    worst = max(abs(a - b) for a, b in zip(*answers, strict=True)) / max(map(abs, answers[0]))
    expect(worst <= 1e-3, f"avx2 and the best level differ by {worst:.2e}")
    if "amx_int8" not in cpu_flags():
        line = one_line(context.attempt(*arguments, context.folder / "amx.f32", level="amx"), "quant-eval")
        expect("level amx needs" in line and "amx-tile, amx-int8, amx-bf16" in line, line)


@each("llama-q4_1", "llama-odd-f32", "gemma3-f32")
def test_rows_are_independent(context, model):
    """The same bytes for 1, 2 and 3 threads, wherever they and the weights
    are, and from modules that compute 5 rows at once or up to 256."""
    places = ((), ("--affinity", "compact", "--huge-pages", "copy"), ("--affinity", "spread", "--huge-pages=advise"))
    answers = set()
    for rows in (5, 256):
        module = context.module(TINY / f"{model}.gguf", f"--max-rows={rows}")
        for threads, place in itertools.product((1, 2, 3), places):
            out = context.folder / "out.f32"
            context.run("quant-eval", module, "-t", threads, *place, "--prompts",
                        TINY / f"{model}.prompts.txt", "--logits", out)
            answers.add(out.read_bytes())
    expect(len(answers) == 1, f"expected one answer, but got {len(answers)}")
