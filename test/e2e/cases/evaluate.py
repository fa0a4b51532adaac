"""quant-eval against its definitions, restated with numpy on small models."""

import importlib.util
import json
import math
import random
import re

from harness import TINY, Skip, each, expect, floats, one_line

MODEL, VOCABULARY = TINY / "llama-f32.gguf", 67
CONTEXT, CHUNKS = 32, 3


def need(*packages):
    for package in packages:
        if not importlib.util.find_spec(package):
            raise Skip(f"needs the Python package {package}")


def tokens_of(count, seed=1):
    source = random.Random(seed)
    return [source.randrange(1, VOCABULARY) for _ in range(count)]


def text_of(ids):
    return "".join(f"<t{id}>" for id in ids)


def modules(context):
    """A model rounded to 4 bits, and the float one that it came from."""
    return (context.module(MODEL, "--scheme=Q4_0", "--probe=layers"),
            context.module(MODEL, "--activations=f32", "--probe=layers"))


def scored_logits(context, module, ids):
    """Logits of every scored row, one prompt each: another way than the chunks'."""
    import numpy
    prompts, out = context.folder / "prompts.txt", context.folder / "logits.f32"
    chunks = [ids[i * CONTEXT:(i + 1) * CONTEXT] for i in range(CHUNKS)]
    rows = [(chunk, row) for chunk in chunks for row in range(CONTEXT // 2, CONTEXT - 1)]
    prompts.write_text("".join(text_of(chunk[:row + 1]) + "\n" for chunk, row in rows))
    context.run("quant-eval", module, "--prompts", prompts, "--logits", out)
    logits = numpy.array(floats(out), dtype=numpy.float64).reshape(len(rows), VOCABULARY)
    return logits, numpy.array([chunk[row + 1] for chunk, row in rows])


def log_softmax(logits):
    import numpy
    top = logits.max(axis=1, keepdims=True)
    return logits - top - numpy.log(numpy.exp(logits - top).sum(axis=1, keepdims=True))


def near(ours, expected, what, relative=1e-9, absolute=1e-10):
    expect(abs(ours - expected) <= relative * abs(expected) + absolute, f"{what}: {ours!r}, expected {expected!r}")


def mean_error(values):
    """llama-perplexity's: the standard error of a mean."""
    return math.sqrt((values * values).mean() - values.mean() ** 2) / math.sqrt(len(values) - 1)


def compare(context, *options):
    ids = tokens_of(CONTEXT * CHUNKS + 5)
    (context.folder / "text.txt").write_text(text_of(ids))
    quantized, reference = modules(context)
    answer = context.run("quant-eval", quantized, "--text", "text.txt", "--ctx", CONTEXT, "--against", reference, *options)
    return ids, answer


def test_against_a_reference(context):
    need("numpy")
    import numpy
    ids, answer = compare(context, "-o", "json", "--worst", 5)
    got = json.loads(answer)
    quantized, reference = modules(context)
    logits, following = scored_logits(context, quantized, ids)
    base, _ = scored_logits(context, reference, ids)
    q, p = log_softmax(logits), log_softmax(base)
    rows = numpy.arange(len(following))
    nll, nll_base = -q[rows, following], -p[rows, following]
    expect(got["tokens_scored"] == len(rows), f"expected {len(rows)} tokens, but got {got['tokens_scored']}")
    near(got["ppl"], math.exp(nll.mean()), "PPL(Q)")
    near(got["ppl_base"], math.exp(nll_base.mean()), "PPL(base)")
    near(got["ppl_error"], math.exp(nll.mean()) * mean_error(nll), "error of PPL(Q)")
    covariance = ((nll * nll_base).mean() - nll.mean() * nll_base.mean()) / (len(rows) - 1)
    near(got["correlation"], covariance / (mean_error(nll) * mean_error(nll_base)), "correlation")
    ratio = nll.mean() - nll_base.mean()
    ratio_error = math.sqrt(mean_error(nll) ** 2 + mean_error(nll_base) ** 2 - 2 * covariance)
    near(got["ln_ppl_ratio"], ratio, "ln ratio")
    near(got["ln_ppl_ratio_error"], ratio_error, "error of the ln ratio", 1e-6)
    near(got["ppl_ratio_error"], math.exp(ratio) * ratio_error, "error of the ratio", 1e-6)
    kld = (numpy.exp(p) * (p - q)).sum(axis=1)
    near(got["kld"]["mean"], kld.mean(), "KLD")
    near(got["kld"]["mean_error"], mean_error(kld), "error of KLD")
    for key, fraction in (("max", 100), ("p99.9", 99.9), ("p90", 90), ("median", 50), ("p5", 5), ("p0.1", .1), ("min", 0)):
        near(got["kld"][key], numpy.percentile(kld, fraction), f"KLD {key}")
    delta = numpy.exp(-nll) - numpy.exp(-nll_base)
    near(got["delta_p"]["mean"], delta.mean(), "Δp")
    near(got["delta_p"]["p75"], numpy.percentile(delta, 75), "Δp 75 %")
    rms = math.sqrt((delta ** 2).mean())
    near(got["delta_p"]["rms"], rms, "RMS Δp")
    near(got["delta_p"]["rms_error"], 0.5 / rms * mean_error(delta ** 2), "error of RMS Δp", 1e-6)
    same = (logits.argmax(axis=1) == base.argmax(axis=1)).mean()
    near(got["same_top_p"], same, "Same top p")
    near(got["same_top_p_error"], math.sqrt(same * (1 - same) / (len(rows) - 1)), "error of Same top p")
    scored_bytes = sum(len(f"<t{id}>") for id in following)
    expect(got["bytes_scored"] == scored_bytes, f"expected {scored_bytes} bytes, but got {got['bytes_scored']}")
    near(got["bits_per_byte"], nll.sum() / math.log(2) / scored_bytes, "bits per byte")
    worst = numpy.argsort(-kld)[:5]
    for token, row in zip(got["worst_tokens"], worst, strict=True):
        near(token["kld"], kld[row], "worst token")
        expect(token["text"] == f"<t{following[row]}>" and token["token"] == following[row],
               f"expected <t{following[row]}>, but got {token}")
        expect(token["top_base"] == f"<t{base[row].argmax()}>", f"expected another choice than {token['top_base']}")


def test_perplexity_is_the_same_alone(context):
    ids, answer = compare(context, "--json")
    quantized, _ = modules(context)
    alone = json.loads(context.run("quant-eval", quantized, "--text", "text.txt", "--ctx", CONTEXT, "--json"))
    both = json.loads(answer)
    for key in ("ppl", "ppl_error", "bits_per_byte", "bits_per_byte_error", "bytes_scored", "tokens_scored"):
        expect(alone[key] == both[key], f"{key}: {alone[key]} alone, but {both[key]}")


def test_against_itself(context):
    (context.folder / "text.txt").write_text(text_of(tokens_of(CONTEXT * 2)))
    module = modules(context)[0]
    got = json.loads(context.run("quant-eval", module, "--text", "text.txt", "--ctx", CONTEXT, "--against", module,
                                 "--sqnr", "-o", "json"))
    expect(got["kld"]["max"] < 1e-12 and got["same_top_p"] == 1 and got["ln_ppl_ratio"] == 0, f"{got['kld']}")
    expect(all(layer["cosine"] == 1 and layer["sqnr_db"] is None for layer in got["layers"] + got["weights"]),
           f"{got['layers']}")


def test_words_of_llama_perplexity(context):
    _, answer = compare(context)
    lines = [line.split(":")[0] for line in answer.splitlines()]
    expected = ["====== Perplexity statistics ======", "Mean PPL(Q)                   ",
                "Mean PPL(base)                ", "Cor(ln(PPL(Q)), ln(PPL(base)))",
                "Mean ln(PPL(Q)/PPL(base))     ", "Mean PPL(Q)/PPL(base)         ",
                "Mean PPL(Q)-PPL(base)         ", "", "====== KL divergence statistics ======"]
    expected += [f"{label} KLD" for label in ("Mean   ", "Maximum", "99.9%  ", "99.0%  ", "95.0%  ", "90.0%  ", "Median ",
                                              "10.0%  ", " 5.0%  ", " 1.0%  ", " 0.1%  ", "Minimum")]
    expected += ["", "====== Token probability statistics ======"]
    expected += [f"{label} Δp" for label in ("Mean   ", "Maximum", "99.9%  ", "99.0%  ", "95.0%  ", "90.0%  ", "75.0%  ",
                                             "Median ", "25.0%  ", "10.0%  ", " 5.0%  ", " 1.0%  ", " 0.1%  ", "Minimum")]
    expected += ["RMS Δp    ", "Same top p"]
    expect(lines[:len(expected)] == expected, f"expected {expected}, but got {lines[:len(expected)]}")


def similarity(reference, values):
    """SQNR in dB and the cosine."""
    noise = ((reference - values) ** 2).sum()
    lengths = math.sqrt((reference ** 2).sum() * (values ** 2).sum())
    return 10 * math.log10((reference ** 2).sum() / noise), (reference * values).sum() / lengths


def test_sqnr_of_layers(context):
    need("numpy")
    import numpy
    _, answer = compare(context, "--sqnr", "-o", "json")
    got = json.loads(answer)["layers"]
    archives = []
    for name, module in zip(("q.npz", "base.npz"), modules(context)):
        context.run("quant-eval", module, "--text", "text.txt", "--ctx", CONTEXT, "--layers", name)
        archives.append(numpy.load(context.folder / name))
    position = archives[0]["position"]
    scored = (position >= CONTEXT // 2) & (position < CONTEXT - 1)
    expect(len(got) == 2, f"expected 2 layers, but got {len(got)}")
    for i, layer in enumerate(got):
        values, reference = (archive[f"layer_{i:03}"][scored].astype(numpy.float64) for archive in archives)
        sqnr, cosine = similarity(reference, values)
        near(layer["sqnr_db"], sqnr, f"SQNR of layer {i}")
        near(layer["cosine"], cosine, f"cosine of layer {i}")
        near(layer["max_error"], abs(reference - values).max(), f"largest error of layer {i}")


def test_histograms(context):
    """Counts, extremes and clipped shares, beside numpy's of the weights and of the layers' scored rows."""
    need("numpy", "gguf")
    import gguf
    import numpy
    (context.folder / "text.txt").write_text(text_of(tokens_of(CONTEXT * CHUNKS)))
    module = modules(context)[1]
    words = ("--text", "text.txt", "--ctx", CONTEXT)
    got = json.loads(context.run("quant-eval", module, "--histograms", *words, "-o", "json"))
    context.run("quant-eval", module, *words, "--layers", "l.npz")
    layers, roles = numpy.load(context.folder / "l.npz"), {}
    for tensor in gguf.GGUFReader(MODEL).tensors:
        if len(tensor.shape) == 2:
            name = re.sub(r"^blk\.\d+", "blk.*", tensor.name)
            roles.setdefault(name, []).append(numpy.asarray(tensor.data, dtype=numpy.float64).ravel())
    scored = (layers["position"] >= CONTEXT // 2) & (layers["position"] < CONTEXT - 1)
    expected = {name: numpy.concatenate(values) for name, values in roles.items()}
    expected |= {f"layer {i}": layers[f"layer_{i:03}"][scored].astype(numpy.float64).ravel() for i in range(2)}
    rows = {row["name"]: row for part in ("weights", "activations") for row in got[part]}
    expect(set(rows) == set(expected), f"histograms of {sorted(rows)}, expected {sorted(expected)}")
    for name, values in expected.items():
        row, limit = rows[name], rows[name]["limit"]
        counts, _ = numpy.histogram(values, bins=128, range=(-limit, limit))
        expect(row["counts"] == counts.tolist(), f"{name}: counts")
        expect((row["min"], row["max"]) == (values.min(), values.max()), f"{name}: {row['min']} to {row['max']}")
        for clip in row["clips"]:
            outside = (abs(values) > clip["high"]).mean()
            # Values are taken for their bins' centers.
            near(clip["outside"], outside, f"{name}: outside {clip['levels']} codes", absolute=0.01)


def test_reference_that_is_no_module(context):
    """It is compiled in the exact mode, whatever the model is compiled with."""
    (context.folder / "text.txt").write_text(text_of(tokens_of(CONTEXT)))
    options = ("--text", "text.txt", "--ctx", CONTEXT, "-o", "json")
    file = context.run("quant-eval", MODEL, "--scheme=Q4_0", "--against", MODEL, *options)
    module = context.run("quant-eval", modules(context)[0], "--against", modules(context)[1], *options)
    file, module = json.loads(file), json.loads(module)
    expect(file["kld"] == module["kld"] and file["kld"]["mean"] > 0, f"{file['kld']} is not {module['kld']}")


def ids_of(context, module, text):
    (context.folder / "ids.txt").write_text(text)
    return json.loads(context.run("quant-run", module, "--tokenize", "ids.txt"))


def log_likelihoods(context, module, pairs):
    """Of each choice behind its context, from logits after prompts of single tokens."""
    import numpy
    prompts, wanted, owner = [], [], []
    for number, (before, choice) in enumerate(pairs):
        ids, first = ids_of(context, module, f"{before} {choice}"), len(ids_of(context, module, before))
        for next in range(first, len(ids)):
            prompts.append(text_of(ids[:next]))
            wanted.append(ids[next])
            owner.append(number)
    (context.folder / "prompts.txt").write_text("".join(prompt + "\n" for prompt in prompts))
    context.run("quant-eval", module, "--prompts", "prompts.txt", "--logits", "logits.f32")
    logits = numpy.array(floats(context.folder / "logits.f32"), dtype=numpy.float64).reshape(len(prompts), VOCABULARY)
    scores = log_softmax(logits)[numpy.arange(len(wanted)), wanted]
    return [scores[numpy.array(owner) == number].sum() for number in range(len(pairs))]


def test_multiple_choice(context):
    need("numpy")
    import numpy
    module, source = modules(context)[0], random.Random(3)
    questions = []
    for number in range(12):
        before = text_of(source.randrange(1, VOCABULARY) for _ in range(1 + number % 5))
        choices = [text_of(source.randrange(1, VOCABULARY) for _ in range(1 + i)) for i in range(2 + number % 3)]
        questions.append((before, choices, source.randrange(len(choices))))
    (context.folder / "quiz.jsonl").write_text("".join(
        json.dumps({"question": before, "choices": choices, "answer": "ABCD"[label]}) + "\n"
        for before, choices, label in questions))
    got = json.loads(context.run("quant-eval", module, "--tasks", "quiz.jsonl", "-o", "json"))
    scores = log_likelihoods(context, module, [(before, choice) for before, choices, _ in questions for choice in choices])
    right, right_norm = [], []
    for sample, (_, choices, label) in zip(got["samples"], questions, strict=True):
        mine, scores = numpy.array(scores[:len(choices)]), scores[len(choices):]
        for ours, expected in zip(sample["loglikelihoods"], mine, strict=True):
            near(ours, expected, "log-likelihood")
        lengths = numpy.array([len(choice) for choice in choices])
        right.append(mine.argmax() == label)
        right_norm.append((mine / lengths).argmax() == label)
    for key, values in (("acc", right), ("acc_norm", right_norm)):
        near(got[key], numpy.mean(values), key)
        near(got[f"{key}_stderr"], numpy.std(values, ddof=1) / math.sqrt(len(values)), f"stderr of {key}")
    expect(got["n"] == 12, f"expected 12 questions, but got {got['n']}")
    table = context.run("quant-eval", module, "--tasks", "quiz.jsonl").splitlines()
    expect(table[2].startswith(f"|quiz |") and f"|acc     |↑  |{got['acc']:.4f}|±  |{got['acc_stderr']:.4f}|" in table[2],
           f"expected lm-eval's line, but got {table[2]}")


def test_classification(context):
    need("numpy")
    module, source = modules(context)[0], random.Random(4)
    words = ["<t5>", "<t9><t2>", "<t40>"]
    lines = [(text_of(source.randrange(1, VOCABULARY) for _ in range(4)), source.choice(words)) for _ in range(15)]
    labels = list(dict.fromkeys(word for _, word in lines))
    (context.folder / "words.jsonl").write_text("".join(json.dumps({"text": text, "label": word}) + "\n"
                                                        for text, word in lines))
    got = json.loads(context.run("quant-eval", module, "--tasks", "words.jsonl", "-o", "json"))
    expect(got["labels"] == labels, f"expected {labels}, but got {got['labels']}")
    scores = log_likelihoods(context, module, [(text, word) for text, _ in lines for word in labels])
    answers = [labels[max(range(3), key=scores[3 * i:3 * i + 3].__getitem__)] for i in range(len(lines))]
    near(got["acc"], sum(answer == word for answer, (_, word) in zip(answers, lines)) / len(lines), "acc")
    f1 = []
    for label in labels:
        hits = sum(answer == word == label for answer, (_, word) in zip(answers, lines))
        f1.append(2 * hits / (answers.count(label) + [word for _, word in lines].count(label)))
    near(got["f1"], sum(f1) / len(labels), "f1")


def test_bad_tasks(context):
    (context.folder / "t.jsonl").write_text('{"context": "a", "choices": ["x", "y"], "label": 0}\n{"context": \n')
    line = one_line(context.attempt("quant-eval", modules(context)[0], "--tasks", "t.jsonl"), "quant-eval")
    expect("'t.jsonl', line 2: expected a JSON object such as" in line, line)


BAD = {
    "short-text": (["--against", "REFERENCE", "--text", "short.txt", "--ctx", "64"], "a chunk needs 64"),
    "short-alone": (["--text", "short.txt", "--ctx", "64"], "a chunk needs 64"),
    "other-vocabulary": (["--against", TINY / "qwen3-odd-f32.gguf", "--text", "short.txt", "--ctx", "8"], "vocabulary"),
    "no-reference": (["--against", "nowhere.so", "--text", "short.txt"], "nowhere.so"),
    "sqnr-alone": (["--sqnr"], "--against"),
    "no-text": (["--against", "REFERENCE"], "--text"),
    "prompts": (["--against", "REFERENCE", "--prompts", "short.txt", "--logits", "x.f32"], "--text"),
    "no-probes": (["--against", "NO-PROBES", "--sqnr", "--text", "short.txt", "--ctx", "8"], "--probe=layers"),
    "other-weights": (["--against", TINY / "llama-odd-f32.gguf", "--sqnr"], "token_embd.weight"),
}


@each(*BAD)
def test_bad_reference(context, name):
    words, part = BAD[name]
    quantized, reference = modules(context)
    places = {"REFERENCE": reference, "NO-PROBES": context.module(MODEL)}
    (context.folder / "short.txt").write_text(text_of(tokens_of(20)))
    # Models are compiled before, so that the error is all that stderr has.
    words = [context.module(word) if str(word).endswith(".gguf") else places.get(word, word) for word in words]
    line = one_line(context.attempt("quant-eval", quantized, *words), "quant-eval")
    expect(part in line, f"expected '{part}' in {line!r}")
