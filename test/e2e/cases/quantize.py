"""quant-compile --recipe: recipes, calibration, resuming, and bad input."""

import importlib.util
import json
import random
import signal
import struct
import subprocess
import time

import tiny_models
from harness import ROOT, TINY, Skip, each, expect, floats, one_line

FOLDERS = ROOT / "test" / "e2e" / "Inputs" / "huggingface"
MODEL = TINY / "llama-f32.gguf"
# One level, as compiling the code is most of what these tests cost.
HOST = ("--quiet", "--target-cpu=host")
LENGTH = 16
FOUR = "u4 offset 8, group 8 scale f16"


def recipe_of(context, rules, name="recipe", **keys):
    """Writes a recipe; JSON is YAML too."""
    path = context.folder / f"{name}.yaml"
    path.write_text(json.dumps({"tensors": rules} | keys))
    return path


def rule(match, scheme, algorithm="nearest"):
    return {"match": match, "scheme": scheme, "algorithm": algorithm}


def text_of(context, tokens=LENGTH * 6, vocabulary=67):
    source = random.Random(5)
    (context.folder / "text.txt").write_text("".join(f"<t{source.randrange(1, vocabulary)}>" for _ in range(tokens)))
    return {"text": "text.txt", "length": LENGTH}


def quantize(context, model, recipe, *options, out="out.so"):
    out = context.folder / out
    context.run("quant-compile", model, "--recipe", recipe, "-o", out, *HOST, *options)
    return out


def logits_of(context, module, prompts):
    out = context.folder / "logits.f32"
    context.run("quant-eval", module, "--prompts", prompts, "--logits", out)
    values = floats(out)
    expect(all(abs(value) < 1e6 for value in values), "logits are not finite")
    return values


def weights_of(context, module, reference):
    said = json.loads(context.run("quant-eval", module, "--against", reference, "--sqnr", "-o", "json"))
    return {weight["name"]: weight for weight in said["weights"]}


def differing(context, module, reference):
    """Names of weights that mean something else."""
    return {name for name, weight in weights_of(context, module, reference).items() if weight["max_error"] != 0}


def expect_gone(context, *kept):
    left = sorted(path.name for path in context.folder.iterdir() if path.name not in kept)
    expect(not left, f"left behind: {left}")


# --- Nearest ------------------------------------------------------------------


FAMILIES = (MODEL, TINY / "llama-odd-f32.gguf", TINY / "llama-mixed.gguf", TINY / "qwen2-f32.gguf",
            TINY / "qwen3-odd-f32.gguf", TINY / "gemma3-f32.gguf", FOLDERS / "qwen3", FOLDERS / "smollm3")


@each(*FAMILIES)
def test_nearest_is_the_scheme(context, model):
    """The same weights as --scheme makes on the same tensors, and others than another scheme."""
    module = quantize(context, model, recipe_of(context, [rule(r"blk\..*", "Q4_0"), rule(".*", "Q8_0")]))
    names = weights_of(context, module, module)
    layers = {name for name in names if name.startswith("blk.")}
    for scheme, others in (("Q4_0", set(names) - layers), ("Q8_0", layers)):
        differ = differing(context, module, context.module(model, f"--scheme={scheme}", *HOST[1:]))
        expect(differ and differ <= others, f"--scheme={scheme}: {sorted(differ)} are others")


@each(MODEL, TINY / "gemma3-f32.gguf", FOLDERS / "qwen3")
def test_word_searches(context, model):
    """Built-in Q4_0: of no layer's matrix is more lost than by --scheme=Q4_0."""
    exact = context.module(model, "--activations=f32", *HOST[1:])
    ours = weights_of(context, quantize(context, model, "Q4_0"), exact)
    theirs = weights_of(context, context.module(model, "--scheme=Q4_0", *HOST[1:]), exact)
    layers = [name for name, weight in ours.items() if name.startswith("blk.") and weight["rows"] > 1]
    expect(layers, f"no layers among {list(ours)}")
    for name in layers:
        expect(ours[name]["scheme"] == theirs[name]["scheme"], f"{name}: {ours[name]['scheme']}")
        expect(ours[name]["sqnr_db"] >= theirs[name]["sqnr_db"] - 1e-9, f"{name}: {ours[name]} after {theirs[name]}")
    better = sum(ours[name]["sqnr_db"] > theirs[name]["sqnr_db"] for name in layers)
    expect(better > len(layers) / 2, f"{better} of {len(layers)} matrices are better")


def test_bytes_are_the_schemes(context):
    """Bit for bit, as files of GGUF."""
    if not importlib.util.find_spec("gguf"):
        raise Skip("needs the Python package gguf")
    import gguf
    recipe = recipe_of(context, [rule(".*", "Q4_1")])
    files = []
    for options in (["--recipe", recipe], ["--scheme=Q4_1"]):
        out = context.folder / f"{len(files)}.gguf"
        context.run("quant-compile", TINY / "llama-mixed.gguf", *options, "--emit=gguf", "-o", out, "--quiet")
        files.append(gguf.GGUFReader(out))
    kinds = set()
    for ours, theirs in zip(*(file.tensors for file in files), strict=True):
        expect((ours.name, ours.tensor_type) == (theirs.name, theirs.tensor_type), f"{ours.name}: other type")
        expect(ours.data.tobytes() == theirs.data.tobytes(), f"{ours.name}: other bytes")
        kinds.add(ours.tensor_type.name)
    expect(kinds == {"Q4_1", "F32"}, f"expected Q4_1 and F32, but got {kinds}")


def test_first_rule_counts(context):
    recipe = recipe_of(context, [rule(r"blk\.0\..*", "keep"), rule(r"blk\..*_q\.weight", "Q8_0"), rule(r"blk\..*", "Q4_0")])
    weights = weights_of(context, quantize(context, MODEL, recipe), context.module(MODEL, *HOST[1:]))
    q8, q4 = "s8, group 32 scale f16", "u4 offset 8, group 32 scale f16"
    for name, expected in (("blk.0.attn_q.weight", "f32"), ("blk.1.attn_q.weight", q8), ("blk.1.attn_k.weight", q4),
                           ("output.weight", "f32")):
        expect(weights[name]["scheme"] == expected, f"{name}: {weights[name]['scheme']}")


def test_dry_run(context):
    recipe = recipe_of(context, [rule(".*", FOUR, "gptq")])
    lines = context.run("quant-compile", MODEL, "--recipe", recipe, "--dry-run").splitlines()
    expect(len(lines) == 17, f"expected 16 tensors and a sum, but got {lines}")
    down = next(line for line in lines if line.startswith("blk.0.ffn_down.weight"))
    expect(down.split()[1:4] == ["32", "x", "56"] and down.endswith(f"  {FOUR}, gptq"), down)
    # Rows are looked up in it: it meets no activations.
    table = next(line for line in lines if line.startswith("token_embd.weight"))
    expect(table.endswith(f"  {FOUR}, nearest"), table)
    weights, gains = 2 * 67 * 32 + 2 * (2 * 32 * 32 + 2 * 16 * 32 + 3 * 56 * 32), 5 * 32
    before, after = 32 * (weights + gains), 6 * weights + 32 * gains  # 4 bits, and 16 for 8
    expected = (f"recipe recipe: 16 tensors, {before / 8e6:.2f} MB -> {after / 8e6:.2f} MB, "
                f"{after / (weights + gains):.3f} bits per weight")
    expect(lines[-1] == expected, f"expected {expected!r}, but got {lines[-1]!r}")
    expect_gone(context, "recipe.yaml")


# --- Rotations and scalings -------------------------------------------------------


@each(*(("rotate", name) for name in ("llama-f32", "llama-yarn", "qwen2-f32", "qwen3-odd-f32", "gemma3-f32")),
      *(("rotate-heads", name) for name in ("llama-f32", "qwen2-f32", "qwen3-odd-f32", "gemma3-f32")),
      *(("smoothquant", name) for name in ("llama-f32", "llama-odd-f32", "qwen2-f32", "qwen3-f32", "gemma3-f32")))
def test_function_is_the_same(context, method, name):
    """In floats, other weights compute the same logits: those that transformers did."""
    model, keys = TINY / f"{name}.gguf", {"scale": method}
    if method.startswith("rotate"):
        keys = {"rotate": ".*"} | ({"rotate-heads": "true"} if method == "rotate-heads" else {})
    recipe = recipe_of(context, [rule(".*", "F32")], activations="f32", calibration=text_of(context), **keys)
    module = quantize(context, model, recipe, "--kv=f32")
    differ = differing(context, module, context.module(model, *tiny_models.EXACT, *HOST[1:]))
    expect(any(".attn_q." in name for name in differ), f"other weights: {sorted(differ)}")
    ours = logits_of(context, module, TINY / f"{name}.prompts.txt")
    error, problem = tiny_models.compare(ours, floats(TINY / f"{name}.expected.f32"))
    expect(not problem and error <= tiny_models.TOLERANCE, problem or f"largest relative error {error:.2e}")


@each("llama-f32", "gemma3-f32")
def test_awq_keeps_the_function(context, name):
    """Where nothing is lost AWQ changes nothing, so weights are rounded, to 16
    bits: 2^-11 of each, and the logits are off by a few times that."""
    model = TINY / f"{name}.gguf"
    recipe = recipe_of(context, [rule(".*", "F16")], scale="awq", activations="f32", calibration=text_of(context))
    module = quantize(context, model, recipe, "--kv=f32")
    differ = differing(context, module, context.module(model, *tiny_models.EXACT, *HOST[1:]))
    expect(any(name.endswith("_norm.weight") for name in differ), f"no gain is divided: {sorted(differ)}")
    ours = logits_of(context, module, TINY / f"{name}.prompts.txt")
    error, problem = tiny_models.compare(ours, floats(TINY / f"{name}.expected.f32"))
    expect(not problem and error <= 1e-2, problem or f"largest relative error {error:.2e}")


def test_rotate_a_folder(context):
    """Without a tokenizer, as nothing is calibrated."""
    folder = FOLDERS / "qwen3"
    recipe = recipe_of(context, [rule(".*", "F32")], rotate=".*", activations="f32")
    module = quantize(context, folder, recipe, "--kv=f32")
    prompts = [json.loads(line) for line in (folder / "prompts.txt").read_text().splitlines()]
    (context.folder / "ids.txt").write_text("".join(f"{ids}\n" for ids in prompts))
    context.run("quant-eval", module, "--ids", "ids.txt", "--logits", "logits.f32")
    error, problem = tiny_models.compare(floats(context.folder / "logits.f32"), floats(folder / "expected.f32"))
    expect(not problem and error <= tiny_models.TOLERANCE, problem or f"largest relative error {error:.2e}")


# --- Calibration ---------------------------------------------------------------------

METHODS = {"gptq": ("gptq", {}), "search": ("search", {}), "awq": ("nearest", {"scale": "awq"}),
           "smoothquant": ("nearest", {"scale": "smoothquant"}), "rotate": ("gptq", {"rotate": r"blk\..*"}),
           "awq-gptq": ("gptq", {"scale": "awq"})}


@each(*((method, name) for method in METHODS for name in ("llama-mixed", "qwen2-f32", "gemma3-f32")))
def test_methods(context, method, name):
    """The table and the head, which may be one, too; logits stay near those of
    the model, whose weights are random, so that 4 bits show."""
    algorithm, keys = METHODS[method]
    recipe = recipe_of(context, [rule(".*", FOUR, algorithm)], calibration=text_of(context), **keys)
    module = quantize(context, TINY / f"{name}.gguf", recipe)
    expected = floats(TINY / f"{name}.expected.f32")
    error, problem = tiny_models.compare(logits_of(context, module, TINY / f"{name}.prompts.txt"), expected)
    expect(not problem and 1e-4 < error < 0.6, problem or f"largest relative error {error:.2e}")
    expect_gone(context, "recipe.yaml", "text.txt", "out.so", "logits.f32")


def calibrated(context, *options, out="out.so", layers="gptq"):
    model = TINY / "gemma3-f32.gguf"  # 4 layers
    recipe = recipe_of(context, [rule(r"blk\..*", FOUR, layers), rule(".*", FOUR, "search")], scale="awq",
                       calibration=text_of(context))
    return ["quant-compile", model, "--recipe", recipe, "-o", context.folder / out, *HOST, *options]


def module_bytes(context, *options):
    context.run(*calibrated(context, *options))
    return (context.folder / "out.so").read_bytes()


def test_threads_change_nothing(context):
    one = module_bytes(context, "-t", 1)
    for threads in (2, 3):
        expect(module_bytes(context, "-t", threads) == one, f"-t {threads} gives another module than -t 1")


def progress(work):
    try:
        return json.loads((work / "progress.json").read_text())["layers"]
    except (OSError, ValueError):
        return 0


def rows_of(work, layer):
    """Which files hold a layer's matrices: a new one has another time."""
    files = sorted(work.glob(f"blk.{layer}.*.rows"))
    expect(files, f"nothing of layer {layer} in {work}")
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


def test_goes_on_where_it_stopped(context):
    """A folder in the way of a file stops a run in its second layer."""
    whole, work = module_bytes(context), context.folder / "work"
    (context.folder / "out.so").unlink()
    (work / "blk.1.attn_q.weight.rows").mkdir(parents=True)
    line = one_line(context.attempt(*calibrated(context, "--work", work)), "quant-compile")
    expect("blk.1.attn_q.weight.rows" in line, line)
    expect(progress(work) == 1, f"{progress(work)} layers finished")
    expect(not (context.folder / "out.so").exists(), "a module of half a calibration")
    (work / "blk.1.attn_q.weight.rows").rmdir()
    first = rows_of(work, 0)
    expect(module_bytes(context, "--work", work) == whole, "another module than of one run")
    expect(rows_of(work, 0) == first, "the first layer was quantized again")
    expect(progress(work) == 5, f"{progress(work)} of 4 layers and the head finished")


def test_killed(context):
    whole, work = module_bytes(context), context.folder / "work"
    program, *arguments = calibrated(context, "--work", work)
    process = subprocess.Popen([str(context.build / "bin" / program), *map(str, arguments)], cwd=context.folder,
                               env=context.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and progress(work) < 1:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    expect(progress(work) >= 1, f"exit {process.returncode} before a layer was finished")
    first = rows_of(work, 0)
    expect(module_bytes(context, "--work", work) == whole, "another module than of one run")
    expect(rows_of(work, 0) == first, "the first layer was quantized again")


def test_finished_work_is_used(context):
    work = context.folder / "work"
    whole = module_bytes(context, "--work", work)
    first = rows_of(work, 3)
    expect(module_bytes(context, "--work", work) == whole, "another module")
    expect(rows_of(work, 3) == first, "the last layer was quantized again")
    expect(not list(work.glob("states.*")), "the rows between layers are still there")


@each("recipe", "activations", "text")
def test_other_work_is_not_used(context, what):
    """What was calibrated for something else is not taken for this."""
    work = context.folder / "work"
    module_bytes(context, "--work", work)
    options, layers = (), "gptq"
    if what == "recipe":
        layers = "search"
    elif what == "activations":
        options = ("--activations=per-token",)
    else:
        (context.folder / "other.txt").write_text("<t5><t9><t11><t30>" * LENGTH)
        options = ("--calibrate", context.folder / "other.txt")
    modules = []
    for more in ((), ("--work", work)):
        context.run(*calibrated(context, *options, *more, layers=layers))
        modules.append((context.folder / "out.so").read_bytes())
    expect(modules[0] == modules[1], "something of the other run was used")


# --- A trained model -------------------------------------------------------------------


def trained(context):
    folder = context.shared / "data" / "tiny-austen-lm"
    if not folder.exists():
        raise Skip(f"needs shared/data/tiny-austen-lm, which is not in {context.shared}")
    # What calibrates is not what measures.
    text = (folder / "valid.txt").read_text()
    (context.folder / "calibrate.txt").write_text(text[:len(text) // 2])
    (context.folder / "measure.txt").write_text(text[len(text) // 2:])
    return folder


def perplexity(context, module):
    said = context.run("quant-eval", module, "--text", "measure.txt", "--ctx", 256, "--chunks", 40, "--json")
    return json.loads(said)["ppl"]


def test_gptq_beats_nearest(context):
    """At 2 bits, on text that neither has seen."""
    folder, found = trained(context), {}
    for algorithm in ("nearest", "search", "gptq"):
        recipe = recipe_of(context, [rule(r"(token_embd|output)\.weight", "Q8_0"),
                                     rule(r"blk\..*", "u2, group 32 scale f16 min f16", algorithm)],
                           activations="bf16", calibration={"text": "calibrate.txt", "sequences": 16, "length": 256})
        found[algorithm] = perplexity(context, quantize(context, folder, recipe))
    expect(found["gptq"] < found["search"] < found["nearest"], f"{found}")
    expect(found["gptq"] < 0.99 * found["nearest"], f"{found}")


@each(*METHODS)
def test_trained_model(context, method):
    """4 bits lose little by any method."""
    folder = trained(context)
    algorithm, keys = METHODS[method]
    recipe = recipe_of(context, [rule(".*", "u4 offset 8, group 32 scale f16", algorithm)],
                       calibration={"text": "calibrate.txt", "sequences": 8, "length": 128},
                       **keys | ({"rotate": ".*"} if "rotate" in keys else {}))
    exact = context.module(folder, "--activations=f32", *HOST[1:])
    ratio = perplexity(context, quantize(context, folder, recipe)) / perplexity(context, exact)
    expect(ratio < 1.03, f"perplexity is {ratio:.4f} of the model's")


# --- Bad input --------------------------------------------------------------------------


def yaml(context, text):
    path = context.folder / "bad.yaml"
    path.write_text(text)
    return path


RULES = "tensors:\n  - match: .*\n    scheme: Q4_0\n"
DATA = RULES + "    algorithm: gptq\n"
YAML = {
    "syntax": ("tensors:\n  - match: [\n    scheme: Q4_0\n", "", "bad.yaml:3: "),
    "empty": ("", "", "bad.yaml: is not a recipe"),
    "a-list": ("- Q4_0\n", "", "bad.yaml:1: not a mapping"),
    "not-text": ("\x00\x01", "", "bad.yaml"),
    "no-rules": ("tensors: []\n", "", "tensors: expected a rule"),
    "no-scheme": ("tensors:\n  - match: .*\n", "", "bad.yaml:2: missing required key 'scheme'"),
    "unknown-key": (RULES + "colour: red\n", "", "bad.yaml:4: unknown key 'colour'"),
    "unknown-key-of-a-rule": (RULES + "    algoritm: gptq\n", "", "bad.yaml:4: unknown key 'algoritm'"),
    "unknown-scheme": (RULES.replace("Q4_0", "Q4_99"), "", "recipe bad: match: '.*': a scheme is a type of GGUF"),
    "wrong-scheme": (RULES.replace("Q4_0", "u4, group 0 scale f16"), "", "recipe bad: match: '.*'"),
    "unknown-algorithm": (RULES + "    algorithm: gptz\n", "", "bad.yaml:4: algorithm: expected nearest, search, gptq or hqq"),
    "unknown-scaling": (RULES + "scale: awk\n", "", "bad.yaml:4: scale: expected none, awq or smoothquant"),
    "unknown-activations": (RULES + "activations: int7\n", "", "activations: expected int8, "),
    "no-tensor": (RULES.replace(".*", "nothing"), "", "match: 'nothing' is the whole name of no matrix"),
    "hidden-rule": (RULES + "  - match: blk.*\n    scheme: Q8_0\n", "", "match: 'blk.*' is the whole name of no matrix"),
    "bad-regex": (RULES.replace(".*", "blk(.*"), "", "match: 'blk(.*' is no regular expression"),
    "bad-rotation": (RULES + "rotate: blk[\n", "", "rotate: 'blk[' is no regular expression"),
    "no-rotation": (RULES + "rotate: nothing\n", "", "rotate: 'nothing' is the whole name of no matrix"),
    "rotate-and-scale": (RULES + "rotate: .*\nscale: awq\n", "", "rotate and scale"),
    "alpha": (RULES + "scale: smoothquant\nalpha: 1.5\n", "", "alpha: expected 0 to 1"),
    "alpha-nan": (RULES + "alpha: .nan\n", "", "bad.yaml"),
    "alpha-word": (RULES + "alpha: much\n", "", "bad.yaml:4: "),
    "no-sequences": (RULES + "calibration: {sequences: 0}\n", "", "sequences: expected 1 to 1048576, but got 0"),
    "short-sequences": (RULES + "calibration: {length: 1}\n", "", "length: expected 2 to 65536 tokens, but got 1"),
    "seed": (RULES + "calibration: {seed: -1}\n", "", "bad.yaml:4: "),
    "no-text": (DATA, "", "looks at activations: give it a text"),
    "no-text-to-scale": (RULES + "scale: awq\n", "", "looks at activations: give it a text"),
    "absent-text": (DATA, "--calibrate=absent.txt", "cannot read the calibration text absent.txt"),
    "absent-text-of-the-recipe": (DATA + "calibration: {text: absent.txt}\n", "", "absent.txt: No such file"),
    "short-text": (DATA, "--calibrate=short.txt", "short.txt has 4 tokens, but a sequence has 512"),
    "rotated-file": (RULES.replace(".*", "blk.*") + "rotate: blk.*\n", "--emit=gguf", "the model rotates activations"),
    "work-is-a-file": (DATA, "--calibrate=short.txt --work=short.txt", "the work folder short.txt: Not a directory"),
}


@each(*YAML)
def test_bad_recipe(context, name):
    text, options, part = YAML[name]
    (context.folder / "short.txt").write_text("<t1><t2><t3>\n")
    recipe = yaml(context, text)
    line = one_line(context.attempt("quant-compile", MODEL, "--recipe", recipe, "-o", context.folder / "out.so", *HOST,
                                    *options.split()), "quant-compile")
    expect(part in line, f"expected '{part}' in {line!r}")
    expect_gone(context, "bad.yaml", "short.txt")


WORDS = {
    "unknown-word": (["MODEL", "--recipe=Q4_99"], "'Q4_99' is neither a recipe's file (.yaml) nor a built-in one"),
    "absent-recipe": (["MODEL", "--recipe=absent.yaml"], "cannot read the recipe absent.yaml: No such file"),
    "absent-model": (["absent.gguf", "--recipe=Q4_0"], "absent.gguf: No such file"),
    "two-schemes": (["MODEL", "--recipe=Q4_0", "--scheme=Q4_0"], "--recipe and --scheme"),
    "ir": (["in.mlir", "--recipe=Q4_0"], "--recipe quantizes a language model's file"),
    "shape": (["--shape=bitnet-2b", "--recipe=Q4_0"], "--recipe quantizes a language model's file"),
    "linear": (["--linear=8x8", "--scheme=Q4_0", "--recipe=Q4_0"], "--recipe quantizes a language model's file"),
    "no-model": (["--recipe=Q4_0"], "no input"),
    "text-alone": (["MODEL", "--calibrate=short.txt"], "--calibrate belongs to --recipe"),
    "dry-run-alone": (["MODEL", "--dry-run"], "--dry-run belongs to --recipe"),
    "no-tokenizer": ([FOLDERS / "qwen3", "--recipe=W4A16", "--calibrate=short.txt"], "has no tokenizer"),
}


@each(*WORDS)
def test_bad_words(context, name):
    words, part = WORDS[name]
    (context.folder / "short.txt").write_text("<t1><t2><t3>\n")
    words = [MODEL if word == "MODEL" else word for word in words]
    line = one_line(context.attempt("quant-compile", *words, "-o", context.folder / "out.so", *HOST), "quant-compile")
    expect(part in line, f"expected '{part}' in {line!r}")
    expect_gone(context, "short.txt")


def damaged(context, name, value, count=1):
    """A copy of the model with some elements replaced."""
    if not importlib.util.find_spec("gguf"):
        raise Skip("needs the Python package gguf")
    import gguf
    tensor = next(tensor for tensor in gguf.GGUFReader(MODEL).tensors if tensor.name == name)
    data = bytearray(MODEL.read_bytes())
    at = int(tensor.data_offset) + 40
    data[at:at + 4 * count] = struct.pack("<f", value) * count
    path = context.folder / "damaged.gguf"
    path.write_bytes(data)
    return path


@each(*((name, value, method) for name in ("blk.1.ffn_up.weight", "token_embd.weight", "blk.0.attn_norm.weight")
        for value in ("nan", "inf") for method in ("nearest", "gptq", "rotate", "awq")))
def test_not_finite(context, name, value, method):
    algorithm, keys = METHODS.get(method, ("nearest", {}))
    recipe = recipe_of(context, [rule(".*", FOUR, algorithm)], calibration=text_of(context), **keys)
    model = damaged(context, name, float(value))
    line = one_line(context.attempt("quant-compile", model, "--recipe", recipe, "-o", context.folder / "out.so", *HOST),
                    "quant-compile")
    expect(f"tensor '{name}' row " in line and "NaN or infinity" in line, line)
    expect_gone(context, "recipe.yaml", "text.txt", "damaged.gguf")


def test_not_finite_but_kept(context):
    """Who leaves the tensor out is not asked about it."""
    recipe = recipe_of(context, [rule("token_embd.weight", "keep"), rule(".*", "Q4_0")])
    quantize(context, damaged(context, "token_embd.weight", float("nan")), recipe)


@each("gptq", "smoothquant", "awq")
def test_activations_overflow(context, method):
    algorithm, keys = METHODS[method]
    recipe = recipe_of(context, [rule(".*", FOUR, algorithm)], calibration=text_of(context), **keys)
    model = damaged(context, "blk.0.attn_norm.weight", 3e38, count=8)
    line = one_line(context.attempt("quant-compile", model, "--recipe", recipe, "-o", context.folder / "out.so", *HOST),
                    "quant-compile")
    expect("is multiplied with holds NaN or infinity" in line, line)
    expect_gone(context, "recipe.yaml", "text.txt", "damaged.gguf")
