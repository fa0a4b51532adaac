"""Encoders: embeddings and classes against transformers, WordPiece and Unigram
against Hugging Face's tokenizers, what --embedding prints and refuses."""

import json
import math
import random
import re
import shutil

from harness import ROOT, Skip, TINY, cpu_levels, each, expect, one_line

FOLDERS = ROOT / "test" / "e2e" / "Inputs" / "encoders"
NAMES = sorted(path.name for path in FOLDERS.iterdir())
EXACT = ("--activations=f32", "--kv=f32")


def oracle(name):
    return json.loads((FOLDERS / name / "expected.json").read_text())


def embed(context, model, lines, *options, level=None):
    file = context.folder / "lines.txt"
    file.write_text("".join(f"{line}\n" for line in lines))
    out = context.run("quant-run", "-m", model, "--embedding", "-f", file, "--embd-output-format=array", *options,
                      level=level)
    return json.loads(out)


def near(ours, expected, most=1e-4):
    expect(len(ours) == len(expected), f"expected {len(expected)} rows, but got {len(ours)}")
    largest = max(abs(x) for row in expected for x in row)
    worst = max(abs(a - b) for one, other in zip(ours, expected) for a, b in zip(one, other, strict=True))
    expect(worst <= most * largest, f"largest error {worst:.2e} beside values of up to {largest:.2e}")


def cosine(a, b):
    return sum(map(lambda x, y: x * y, a, b)) / math.sqrt(sum(x * x for x in a) * sum(x * x for x in b))


@each(*((name, level) for name in NAMES if "classes" not in name for level in cpu_levels()))
def test_embeddings(context, name, level):
    """tiny_models.py encoders wrote the folders and what transformers makes of them."""
    expected = oracle(name)
    pooled = expected["cls" if name == "bert-cls" else "mean"]
    near(embed(context, FOLDERS / name, expected["lines"], *EXACT, level=level), pooled)


@each("mean", "cls")
def test_pooling(context, pooling):
    expected = oracle("bert")
    near(embed(context, FOLDERS / "bert", expected["lines"], *EXACT, f"--pooling={pooling}"), expected[pooling])


def test_one_at_a_time(context):
    """A text's vector depends neither on its neighbours nor on the number of threads."""
    lines = oracle("bert")["lines"]
    together = embed(context, FOLDERS / "bert", lines, "-t", "2")
    for line, row in zip(lines, together):
        expect(embed(context, FOLDERS / "bert", [line], "-t", "1") == [row], f"{line!r} has another vector alone")


def test_rows_without_pooling(context):
    """The mean of --pooling none's rows is the mean pooling."""
    line = oracle("bert")["lines"][0]
    rows = embed(context, FOLDERS / "bert", [line], *EXACT, "--pooling=none", "--embd-normalize=-1")
    expect(len(rows) == len(oracle("bert")["ids"][0]), f"got {len(rows)} rows")
    mean = [sum(column) / len(rows) for column in zip(*rows)]
    length = math.sqrt(sum(x * x for x in mean))
    near([[x / length for x in mean]], [oracle("bert")["mean"][0]])


@each("bert-classes", "roberta-classes")
def test_classes(context, name):
    expected = oracle(name)
    file = context.folder / "lines.txt"
    file.write_text("".join(f"{line}\n" for line in expected["lines"]))
    out = context.run("quant-run", FOLDERS / name, "--classify", "-f", file, "--json", *EXACT)
    answers = [json.loads(line) for line in out.splitlines()]
    near([answer["logits"] for answer in answers], expected["logits"])
    names = json.loads((FOLDERS / name / "config.json").read_text()).get("id2label") or {"0": "LABEL_0", "1": "LABEL_1"}
    for answer, logits in zip(answers, expected["logits"]):
        best = names[str(max(range(len(logits)), key=logits.__getitem__))]
        expect(answer["label"] == best, f"expected {best}, but got {answer['label']}")
        expect(abs(sum(answer["scores"].values()) - 1) < 1e-6, "the probabilities do not add up to 1")
    line = context.run("quant-run", FOLDERS / name, "--classify", "-p", "x", *EXACT)
    expect(line.split()[0] in names.values(), f"got {line!r}")


@each(*NAMES)
def test_ids(context, name):
    """Ids of the lines as tokenizers gave them, without what is put around."""
    expected = oracle(name)
    lines = list(zip(expected["lines"], expected["ids"]))
    file = context.folder / "lines.txt"
    file.write_text("".join(f"{line}\n" for line, _ in lines))
    ours = [json.loads(line) for line in context.run("quant-run", FOLDERS / name, "--tokenize", file).splitlines()]
    for (line, ids), got in zip(lines, ours, strict=True):
        expect(got == ids[1:-1], f"{line!r}: expected {ids[1:-1]}, but got {got}")


def strange_lines(count, seed):
    """Mixed text of characters that normalizers and splitters care about."""
    pick = random.Random(seed)
    words = "the quick café naïve ÜBER İstanbul ﬁne ① ２ 北京 한국 x² don't e.g. a_b 3.14 -- … ½ Ａ \u0301 a\u0301 \u00ad".split(" ")
    alphabets = [(0x20, 0x7F), (0xA0, 0x250), (0x300, 0x370), (0x400, 0x460), (0x2000, 0x2070), (0x3040, 0x30FF),
                 (0x4E00, 0x4F00), (0xAC00, 0xAD00), (0xFB00, 0xFB07), (0x1F600, 0x1F640)]
    for _ in range(count):
        parts = []
        for _ in range(pick.randint(1, 12)):
            if pick.random() < 0.6:
                parts.append(pick.choice(words))
            else:
                low, high = pick.choice(alphabets)
                parts.append("".join(chr(pick.randrange(low, high)) for _ in range(pick.randint(1, 4))))
        line = "".join(part + pick.choice([" ", " ", "", "  ", "\t"]) for part in parts)
        yield re.sub(r"[\n\r]", "", line)


def tokenizers_package():
    try:
        import tokenizers
    except ImportError:
        raise Skip("needs the Python package tokenizers")
    return tokenizers


STEPS = {
    "cased": ("bert", {"normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                                      "strip_accents": False, "lowercase": False}}),
    "uncased": ("bert", {}),
    "whitespace": ("bert", {"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKD"}, {"type": "StripAccents"},
                                                                               {"type": "Lowercase"}]},
                            "pre_tokenizer": {"type": "Whitespace"}}),
    "digits": ("bert", {"normalizer": None, "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
        {"type": "WhitespaceSplit"}, {"type": "Digits", "individual_digits": True},
        {"type": "Punctuation", "behavior": "Isolated"}]}}),
    "metaspace": ("xlm-roberta", {}),
    "first": ("xlm-roberta", {"normalizer": {"type": "Sequence", "normalizers": [
        {"type": "Nmt"}, {"type": "NFKC"}, {"type": "Strip", "strip_left": False, "strip_right": True},
        {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]},
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}}),
    "words": ("xlm-roberta", {"normalizer": {"type": "NFC"}, "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
        {"type": "WhitespaceSplit"}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always",
                                      "split": True}]}}),
}


@each(*STEPS)
def test_tokenizers(context, name):
    """Ids equal those of Hugging Face's tokenizers on lines of mixed text."""
    package = tokenizers_package()
    source, changes = STEPS[name]
    folder = context.folder / "model"
    shutil.copytree(FOLDERS / source, folder)
    file = folder / "tokenizer.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    lines = list(strange_lines(2000, seed=len(name)))
    (context.folder / "lines.txt").write_text("".join(f"{line}\n" for line in lines))
    theirs = package.Tokenizer.from_file(str(file))
    ours = context.run("quant-run", folder, "--tokenize", context.folder / "lines.txt").splitlines()
    for line, got in zip(lines, ours, strict=True):
        ids = theirs.encode(line, add_special_tokens=False).ids
        expect(json.loads(got) == ids, f"{line!r}: expected {ids}, but got {got}")


@each(("W8A8", 0.99), ("Q8_0", 0.99), ("Q4_0", 0.9), ("Q4_1", 0.9))
def test_quantized(context, recipe, least):
    """Recipes that need no text; matrices of 36 columns have tails of groups."""
    expected = oracle("bert")
    module = context.module(FOLDERS / "bert", f"--recipe={recipe}")
    ours = embed(context, module, expected["lines"])
    worst = min(cosine(a, b) for a, b in zip(ours, expected["mean"]))
    expect(worst >= least, f"a cosine of {worst:.4f}, at least {least}")


@each("bert", "bert-classes")
def test_gguf(context, name):
    """Under GGUF's names, as --emit=gguf writes them, it is the same model."""
    file = context.folder / "model.gguf"
    context.run("quant-compile", FOLDERS / name, "--emit=gguf", "-o", file, "--quiet")
    what = "--classify" if "classes" in name else "--embedding"
    lines = context.folder / "lines.txt"
    lines.write_text("".join(f"{line}\n" for line in oracle(name)["lines"]))
    ours, theirs = (context.run("quant-run", model, what, "-f", lines) for model in (file, FOLDERS / name))
    expect(ours == theirs, "the GGUF file gives something else")


def test_formats(context):
    model, lines = FOLDERS / "bert", "a fox\\na dog"
    array = json.loads(context.run("quant-run", model, "--embedding", "-p", lines, "--embd-output-format=array"))
    listed = json.loads(context.run("quant-run", model, "--embedding", "-p", lines, "--embd-output-format=json+"))
    expect([entry["embedding"] for entry in listed["data"]] == array, "array and json differ")
    expect(abs(listed["cosineSimilarity"][0][1] - cosine(*array)) < 0.006, "another cosine")
    raw = context.run("quant-run", model, "--embedding", "-p", lines, "--embd-output-format=raw").splitlines()
    expect([[float(x) for x in line.split()] for line in raw] == array, "array and raw differ")
    text = context.run("quant-run", model, "--embedding", "-p", lines)
    expect(text.startswith("embedding 0: ") and "cosine similarity matrix:" in text, f"got {text[:200]!r}")
    expect(len(array[0]) == 36 and abs(sum(x * x for x in array[0]) - 1) < 1e-4, "not of length 1")


def test_decoder(context):
    """A decoder's hidden rows, pooled; its own module gives logits and says so."""
    model = next(TINY.glob("llama*.gguf"))
    file = context.folder / "lines.txt"
    file.write_text("a b c\nd\n")
    result = context.attempt("quant-run", model, "--embedding", "-f", file, "--embd-output-format=array")
    if "vocabulary" in result.stderr or "no tokens" in result.stderr:
        raise Skip("the tiny model has no words")
    expect(result.returncode == 0, result.stderr)
    expect(len(json.loads(result.stdout)) == 2, "two vectors were asked for")
    module = context.module(model)
    said = one_line(context.attempt("quant-run", module, "--embedding", "-p", "a"), "quant-run")
    expect("--embedding" in said, said)


def changed(context, name, file, change):
    folder = context.folder / f"changed-{name}"
    shutil.copytree(FOLDERS / name, folder)
    value = json.loads((folder / file).read_text())
    change(value)
    (folder / file).write_text(json.dumps(value))
    return folder


BAD = {
    "relative": ("bert", "config.json", lambda c: c.update(position_embedding_type="relative_key"),
                 "position_embedding_type"),
    "relu": ("bert", "config.json", lambda c: c.update(hidden_act="relu"), "hidden_act"),
    "decoder": ("bert", "config.json", lambda c: c.update(is_decoder=True), "is_decoder"),
    "positions": ("bert", "config.json", lambda c: c.update(max_position_embeddings=41), "max_position_embeddings"),
    "heads": ("bert", "config.json", lambda c: c.update(num_attention_heads=5), "num_attention_heads"),
    "layers": ("bert", "config.json", lambda c: c.update(num_hidden_layers=3), "encoder.layer.2."),
    "module": ("bert", "modules.json", lambda m: m[1].update(type="models.Dense"), "Dense"),
    "outside": ("bert", "modules.json", lambda m: m[1].update(path="../x"), "leads out"),
    "pooling": ("bert", "1_Pooling/config.json", lambda c: c.update(pooling_mode_mean_tokens=False), "pools"),
    "labels": ("bert-classes", "config.json", lambda c: c["id2label"].pop("2"), "3"),
    "padding": ("xlm-roberta", "config.json", lambda c: c.update(pad_token_id=99), "pad_token_id"),
    "normalizer": ("bert", "tokenizer.json", lambda t: t.update(normalizer={"type": "Odd"}), "Odd"),
    "splitter": ("bert", "tokenizer.json", lambda t: t.update(pre_tokenizer={"type": "Odd"}), "Odd"),
    "unknown": ("bert", "tokenizer.json", lambda t: t["model"].update(unk_token="none"), "unk_token"),
    "scores": ("xlm-roberta", "tokenizer.json", lambda t: t["model"]["vocab"].__setitem__(7, ["x"]), "token 7"),
}


@each(*BAD)
def test_bad_folders(context, name):
    source, file, change, word = BAD[name]
    folder = changed(context, source, file, change)
    said = one_line(context.attempt("quant-compile", folder, "-o", context.folder / "x.so", "--quiet"), "quant-compile")
    expect(word in said, f"expected a line with {word!r}, but got {said!r}")
    expect(not (context.folder / "x.so").exists(), "a file was left behind")


def test_bad_calls(context):
    bert, classes = (context.module(FOLDERS / name) for name in ("bert", "bert-classes"))
    for arguments, word in (((bert, "-p", "x"), "--embedding"), ((bert, "--classify", "-p", "x"), "no classifier"),
                            ((classes, "--embedding", "-p", "x"), "--classify"),
                            ((bert, "--embedding"), "-p TEXT"), ((bert, "--pooling=cls", "-p", "x"), "--embedding"),
                            ((bert, "--embedding", "-p", "x", "--embd-normalize=x"), "number")):
        said = one_line(context.attempt("quant-run", *arguments), "quant-run")
        expect(word in said, f"expected a line with {word!r}, but got {said!r}")


def test_long_text(context):
    """Cut off as sentence-transformers does, with a warning."""
    line = "good fortune " * 50
    result = context.attempt("quant-run", FOLDERS / "bert", "--embedding", "-p", line, "--embd-output-format=array")
    expect(result.returncode == 0 and "cut off" in result.stderr, result.stderr)


def test_calibration_is_refused(context):
    recipe = context.folder / "gptq.yaml"
    recipe.write_text("tensors:\n  - match: 'blk.*weight'\n    scheme: Q4_0\n    algorithm: gptq\n"
                      "calibration:\n  sequences: 1\n  length: 8\n")
    text = context.folder / "text.txt"
    text.write_text("good fortune " * 100)
    result = context.attempt("quant-compile", FOLDERS / "bert", "--recipe", recipe, "--calibrate", text,
                             "-o", context.folder / "x.so", "--quiet")
    expect(result.returncode == 1 and "encoder" in result.stderr, result.stderr)
