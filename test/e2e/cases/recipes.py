"""quant-compile's importance matrices, llama-quantize's words, corrections of low rank, and what a module keeps."""

import importlib.util
import json

import tiny_models
from harness import TINY, Skip, each, expect, floats, one_line
from cases.quantize import FOUR, HOST, LENGTH, MODEL, logits_of, quantize, recipe_of, rule, text_of, weights_of

GEMMA = TINY / "gemma3-f32.gguf"


def gguf_of(path):
    if not importlib.util.find_spec("gguf"):
        raise Skip("needs the Python package gguf")
    import gguf
    return gguf.GGUFReader(path)


def imatrix_of(context, model, *options, out="imatrix.gguf"):
    """Of the calibration text, by quant-compile alone."""
    text = text_of(context)["text"]
    out = context.folder / out
    context.run("quant-compile", model, "--calibrate", context.folder / text, "--sequence-length", LENGTH,
                "--output-imatrix", out, *HOST, *options)
    return out


# --- Importance matrices ----------------------------------------------------------


@each(MODEL, GEMMA)
def test_imatrix_is_written(context, model):
    """An entry for each matrix that activations meet, as llama-imatrix has them; no file beside it."""
    import numpy
    reader = gguf_of(imatrix_of(context, model))
    left = sorted(path.name for path in context.folder.iterdir())
    expect(left == ["imatrix.gguf", "text.txt"], f"{left}")
    expect(reader.fields["general.type"].contents() == "imatrix", "general.type")
    expect(reader.fields["imatrix.chunk_size"].contents() == LENGTH, "imatrix.chunk_size")
    sums = {tensor.name[:-8]: tensor.data for tensor in reader.tensors if tensor.name.endswith(".in_sum2")}
    counts = {tensor.name[:-7]: tensor.data for tensor in reader.tensors if tensor.name.endswith(".counts")}
    source = {tensor.name: tensor for tensor in gguf_of(model).tensors}
    matrices = {name for name, tensor in source.items() if name.startswith("blk.") and len(tensor.shape) > 1}
    expect(matrices <= set(sums) and set(sums) == set(counts), f"{sorted(matrices - set(sums))} are missing")
    for name, sum2 in sums.items():
        expect(sum2.size == source[name].shape[0] and numpy.all(sum2 >= 0) and numpy.any(sum2 > 0), name)
        expect(counts[name].size == 1 and counts[name][0] % LENGTH == 0, name)
    # One input, one row of numbers.
    expect(numpy.array_equal(sums["blk.0.attn_q.weight"], sums["blk.0.attn_k.weight"]), "q and k read one input")


def test_imatrix_takes_the_place_of_a_text(context):
    """The first layer's matrices see the same inputs either way, so they get the same codes but for ties that the last
    bit of a mean decides; no text is needed."""
    recipe = recipe_of(context, [rule(r"blk\..*", FOUR, "search")])
    imatrix = imatrix_of(context, MODEL)
    ours = quantize(context, MODEL, recipe, "--imatrix", imatrix)
    text = quantize(context, MODEL, recipe, "--calibrate", context.folder / "text.txt", "--sequence-length", LENGTH,
                    out="text.so")
    plain = quantize(context, MODEL, recipe, out="plain.so")
    first = [f"blk.0.attn_{part}.weight" for part in "qkv"]
    same, other = weights_of(context, ours, text), weights_of(context, ours, plain)
    for name in first:
        near, far = same[name]["sqnr_db"], other[name]["sqnr_db"]
        expect(same[name]["max_error"] == 0 or near > far + 10, f"{name}: {near} dB from the text's, {far} from none's")
        expect(other[name]["max_error"] > 0, f"{name}: the same codes as without importance")


def test_imatrix_in_a_recipe(context):
    """The key and the option are the same."""
    imatrix = imatrix_of(context, MODEL)
    key = quantize(context, MODEL, recipe_of(context, [rule(".*", "Q4_0", "search")], importance=imatrix.name))
    plain = recipe_of(context, [rule(".*", "Q4_0", "search")], name="plain")
    option = quantize(context, MODEL, plain, "--imatrix", imatrix, out="option.so")
    said = weights_of(context, key, option)
    expect(said and all(weight["max_error"] == 0 for weight in said.values()), "other weights")


BAD = {
    "absent": ("absent.gguf", {}, "absent.gguf"),
    "no-imatrix": (MODEL, {}, "general.type"),
    "other-model": ("other", {}, "give a file that was made with this model"),
    "rotated": ("own", {"rotate": ".*"}, "--imatrix is of the model's own inputs"),
}


@each(*BAD)
def test_bad_imatrix(context, name):
    file, keys, part = BAD[name]
    if file == "other":
        file = imatrix_of(context, GEMMA)
    if file == "own":
        file = imatrix_of(context, MODEL)
    recipe = recipe_of(context, [rule(".*", "Q4_0", "search")], **keys)
    line = one_line(context.attempt("quant-compile", MODEL, "--recipe", recipe, "--imatrix", file, "-o",
                                    context.folder / "out.so", *HOST), "quant-compile")
    expect(part in line, f"expected '{part}' in {line!r}")
    expect(not (context.folder / "out.so").exists(), "a module")


# --- llama-quantize's words -----------------------------------------------------------


def types_of(path):
    return {tensor.name: tensor.tensor_type.name for tensor in gguf_of(path).tensors}


def test_positional_words(context):
    out = context.folder / "out.gguf"
    context.run("quant-compile", MODEL, out, "q8_0", 2, "--quiet")
    types = types_of(out)
    expect(types["blk.0.attn_q.weight"] == "Q8_0" and types["blk.0.attn_norm.weight"] == "F32", f"{types}")


def test_types_of_single_tensors(context):
    out = context.folder / "out.gguf"
    context.run("quant-compile", "--tensor-type", "ffn_up=q8_0", "--tensor-type", r"^blk\.1\.attn_v=F16",
                "--token-embedding-type", "Q4_1", MODEL, out, "Q4_0", "--quiet")
    types = types_of(out)
    for name, expected in {"blk.0.ffn_up.weight": "Q8_0", "blk.1.attn_v.weight": "F16",
                           "blk.0.attn_v.weight": "Q4_0", "token_embd.weight": "Q4_1"}.items():
        expect(types[name] == expected, f"{name} is {types[name]}")


def test_mixture_falls_back(context):
    """Columns that 256 does not divide get what llama-quantize gives them; --pure knows one type."""
    for options, expected in (((), {"blk.0.attn_q.weight": "Q5_0", "blk.0.ffn_down.weight": "F16",
                                    "output.weight": "Q8_0"}),
                              (("--pure",), {"blk.0.attn_q.weight": "Q5_0", "output.weight": "Q5_0"})):
        out = context.folder / "out.gguf"
        context.run("quant-compile", MODEL, out, "Q4_K_M", "--quiet", *options)
        types = types_of(out)
        for name, type_ in expected.items():
            expect(types[name] == type_, f"{options}: {name} is {types[name]}")


WORDS = {
    "three": ([MODEL, "out.gguf"], "IN OUT TYPE"),
    "output-twice": ([MODEL, "out.gguf", "Q4_0", "-o", "b.gguf"], "said twice"),
    "recipe-twice": ([MODEL, "out.gguf", "Q4_0", "--recipe=Q4_0"], "said twice"),
    "threads": ([MODEL, "out.gguf", "Q4_0", "many"], "threads: expected a number"),
    "unknown-type": ([MODEL, "out.gguf", "Q4_99"], "'Q4_99' is neither"),
    "no-type": ([MODEL, "out.gguf", "Q4_0", "--tensor-type", "ffn"], "--tensor-type: expected REGEX=TYPE"),
    "no-regex": ([MODEL, "out.gguf", "Q4_0", "--tensor-type", "(=Q8_0"], "is no regular expression"),
    "no-tensor": ([MODEL, "out.gguf", "Q4_0", "--tensor-type", "nothing=Q8_0"], "is the whole name of no matrix"),
    "fp8": ([MODEL, "out.gguf", "FP8"], "floats of 8 bits"),
    "alone": ([MODEL, "-o", "out.so", "--pure"], "--tensor-type and its like belongs to --recipe"),
    "imatrix-alone": ([MODEL, "-o", "out.so", "--imatrix=a"], "--imatrix belongs to --recipe"),
    "imatrix-and-module": ([MODEL, "-o", "out.so", "--output-imatrix=a"], "writes nothing else"),
    "imatrix-without-text": ([MODEL, "--output-imatrix=a"], "give it a text"),
}


@each(*WORDS)
def test_bad_words(context, name):
    words, part = WORDS[name]
    line = one_line(context.attempt("quant-compile", *words, "--quiet"), "quant-compile")
    expect(part in line, f"expected '{part}' in {line!r}")
    expect(not list(context.folder.iterdir()), "something was left behind")


# --- HQQ and corrections -----------------------------------------------------------------


@each("llama-mixed", "gemma3-f32")
def test_hqq(context, name):
    recipe = recipe_of(context, [rule(".*", FOUR, "hqq")])
    module = quantize(context, TINY / f"{name}.gguf", recipe)
    error, problem = tiny_models.compare(logits_of(context, module, TINY / f"{name}.prompts.txt"),
                                         floats(TINY / f"{name}.expected.f32"))
    expect(not problem and 1e-4 < error < 0.6, problem or f"largest relative error {error:.2e}")


def error_of(context, name, rank, *options, **keys):
    rules = [rule(r"blk\..*", "u2 offset 2, group 16 scale f16") | ({"low-rank": rank} if rank else {}),
             rule(".*", "F32")]
    recipe = recipe_of(context, rules, activations="f32", **keys)
    module = quantize(context, TINY / f"{name}.gguf", recipe, "--kv=f32", *options)
    error, problem = tiny_models.compare(logits_of(context, module, TINY / f"{name}.prompts.txt"),
                                         floats(TINY / f"{name}.expected.f32"))
    expect(not problem, problem)
    return error


@each("llama-f32", "gemma3-f32")
def test_low_rank(context, name):
    """A correction of half the rank takes away much of what 2 bits cost; with the whole rank nothing but the rounding
    to bf16 is left. With a text and without."""
    plain = error_of(context, name, 0)
    full = min(tensor.shape[0] for tensor in gguf_of(TINY / f"{name}.gguf").tensors
               if tensor.name.startswith("blk.") and len(tensor.shape) > 1)
    full = min(full, *(int(tensor.shape[1]) for tensor in gguf_of(TINY / f"{name}.gguf").tensors
                       if tensor.name.startswith("blk.") and len(tensor.shape) > 1))
    expect(error_of(context, name, int(full) // 2) < plain, "a correction makes it worse")
    expect(error_of(context, name, int(full) // 2, calibration=text_of(context)) < plain,
           "a correction for the activations makes it worse")


@each(("--emit=gguf", 4, "no key of a GGUF file speaks of"), ("", 9999, "low-rank: expected 0 to 4096"),
      ("", 999, "expected no more than the smaller of these"))
def test_bad_low_rank(context, option, rank, part):
    recipe = recipe_of(context, [rule(r"blk\..*", "Q4_0") | {"low-rank": rank}])
    line = one_line(context.attempt("quant-compile", MODEL, "--recipe", recipe, "-o", context.folder / "out", *HOST,
                                    *option.split()), "quant-compile")
    expect(part in line, f"expected '{part}' in {line!r}")


# --- What a module keeps ------------------------------------------------------------------


def kept(path):
    """Keys of ours, of a GGUF file."""
    return {name: field.contents() for name, field in gguf_of(path).fields.items() if name.startswith("lowbit.")}


def test_provenance(context):
    """The text is a recipe that makes the same weights; the hash is of the source."""
    recipe = recipe_of(context, [rule(r"blk\..*attn.*", "Q4_0", "gptq"), rule(r"blk\..*", "keep"),
                                 rule(".*", "Q8_0")])
    out = [context.folder / name for name in ("a.gguf", "b.gguf", "c.gguf")]
    text = [*("--calibrate", context.folder / text_of(context, tokens=LENGTH * 40)["text"]),
            *("--sequence-length", LENGTH)]
    context.run("quant-compile", MODEL, "--recipe", recipe, "--emit=gguf", "-o", out[0], "--quiet", *text)
    said = kept(out[0])
    again = context.folder / "again.yaml"
    again.write_text(said["lowbit.recipe.text"])
    context.run("quant-compile", MODEL, "--recipe", again, "--emit=gguf", "-o", out[1], "--quiet")
    tensors = [{tensor.name: tensor.data.tobytes() for tensor in gguf_of(path).tensors} for path in out[:2]]
    expect(tensors[0] == tensors[1], "the recipe's text makes other weights")
    expect(kept(out[1]) == said, "and says something else")
    context.run("quant-compile", TINY / "llama-mixed.gguf", "--recipe", "Q8_0", "--emit=gguf", "-o", out[2], "--quiet")
    other = kept(out[2])
    expect(other["lowbit.source.hash"] != said["lowbit.source.hash"], "two models, one hash")
    expect("lowbit.quality.kl" not in other, "a measurement without a text")


def test_quality(context):
    """Held out sequences tell 8 bits from 3; a model that is not rounded is as it was."""
    found = {}
    for bits in (3, 8, 32):
        scheme = "F32" if bits == 32 else f"u{bits} offset {2 ** (bits - 1)}, group 8 scale f16"
        recipe = recipe_of(context, [rule(".*", scheme, "nearest" if bits == 32 else "search")], activations="f32",
                           scale="awq", calibration=text_of(context, tokens=LENGTH * 40))
        work = context.folder / f"work{bits}"
        context.run("quant-compile", MODEL, "--recipe", recipe, "-o", context.folder / "out.so", *HOST, "--work", work)
        import numpy
        tokens, sqnr, _, divergence, same = numpy.fromfile(work / "quality.rows", numpy.float32)
        expect(tokens == 2 * LENGTH, f"{tokens} tokens")
        found[bits] = (sqnr, divergence, same)
    expect(found[3][0] < found[8][0] < found[32][0] and found[3][1] > found[8][1] >= -1e-7, f"{found}")
    expect(abs(found[32][1]) < 1e-6 and found[32][2] == 1, f"{found}")
