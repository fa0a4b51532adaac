"""Where the time goes: quant-bench --profile, and tests behind a depth."""

import json
import pathlib
import sys

from cases.random_models import SHAPE
from harness import TINY, each, expect, one_line

HERE = pathlib.Path(__file__).resolve().parents[1]
MODELS = sorted(path.stem for path in TINY.glob("*.gguf"))


def profile(context, *arguments):
    return json.loads(context.run("quant-bench", *arguments, "--profile", "-r", 1, "-o", "json"))


def total(row, key):
    return sum(region[key] for region in row["regions"])


@each(*MODELS)
def test_regions_have_all_the_bytes(context, model):
    """Every byte that a token reads is some region's, and the regions' times fit
    into the token's."""
    rows = profile(context, TINY / f"{model}.gguf", "-p", 0, "-n", 5, "-d", "0,12", "-t", "1,2")
    expect([row["test"] for row in rows] == ["tg5", "tg5 @ d12"] * 2, f"got {[row['test'] for row in rows]}")
    for row in rows:
        weights, kv = (total(row, f"{what}_bytes_per_token") for what in ("weight", "kv"))
        expect(kv == row["kv_bytes_per_token"], f"regions read {kv} bytes of keys and values, a token "
                                                f"{row['kv_bytes_per_token']}")
        expect(weights + kv == row["bytes_per_token"], f"regions read {weights + kv} bytes, a token "
                                                       f"{row['bytes_per_token']}")
        operations = row["operations_per_second"] / row["tokens_per_second"]
        expect(abs(total(row, "operations_per_token") / operations - 1) < 1e-9, f"expected {operations} operations")
        expect(0 < total(row, "share") <= 1.001, f"the regions take {total(row, 'share')} of the time")
        names = [region["region"] for region in row["regions"]]
        for name in ("between calls", "barrier", "linear attn_q", "linear ffn_down", "cached_attention"):
            expect(name in names, f"no '{name}' in {names}")


def test_levels_share_one_profile(context):
    """Rows of activations are not equally large in all levels; regions are the same."""
    module = context.module(TINY / "llama-q8_0.gguf", "--profile", "--target-cpu=avx2,avx512vnni")
    expect(profile(context, module, "-p", 0, "-n", 2)[0]["regions"], "no regions")


def test_profile_of_prompts_and_batches(context):
    (context.folder / "shape.json").write_text(json.dumps(SHAPE | {"model_type": "llama"}))
    rows = profile(context, "--shape=shape.json", "--scheme=Q4_0", "-p", 300, "-n", 2, "-b", 3, "-t", 2)
    expect([row["test"] for row in rows] == ["pp300", "tg2@b3"], f"got {rows}")
    for row in rows:
        expect(0 < total(row, "share") <= 1.001, f"the regions take {total(row, 'share')} of the time")
    prompt, batch = ({region["region"]: region for region in row["regions"]} for row in rows)
    # 300 rows are two calls, of which the last one makes logits.
    calls = {name: round(300 * prompt[name]["count_per_token"]) for name in ("between calls", "linear output")}
    expect(calls == {"between calls": 2, "linear output": 2}, f"got {calls}")
    q, head = (prompt[f"linear {role}"]["weight_bytes_per_token"] for role in ("attn_q", "output"))
    macs = {"attn_q": SHAPE["num_hidden_layers"] * 96 * 4 * 32, "output": 300 * 96}
    expect(abs(q - macs["attn_q"] * 4.5 / 8 * 2 / 300) < 1, f"attn_q reads {q} bytes")
    expect(abs(head - macs["output"] * 4.5 / 8 / 300) < 1, f"the head reads {head} bytes")
    # Activations are packed for all rows, and once more for the head.
    packed = [regions["pack_rows"]["activation_bytes_per_token"] for regions in (prompt, batch)]
    expect(0.9 * packed[1] < packed[0] < packed[1], f"pack_rows reads and writes {packed} bytes of a prompt's token "
                                                    "and of another")
    expect(batch["linear attn_q"]["operations_per_token"] == 2 * macs["attn_q"], f"got {batch['linear attn_q']}")


def test_profile_of_a_layer(context):
    row, = profile(context, "--linear=512x256", "--scheme=Q4_0", "--m", 64, "-t", 1)
    regions = {region["region"]: region for region in row["regions"]}
    expect(set(regions) >= {"pack_rows", "linear layer", "between calls"}, f"got {list(regions)}")
    expect(regions["linear layer"]["operations_per_layer"] == 2 * 64 * 512 * 256, f"got {regions['linear layer']}")
    expect(total(row, "weight_bytes_per_layer") == row["bytes_per_layer"], f"got {row}")


def test_profile_is_a_table(context):
    table = context.run("quant-bench", TINY / "llama-q4_1.gguf", "--profile", "-p", 0, "-n", 3, "-t", 1, "-r", 1)
    for part in ("tg3, 1 thread(s): where the time of", "| linear attn_q ", "| barrier ", "| sum "):
        expect(part in table, f"no '{part}' in {table}")


def test_profile_of_a_plain_module(context):
    module = context.module(TINY / "llama-q4_1.gguf")
    line = one_line(context.attempt("quant-bench", module, "--profile"), "quant-bench")
    expect("quant-compile --profile" in line, f"got {line!r}")


def test_marks_change_no_result(context):
    """A module with marks writes what the one without does."""
    model = TINY / "llama-q4_1.gguf"
    plain, marked = (context.run("quant-run", context.module(model, *options), "-p", "a", "-n", 8, "--temp", 0)
                     for options in ((), ("--profile",)))
    expect(plain == marked, f"expected {plain!r}, but got {marked!r}")


def test_depth_beyond_the_context(context):
    line = one_line(context.attempt("quant-bench", context.module(TINY / "llama-q4_1.gguf"), "-d", 100000),
                    "quant-bench")
    expect("100000" in line and "context" in line, f"got {line!r}")


MEMORY = """
import ctypes, sys
sys.path.insert(0, sys.argv[1])
from cases.random_models import Runtime
class Context: pass
context = Context()
context.build = __import__("pathlib").Path(sys.argv[2])
positions = int(sys.argv[4])
runtime = Runtime(context, sys.argv[3])
session = runtime.session(positions)
ids = [(17 * i + 5) % 300 for i in range(positions - 4)]
runtime.append(session, ids, 1)
for token in range(4):
    runtime.append(session, [token], 1)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def test_memory_is_linear_in_the_context(context):
    """A prompt of all positions and some tokens: beside keys and values, memory
    does not grow."""
    shape = SHAPE | {"model_type": "llama", "num_hidden_layers": 2, "num_attention_heads": 1,
                     "num_key_value_heads": 1, "max_position_embeddings": 32768}
    (context.folder / "shape.json").write_text(json.dumps(shape))
    context.run("quant-compile", "--shape=shape.json", "--scheme=Q4_0", "-o", "a.so", "--quiet")
    kibibytes = [int(context.run(sys.executable, "-c", MEMORY, HERE, context.build, "a.so", positions))
                 for positions in (2048, 12288)]
    store = 2 * 2 * 32 * 2 * (12288 - 2048) / 1024
    grown = kibibytes[1] - kibibytes[0]
    # Python's own list of ids takes some of it.
    expect(grown < store + 4096, f"10240 positions more take {grown} KiB, their keys and values {store:.0f}")
