"""Models of random weights, which need no file, through the C interface: they
have no tokenizer, so programs that read text cannot run them."""

import array
import ctypes
import json
import math

from harness import cpu_levels, each, expect, one_line

SHAPE = {"hidden_size": 96, "num_hidden_layers": 7, "num_attention_heads": 4, "num_key_value_heads": 2,
         "head_dim": 32, "intermediate_size": 160, "vocab_size": 300, "sliding_window": 16}
IDS = [(17 * i + 5) % SHAPE["vocab_size"] for i in range(40)]


class Runtime:
    """libquantrt with a module loaded."""

    def __init__(self, context, module, level=None, threads=2):
        class Options(ctypes.Structure):
            _fields_ = [("threads", ctypes.c_int32),
                        *((name, ctypes.c_char_p) for name in ("level", "verify", "affinity", "huge_pages"))]

        self.library = ctypes.CDLL(str(context.build / "lib/libquantrt.so"))
        self.library.qrt_last_error.restype = ctypes.c_char_p
        self.model = ctypes.c_void_p()
        options = Options(threads, level.encode() if level else None, b"always")
        self.check(self.library.qrt_load(str(module).encode(), ctypes.byref(options), ctypes.byref(self.model)))

    def check(self, status):
        expect(status == 0, self.library.qrt_last_error().decode())

    def session(self, positions=64):
        session = ctypes.c_void_p()
        self.check(self.library.qrt_session_create(self.model, ctypes.byref(ctypes.c_int32(positions)),
                                                   ctypes.byref(session)))
        return session

    def append(self, session, ids, n_logits):
        logits = (ctypes.c_float * (n_logits * SHAPE["vocab_size"]))()
        self.check(self.library.qrt_append(session, (ctypes.c_int32 * len(ids))(*ids), len(ids), n_logits, logits))
        return bytes(logits)

    def append_batch(self, sessions, ids, counts=None):
        """Logits of each session's last row."""
        size = SHAPE["vocab_size"]
        logits = (ctypes.c_float * (len(sessions) * size))()
        handles = (ctypes.c_void_p * len(sessions))(*(session.value for session in sessions))
        self.check(self.library.qrt_append_batch(handles, len(sessions), (ctypes.c_int32 * len(ids))(*ids),
                                                 (ctypes.c_int32 * len(counts))(*counts) if counts else None, logits))
        content = bytes(logits)
        return [content[4 * size * i:4 * size * (i + 1)] for i in range(len(sessions))]

    def close(self):
        self.library.qrt_unload(self.model)


def compile_random(context, model_type, scheme, name, *options):
    (context.folder / "shape.json").write_text(json.dumps(SHAPE | {"model_type": model_type}))
    context.run("quant-compile", "--shape=shape.json", f"--scheme={scheme}", "-o", name, "--quiet", *options)
    return context.folder / name


def logits(context, module, level):
    runtime = Runtime(context, module, level)
    session = runtime.session()
    result = array.array("f", runtime.append(session, IDS, len(IDS)))
    runtime.library.qrt_session_destroy(session)
    runtime.close()
    return result


@each(("llama", "Q4_0"), ("qwen2", "Q4_K"), ("qwen3", "TQ2_0"), ("gemma3", "MXFP4"), ("llama", "BF16"),
      ("qwen2", "Q1_0"), ("llama", "Q2_0"), ("llama", "NVFP4"), ("llama", "IQ1_S"), ("qwen3", "IQ1_M"), ("llama", "IQ2_XXS"),
      ("qwen2", "IQ2_XS"), ("gemma3", "IQ2_S"), ("llama", "IQ3_XXS"), ("qwen3", "IQ3_S"),
      ("llama", "u3 codebook [-4.0, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 4.0], group 48 scale bf16"))
def test_random_model(context, model_type, scheme):
    """Logits are numbers of a model's size, and every level computes the same."""
    module = compile_random(context, model_type, scheme, "a.so")
    answers = [logits(context, module, level) for level in cpu_levels()]
    largest = max(map(abs, answers[0]))
    expect(all(map(math.isfinite, answers[0])) and 0.01 < largest < 100, f"the largest logit is {largest}")
    for other in answers[1:]:
        worst = max(abs(a - b) for a, b in zip(answers[0], other, strict=True)) / largest
        expect(worst <= 1e-3, f"levels differ by {worst:.2e} of the largest logit")


def test_random_model_is_the_same_each_time(context):
    first, second = (compile_random(context, "llama", "Q6_K", name).read_bytes() for name in ("a.so", "b.so"))
    expect(first == second, "two compilations gave different modules")


@each(*((model_type, scheme, activations, level) for model_type, scheme in (("llama", "Q4_0"), ("gemma3", "Q6_K"))
        for activations in ("int8", "bf16", "f32") for level in cpu_levels(activations)),
      *(("llama", "sign, group 64 scale f16", "binary", level) for level in cpu_levels()))
def test_batches(context, model_type, scheme, activations, level):
    """Sessions in one batch answer what each of them answers alone, bit for bit,
    whoever else is in it, for any number of threads."""
    module = compile_random(context, model_type, scheme, "a.so", f"--activations={activations}")
    lengths = [3, 17, 1, 30, 8]
    for threads in (1, 2, 3):
        runtime = Runtime(context, module, level, threads)
        alone, together = ([runtime.session() for _ in lengths] for _ in range(2))
        prompts = [IDS[-length:] for length in lengths]
        expected = [runtime.append(session, ids, 1) for session, ids in zip(alone, prompts)]
        expect(runtime.append_batch(together, sum(prompts, []), lengths) == expected, "prompts differ")
        for step in range(4):
            some = [i for i in range(len(lengths)) if (i + step) % 4]
            ids = [IDS[7 * i + step] for i in some]
            expected = [runtime.append(alone[i], [token], 1) for i, token in zip(some, ids)]
            got = runtime.append_batch([together[i] for i in some], ids)
            expect(got == expected, f"step {step} differs")
        for session in alone + together:
            runtime.library.qrt_session_destroy(session)
        runtime.close()


def test_bench_of_a_shape(context):
    (context.folder / "shape.json").write_text(json.dumps(SHAPE | {"model_type": "llama"}))
    rows = json.loads(context.run("quant-bench", "--shape=shape.json", "--scheme=Q4_0", "-p", 8, "-n", 4, "-t", 1,
                                  "-r", 1, "-o", "json"))
    expect([row["test"] for row in rows] == ["pp8", "tg4"], f"expected pp8 and tg4, but got {rows}")
    expect(all(row["scheme"] == "Q4_0" and "shape.json" in row["model"] for row in rows), f"got {rows[0]}")


def test_bench_of_batches(context):
    (context.folder / "shape.json").write_text(json.dumps(SHAPE | {"model_type": "llama"}))
    rows = json.loads(context.run("quant-bench", "--shape=shape.json", "--scheme=Q4_0", "-p", 0, "-n", 4, "-b", "1,3",
                                  "-t", 1, "-r", 1, "-o", "json"))
    expect([row["test"] for row in rows] == ["tg4", "tg4@b3"], f"expected tg4 and tg4@b3, but got {rows}")
    weights = [row["bytes_per_token"] - row["kv_bytes_per_token"] for row in rows]
    expect(abs(weights[0] / weights[1] - 3) < 0.1, f"three tokens share the weights: {weights}")


@each("Q4_0", "F16", "ternary, row scale f32")
def test_bench_of_a_layer(context, scheme):
    rows = json.loads(context.run("quant-bench", "--linear=768x520", f"--scheme={scheme}", "--m", "1,64", "-t", 1, "-r",
                                  1, "-o", "json", "--svg", "roof.svg"))
    expect([row["test"] for row in rows] == ["linear 768x520 m1", "linear 768x520 m64"], f"got {rows}")
    expect(all(row["microseconds"] > 0 and row["share_of_peak"] > 0 for row in rows), f"got {rows}")
    expect(rows[0]["peak_kind"] == ("f32" if scheme == "F16" else "int8"), f"got {rows[0]['peak_kind']}")
    page = (context.folder / "roof.svg").read_text()
    expect(page.startswith("<svg ") and page.count("<circle ") == 2, f"expected two points in {page[:200]!r}")


@each(("llama-9b", "unknown shape"), ("absent.json", "absent.json"))
def test_bench_of_no_shape(context, shape, part):
    line = one_line(context.attempt("quant-bench", f"--shape={shape}", "--scheme=Q4_0"),
                    "quant-bench" if shape.endswith(".json") else "quant-compile")
    expect(part in line, f"expected '{part}' in {line!r}")
