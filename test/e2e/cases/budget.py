"""quant-compile --budget: the limit kept, the recipe of what was chosen, resuming, and bad input."""

import json
import random
import re
import signal
import subprocess
import time

from harness import TINY, Skip, each, expect, one_line

MODEL = TINY / "gemma3-f32.gguf"  # 4 layers; the head is the embedding
HOST = ("--quiet", "--target-cpu=host")
LENGTH = 16
# From 8.5 to 3 bits per weight, for rows of any size.
CANDIDATES = "Q8_0;Q4_1;Q4_0;u2, group 32 scale f16 min f16"


def budget(context, limit, *options, model=MODEL, candidates=CANDIDATES):
    """The command; the same text each time."""
    source = random.Random(5)
    text = context.folder / "text.txt"
    text.write_text("".join(f"<t{source.randrange(1, 67)}>" for _ in range(LENGTH * 20)))
    return ["quant-compile", model, "--budget", limit, "--calibrate", text, f"--sequence-length={LENGTH}",
            f"--candidates={candidates}", *HOST, *options]


def report_of(context, limit, *options, **keys):
    context.run(*budget(context, limit, "--output-recipe=chosen.yaml", "--budget-report=report.json", *options, **keys))
    return json.loads((context.folder / "report.json").read_text())


def chosen(report):
    points = [point for point in report["front"] if point["chosen"]]
    expect(len(points) == 1, f"{len(points)} points are chosen")
    return points[0]


def size_of(context, model):
    """Megabytes and bits per weight of the recipe that was written."""
    line = context.run("quant-compile", model, "--recipe=chosen.yaml", "--dry-run").splitlines()[-1]
    found = re.search(r"-> ([0-9.]+) MB, ([0-9.]+) bits per weight$", line)
    expect(found, line)
    return float(found[1]), float(found[2])


# --- The limit -------------------------------------------------------------------


@each(*((model, bits) for model in (MODEL, TINY / "llama-mixed.gguf", TINY / "qwen2-f32.gguf") for bits in (4.6, 6.5)))
def test_keeps_the_size(context, model, bits):
    report = report_of(context, f"bpw={bits}", model=model)
    point = chosen(report)
    expect(point["bits_per_weight"] <= bits, f"{point} is above {bits}")
    expect(abs(size_of(context, model)[1] - point["bits_per_weight"]) < 2e-3,
           f"the recipe has {size_of(context, model)}, the report {point}")
    # Nearly all of it is used: the smallest tensor is smaller than the rest.
    expect(point["bits_per_weight"] > 0.9 * bits, f"{point} leaves much of {bits} unused")
    expect(point["kl"] > 0 and point["predicted_kl"] > 0, f"{point} was not measured")


def test_front(context):
    """Dearer points lose less, as predicted; and in the ends as measured."""
    report = report_of(context, "bpw=5")
    front = [point for point in report["front"] if not point["name"] and not point["chosen"]]
    expect(len(front) >= 3, f"the front has {len(front)} points")
    for a, b in zip(front, front[1:]):
        expect(a["bytes"] < b["bytes"] and a["predicted_kl"] > b["predicted_kl"], f"{b} follows {a}")
    expect(front[0]["kl"] > 3 * front[-1]["kl"], f"{front[0]} and {front[-1]}")
    expect(all(point["ms_per_token"] > 0 for point in report["front"]), "a time is missing")
    names = {tensor["tensor"] for tensor in report["sensitivity"]}
    expect("token_embd.weight" in names and len(names) == 4 * 7 + 1, f"sensitivities of {sorted(names)}")
    expect(all(tensor["measured"] and tensor["kl"] > 0 for tensor in report["sensitivity"]), "something is not measured")
    expect(report["complete"] and report["measurements"] >= len(names), f"{report['measurements']} measurements")
    expect({point["name"] for point in report["front"]} >= set(report["candidates"]), "a uniform scheme is missing")


def test_perplexity(context):
    """The smaller rise needs more bytes; both are kept, on the text that checks."""
    sizes = {}
    for limit, rise in (("ppl=+0.05%", 0.05), ("ppl=+5%", 5)):
        point = chosen(report_of(context, limit, "--work=work"))
        expect(point["ppl_change_percent"] <= rise, f"{limit}: {point}")
        sizes[rise] = point["bytes"]
    expect(sizes[5] <= sizes[0.05], f"{sizes}")


def test_latency(context):
    """Far above what any needs: the best there is. Below is refused."""
    report = report_of(context, "latency=10s", "--work=work")
    expect(chosen(report)["bits_per_weight"] > 8, f"{chosen(report)}")
    line = one_line(context.attempt(*budget(context, "latency=0.001us", "-o", "out.so", "--work=work")), "quant-compile")
    expect(re.search(r"cannot be kept: with the fastest candidates the nearest is latency=0\.\d{3}ms$", line), line)


# --- The recipe ------------------------------------------------------------------


@each(MODEL, TINY / "llama-mixed.gguf")
def test_recipe_makes_the_module(context, model):
    context.run(*budget(context, "bpw=5", "-o", "a.so", "--output-recipe=chosen.yaml", model=model))
    context.run("quant-compile", model, "--recipe=chosen.yaml", "-o", "b.so", *HOST)
    a, b = ((context.folder / name).read_bytes() for name in ("a.so", "b.so"))
    expect(a == b, "the recipe makes another module than the budget")
    left = sorted(path.name for path in context.folder.iterdir())
    expect(left == ["a.so", "b.so", "chosen.yaml", "text.txt"], f"left behind: {left}")


def test_file(context):
    """Q4_K has no rows of 32 in a file of GGUF: such tensors choose among the others."""
    context.run(*budget(context, "bpw=5", "--emit=gguf", "-o", "out.gguf", candidates="Q8_0,Q4_K,Q4_0",
                        model=TINY / "llama-mixed.gguf"))
    context.run("quant-compile", "out.gguf", "-o", "out.so", *HOST)


# --- Stopping --------------------------------------------------------------------


def recipe_text(context):
    return (context.folder / "chosen.yaml").read_text()


def measured(work):
    try:
        return len(json.loads((work / "budget" / "measured.json").read_text())["kl"])
    except (OSError, ValueError, KeyError):
        return 0


def test_finished_work_is_used(context):
    first = report_of(context, "bpw=5", "--work=work")
    recipe = recipe_text(context)
    again = report_of(context, "bpw=5", "--work=work")
    expect(again["measurements"] == 0 < first["measurements"], f"{again['measurements']} were measured again")
    expect(recipe_text(context) == recipe and again["front"] == first["front"], "another result")
    other = report_of(context, "bpw=4.6", "--work=work")
    expect(other["measurements"] < first["measurements"], f"another limit takes {other['measurements']} measurements")


def test_killed(context):
    report_of(context, "bpw=5")
    whole, work = recipe_text(context), context.folder / "work"
    program, *arguments = budget(context, "bpw=5", "--work=work", "--output-recipe=chosen.yaml")
    process = subprocess.Popen([str(context.build / "bin" / program), *map(str, arguments)], cwd=context.folder,
                               env=context.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and measured(work) < 5:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    expect(measured(work) >= 5, f"exit {process.returncode} before anything was measured")
    (context.folder / "chosen.yaml").unlink()
    report_of(context, "bpw=5", "--work=work")
    expect(recipe_text(context) == whole, "another recipe than of one run")


def test_without_time(context):
    """Nothing but the choice itself is measured."""
    report = report_of(context, "bpw=5", "--budget-time=0.001s")
    expect(not report["complete"] and report["measurements"] == 1, f"{report['measurements']} measurements")
    expect(chosen(report)["bits_per_weight"] <= 5, f"{chosen(report)}")


# --- A trained model -------------------------------------------------------------


def test_beats_one_scheme(context):
    """As large as Q3_K everywhere, and closer to the original, on text that
    neither has seen."""
    folder = context.shared / "data" / "tiny-austen-lm"
    if not folder.exists():
        raise Skip(f"needs shared/data/tiny-austen-lm, which is not in {context.shared}")
    text = (folder / "valid.txt").read_text()
    (context.folder / "calibrate.txt").write_text(text[:len(text) // 2])
    (context.folder / "measure.txt").write_text(text[len(text) // 2:])
    data = {"text": "calibrate.txt", "sequences": 16, "length": 256}
    (context.folder / "uniform.yaml").write_text(json.dumps(
        {"tensors": [{"match": ".*", "scheme": "Q3_K", "algorithm": "search"}], "calibration": data}))
    context.run("quant-compile", folder, "--recipe=uniform.yaml", "-o", "uniform.so", *HOST)
    dry = context.run("quant-compile", folder, "--recipe=uniform.yaml", "--dry-run").splitlines()[-1]
    bits = float(re.search(r"([0-9.]+) bits per weight$", dry)[1])
    context.run("quant-compile", folder, f"--budget=bpw={bits}", "--candidates=Q6_K,Q4_K,Q3_K,Q2_K",
                "--calibrate=calibrate.txt", "--sequences=16", "--sequence-length=256", "-o", "mixed.so",
                "--budget-time=5m", *HOST)
    exact = context.module(folder, "--activations=f32", *HOST[1:])
    kl = {}
    for name in ("uniform.so", "mixed.so"):
        said = json.loads(context.run("quant-eval", name, "--against", exact, "--text", "measure.txt", "--ctx", 256,
                                      "--chunks", 40, "--json"))
        kl[name] = said["kld"]["mean"] if isinstance(said.get("kld"), dict) else said["kld"]
    expect(kl["mixed.so"] < 0.95 * kl["uniform.so"], f"{kl}")


# --- Bad input -------------------------------------------------------------------


@each("size", "bpw")
def test_unreachable(context, kind):
    """The nearest is said, and can be reached."""
    limit = {"size": "size=1kB", "bpw": "bpw=1"}[kind]
    worst = "u2, group 32 scale f16 min f16"  # of which no choice is near the original
    line = one_line(context.attempt(*budget(context, limit, "-o", "out.so", candidates=worst + ";")), "quant-compile")
    expect(f"budget {limit} cannot be kept: " in line, line)
    nearest = re.search(rf"the nearest is ({kind}=[^;]+);", line)
    expect(nearest, line)
    left = sorted(path.name for path in context.folder.iterdir())
    expect(left == ["text.txt"], f"left behind: {left}")
    report_of(context, nearest[1], candidates=worst + ";")


def test_unreachable_perplexity(context):
    """Of a trained model: rounding a random one may lower its perplexity."""
    folder = context.shared / "data" / "tiny-austen-lm"
    if not folder.exists():
        raise Skip(f"needs shared/data/tiny-austen-lm, which is not in {context.shared}")
    result = context.attempt("quant-compile", folder, "--budget=ppl=+0.01%", "--candidates=Q2_K", "--calibrate",
                             folder / "valid.txt", "--sequences=4", "--sequence-length=128", "-o", "out.so",
                             "--quiet", *HOST)
    line = one_line(result, "quant-compile")
    expect(re.search(r"budget ppl=\+0\.01% cannot be kept: .*the nearest is ppl=[^;]+;", line), line)


WORDS = {
    "no-kind": ("--budget=90MB", "expected size=90MB, bpw=4.5, latency=12ms or ppl=+2%, but got '90MB'"),
    "no-number": ("--budget=size=small", "expected a number above 0 such as size=90MB, but got 'size=small'"),
    "two": ("--budget=bpw=5 --recipe=Q4_0", "--recipe and --budget both say"),
    "scheme": ("--budget=bpw=5 --scheme=Q4_0", "--budget and --scheme both say"),
    "no-text": ("--budget=bpw=5", "a budget is kept by measurements: give it a text"),
    "absent-text": ("--budget=bpw=5 --calibrate=absent.txt", "cannot read the calibration text absent.txt"),
    "short-text": ("--budget=bpw=5 --calibrate=short.txt", "short.txt has 4 tokens, but a sequence has 128"),
    "candidate": ("--budget=bpw=5 --calibrate=short.txt --candidates=Q8_0,Q4_99", "a scheme is a type of GGUF"),
    "keep": ("--budget=bpw=5 --calibrate=short.txt --candidates=Q8_0,keep", "'keep' is for rules"),
    "time": ("--budget=bpw=5 --budget-time=soon", "--budget-time: expected a time such as 90s"),
    "alone": ("--candidates=Q8_0", "--candidates belongs to --budget"),
    "recipe-alone": ("--output-recipe=r.yaml", "--output-recipe belongs to --budget"),
    "file": ("--budget=bpw=5 --calibrate=short.txt --emit=gguf --candidates=Q4_K", "none of them fits the rows of"),
}


@each(*WORDS)
def test_bad_words(context, name):
    words, part = WORDS[name]
    (context.folder / "short.txt").write_text("<t1><t2><t3>\n")
    line = one_line(context.attempt("quant-compile", MODEL, "-o", "out.so", *HOST, *words.split()), "quant-compile")
    expect(part in line, f"expected '{part}' in {line!r}")
    left = sorted(path.name for path in context.folder.iterdir())
    expect(left == ["short.txt"], f"left behind: {left}")
