"""The workloads of compare.py."""
import os
import pathlib
import subprocess
import sys

import random_gguf
from cases import Test, measure
from ceilings import Ceilings
from engine import Engine
from environments import PeerError

PROMPT, GENERATE = 512, 64
BATCH, BATCH_PROMPT = 8, 16
DEPTH, DEPTH_STEPS = 8192, 32
CONTEXT = 1024
INPUTS, OUTPUTS, ROWS = 2048, 8192, (1, 8, 512)
FILL = 512 << 20  # bytes of the copies of a layer that take turns: no cache of this size is near a core
MANY_ROWS = 64    # from here on one copy does: operations decide, not where weights come from

# What LowBit makes of a peer's layer: bits and groups are the same.
LAYER_SCHEMES = {"f32": "f32", "bf16": "bf16", "int8": "s8, row scale f32",
                 "int4-g32": "u4 offset 8, group 32 scale f16", "int4-g128": "u4 offset 8, group 128 scale f16"}
BITS = {"f32": 32, "bf16": 16, "int8": 8, "int4-g32": 4.5, "int4-g128": 4.125}


def compile_module(run, arguments, name):
    path = run.scratch / f"{name}.so"
    result = subprocess.run([run.build / "bin" / "quant-compile", *arguments, "--quiet", "-o", path],
                            capture_output=True, text=True)
    if result.returncode:
        raise PeerError(f"quant-compile failed: {result.stderr.strip()}")
    return path


def text_work(rows_per_call, depth=0, prompt=False):
    """Operations and bytes of a token: of matrices; weights shared by the rows of a call, keys and values."""
    def work(ceilings):
        row = next(row for row in ceilings.rows if row["test"] == "tg1")
        cache = row["kv_bytes_per_token"]
        operations = row["operations_per_second"] / row["tokens_per_second"]
        if prompt:
            operations -= 2 * ceilings.head * (1 - 1 / rows_per_call)
        return operations, (row["bytes_per_token"] - cache) / rows_per_call + cache * depth
    return work


def text_case(run, subject, model, module, threads, tests, sequences=1, context=CONTEXT, names=None):
    common = {"threads": threads, "context": context, "sequences": sequences}
    names = [name for name in names or run.peers if run.peers[name].text]
    measure(run, subject, threads, "text", names,
            ({"library": run.library(), "path": str(module), **common}, {"path": str(model), **common}),
            tests, Ceilings(run.build, [str(module), "-p", "16", "-n", "1"], threads))


def prompt_and_generation():
    return [Test({"prompt": PROMPT, "generate": GENERATE},
                 {f"pp{PROMPT}": (lambda result: PROMPT / result["prefill"], text_work(PROMPT, prompt=True)),
                  f"tg{GENERATE}": (lambda result: GENERATE / result["decode"], text_work(1, PROMPT))})]


def real_models(run):
    script = pathlib.Path(__file__).resolve().parents[3] / "scripts" / "get-model"
    for name in ("smollm2", "gemma3"):
        result = subprocess.run([sys.executable, script, name], capture_output=True, text=True)
        if result.returncode:
            run.remark(f"{name}: left out: {result.stderr.strip()}")
        else:
            yield pathlib.Path(result.stdout.strip())


def random_model(run, form):
    path = run.scratch / f"random-1b-{form}.gguf"
    random_gguf.write(form, path)
    return path


def with_modules(run, models):
    """Models with the modules that LowBit makes of them, each deleted when the next one's turn comes."""
    for model in models:
        module = compile_module(run, [model], model.stem)
        yield model.stem, model, module
        module.unlink()
        if model.parent == run.scratch:
            model.unlink()


def run_models(run, options):
    for subject, model, module in with_modules(run, real_models(run)):
        for threads in options.threads:
            text_case(run, subject, model, module, threads, prompt_and_generation())


def run_shape(run, options):
    for subject, model, module in with_modules(run, (random_model(run, form) for form in options.formats)):
        for threads in options.threads:
            text_case(run, subject, model, module, threads, prompt_and_generation())


def run_batch(run, options):
    names = [name for name, peer in run.peers.items() if peer.batches]
    test = Test({"prompt": BATCH_PROMPT, "generate": GENERATE},
                {f"tg{GENERATE}@b{BATCH}": (lambda result: BATCH * GENERATE / result["decode"], text_work(BATCH))})
    for subject, model, module in with_modules(run, (random_model(run, form) for form in options.formats)):
        for threads in options.threads:
            text_case(run, subject, model, module, threads, [test], BATCH, 256, names)


def run_depth(run, options):
    names = [name for name, peer in run.peers.items() if peer.depths]
    tests = [Test({"prompt": 0, "generate": DEPTH_STEPS, "depth": depth},
                  {f"tg{DEPTH_STEPS} at {depth}":
                   (lambda result: DEPTH_STEPS / result["decode"], text_work(1, depth))})
             for depth in (DEPTH, 0)]
    for subject, model, module in with_modules(run, (random_model(run, form) for form in options.formats)):
        for threads in options.threads:
            for test in tests:  # in one context the second would forget what the first has filled
                text_case(run, subject, model, module, threads, [test], 1, DEPTH + 256, names)


def run_layers(run, options):
    size = f"{INPUTS}x{OUTPUTS}"
    for kind in options.kinds:
        names = [name for name, peer in run.peers.items() if kind in peer.kinds]
        if not names:
            continue
        module = compile_module(run, [f"--linear={size}", f"--scheme={LAYER_SCHEMES[kind]}",
                                      "--rows=" + ",".join(map(str, ROWS)), f"--fill={FILL}",
                                      *(["--activations=bf16"] if kind == "bf16" else [])], kind)
        for threads in options.threads:
            for rows in ROWS:
                layer_case(run, kind, size, module, threads, rows, names)
        module.unlink()


def layer_case(run, kind, size, module, threads, rows, names):
    weight_bytes = int(INPUTS * OUTPUTS * BITS[kind] / 8)
    copies = 1 if rows >= MANY_ROWS else -(-FILL // weight_bytes)
    work = 2.0 * INPUTS * OUTPUTS * rows, weight_bytes
    common = {"threads": threads, "inputs": INPUTS, "outputs": OUTPUTS, "rows": rows}
    peak = "bf16" if kind == "bf16" else "auto"
    measure(run, f"{size} {kind}", threads, "layer", names,
            ({"library": run.library(), "path": str(module), **common}, {"kind": kind, "copies": copies, **common}),
            [Test({}, {f"m{rows}": (lambda seconds: 1e6 * seconds, lambda ceilings: work)}, "us")],
            Ceilings(run.build, [f"--linear={size}", f"--scheme={LAYER_SCHEMES[kind]}", "--m=64", "--peak", peak],
                     threads))


def peak_memory(run, module):
    """Bytes that quant-run had resident at most, the mapped module among them."""
    process = subprocess.Popen([run.build / "bin" / "quant-run", module, "-p", "Once", "-n", "16", "--ignore-eos",
                                "-c", str(CONTEXT)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise PeerError(f"quant-run failed with status {status}")
    return usage.ru_maxrss * 1024


def run_memory(run, options):
    models = [*real_models(run), *(random_model(run, form) for form in options.formats)]
    for subject, model, module in with_modules(run, models):
        size = model.stat().st_size
        found = [("LowBit", peak_memory(run, module))]
        for name, peer in run.peers.items():
            if peer.text:
                found += engine_memory(run, subject, name, peer, model)
        for name, used in found:
            run.memory.append([subject, name, f"{size / 1e6:.0f}", f"{used / 1e6:.0f}", f"{used / size:.2f}"])


def engine_memory(run, subject, name, peer, model):
    """[(name, bytes)]: what the process had at most, less what it had before the model was opened."""
    engine = Engine(name, run.pythons[name], peer.module, peer.text, run.log(name))
    try:
        before = engine.request("imported")["result"]["VmRSS"]
        engine.request("open", path=str(model), threads=2, context=CONTEXT, sequences=1, **peer.options)
        engine.request("measure", prompt=16, generate=16)
        return [(name, engine.request("memory")["result"]["VmHWM"] - before)]
    except PeerError as error:
        run.remark(f"{name} on {subject}: left out: {error}")
        return []
    finally:
        engine.close()


WORKLOADS = {"models": run_models, "shape": run_shape, "batch": run_batch, "depth": run_depth, "layers": run_layers,
             "memory": run_memory}
