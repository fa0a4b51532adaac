"""Real models: perplexity, logits, tokens."""

import importlib.util
import json
import math
import subprocess
import sys

from harness import ROOT, Skip, cpu_levels, each, expect, floats

# llama.cpp's figures for shared/oracles/llama-cpp/text.txt, 24 chunks of 512.
SMOLLM2_PERPLEXITY = 16.951


def perplexity(context, model, chunks, *options, level=None):
    text = context.oracle("llama-cpp/text.txt")
    result = json.loads(context.run("quant-eval", context.model(model), "--text", text, "--ctx", 512,
                                    "--chunks", chunks, "--json", *options, level=level))
    expect(result["tokens_scored"] == 255 * chunks, f"expected {255 * chunks} scored tokens, but got {result}")
    expect(abs(math.exp(result["nll"]) - result["ppl"]) < 1e-3 * result["ppl"], f"ppl is not exp(nll): {result}")
    return result["ppl"]


def near(ours, theirs, share, what):
    expect(abs(ours / theirs - 1) <= share, f"{what}: {ours:.4f}, expected {theirs:.4f} within {share:.1%}")


def test_smollm2_perplexity(context):
    near(perplexity(context, "smollm2", 24), SMOLLM2_PERPLEXITY, 0.01, "perplexity beside llama.cpp's")


def test_smollm2_perplexity_exact_mode(context):
    """8-bit activations cost little beside float ones."""
    near(perplexity(context, "smollm2", 4), perplexity(context, "smollm2", 4, "--activations=f32"),
         0.02, "perplexity beside the exact mode's")


@each("bf16", "q8")
def test_smollm2_perplexity_narrow_store(context, kv):
    near(perplexity(context, "smollm2", 4, f"--kv={kv}"), perplexity(context, "smollm2", 4),
         0.01, f"perplexity with keys and values in {kv}")


def test_gemma3_perplexity_exact_mode(context):
    near(perplexity(context, "gemma3", 4), perplexity(context, "gemma3", 4, "--activations=f32"),
         0.03, "perplexity beside the exact mode's")


def test_smollm2_perplexity_levels(context):
    levels = cpu_levels()
    if len(levels) < 2:
        raise Skip("this CPU has one level")
    first, *others = (perplexity(context, "smollm2", 2, level=level) for level in levels)
    for other in others:
        near(other, first, 0.002, "perplexity of another level")


def log_softmax(row):
    top = max(row)
    total = top + math.log(math.fsum(math.exp(x - top) for x in row))
    return [x - total for x in row]


def test_smollm2_logits(context):
    """After five prompts: llama.cpp's first choice, KL(oracle || ours) < 0.02 on
    average. llama.cpp rounds activations too: after the fourth prompt our exact
    mode is 0.038 away from it, so a single one may be as far."""
    prompts = context.oracle("llama-cpp/prompts.txt")
    oracle = floats(context.oracle("llama-cpp/SmolLM2-135M-Instruct.Q4_1.prompt_last_logits.f32"))
    out = context.folder / "logits.f32"
    context.run("quant-eval", context.model("smollm2"), "--prompts", prompts, "--logits", out)
    ours, count = floats(out), len(prompts.read_text().splitlines())
    expect(len(ours) == len(oracle), f"expected {len(oracle)} logits, but got {len(ours)}")
    vocabulary, divergences = len(oracle) // count, []
    for i in range(count):
        theirs, mine = (values[i * vocabulary:(i + 1) * vocabulary] for values in (oracle, ours))
        best = max(range(vocabulary), key=mine.__getitem__)
        expect(best == max(range(vocabulary), key=theirs.__getitem__), f"prompt {i + 1}: another first choice")
        p, q = log_softmax(theirs), log_softmax(mine)
        divergences.append(math.fsum(math.exp(a) * (a - b) for a, b in zip(p, q)))
    shown = ", ".join(f"{divergence:.4f}" for divergence in divergences)
    print(f"  KL(oracle || ours): {shown}")
    expect(math.fsum(divergences) / count < 0.02 and max(divergences) < 0.05, f"KL {shown} nats")


@each("smollm2", "gemma3")
def test_tokens(context, model):
    """10,000 lines of mixed text, as Hugging Face's tokenizers."""
    for package in ("gguf", "tokenizers"):
        if not importlib.util.find_spec(package):
            raise Skip(f"needs the Python package {package}")
    source = context.model(model)
    result = subprocess.run(
        [sys.executable, ROOT / "test/e2e/tokenizer_oracle.py", "--quant-run", context.build / "bin/quant-run",
         source, context.module(source)], capture_output=True, text=True, env=context.environment())
    expect(result.returncode == 0, (result.stdout + result.stderr)[-2000:])


@each("smollm2", "gemma3")
def test_same_tokens_for_any_thread_count(context, model):
    answers = set()
    place = ("--affinity", "compact", "--huge-pages", "copy")
    for options in ((1,), (2,), (2,), (1, *place), (2, *place), (3, *place)):
        answer = json.loads(context.run("quant-run", context.model(model), "-p", "The sea is", "-n", 40, "--seed", 7,
                                        "--ignore-eos", "--json", "-t", *options))
        answers.add(tuple(answer["ids"]))
        expect(len(answer["ids"]) == 40, f"expected 40 ids, but got {len(answer['ids'])}")
    expect(len(answers) == 1, f"expected the same tokens, but got {answers}")


# Formats that no C++ knows, and how many times SmolLM2's own perplexity they may
# cost: its 4-bit weights are rounded once more, to nearest, and it is fragile.
SCHEMES = {
    "three": ("u3 codebook [-4.0, -2.4, -1.3, -0.4, 0.4, 1.3, 2.4, 4.0], group 48 scale bf16", 1000),
    "five": ("u5, group 50 scale f16 min f16", 1.3),
}


@each(*SCHEMES)
def test_smollm2_in_a_scheme_of_ones_own(context, name):
    scheme, most = SCHEMES[name]
    (context.folder / "schemes.mlir").write_text(f"#{name} = #lowbit.scheme<{scheme}>\n")
    options = (f"--scheme=schemes.mlir#{name}", "--tensors=blk.*")
    ours = perplexity(context, "smollm2", 1, *options)
    expect(ours < most * perplexity(context, "smollm2", 1), f"perplexity {ours:.2f}")
    near(ours, perplexity(context, "smollm2", 1, *options, "--activations=f32"), 0.2, "beside the exact mode's")
