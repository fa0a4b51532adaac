#!/usr/bin/env python3
"""LowBit beside llama.cpp, in one run: prefill of 512 and decoding of 64.

    pip install --no-binary llama-cpp-python llama-cpp-python   # CMAKE_ARGS=-DGGML_NATIVE=ON
    compare-llama-cpp.py --runtime build/lib/libquantrt.so --repeat 5 MODEL.gguf=MODEL.so ...

Samples of the two alternate, so that a busy machine slows both; the table gives
medians in tokens per second and the median of the pairwise ratios. QRT_CPU
chooses our level.
"""
import argparse
import ctypes
import os
import statistics
import time

PREFILL, DECODE, CONTEXT = 512, 64, 1024


class LlamaCpp:
    def __init__(self, path, threads):
        import llama_cpp
        self.api = llama_cpp
        self.model = llama_cpp.Llama(path, n_ctx=CONTEXT, n_batch=PREFILL, n_ubatch=PREFILL,
                                     n_threads=threads, n_threads_batch=threads, verbose=False)
        self.n_vocab = self.model.n_vocab()

    def clear(self):
        self.model.reset()
        self.model._ctx.kv_cache_clear()

    def append(self, ids):
        array = (self.api.llama_token * len(ids))(*ids)
        batch = self.api.llama_batch_get_one(array, len(ids))
        if self.api.llama_decode(self.model._ctx.ctx, batch) != 0:
            raise RuntimeError("llama_decode failed")


class LoadOptions(ctypes.Structure):
    _fields_ = [("threads", ctypes.c_int32), ("level", ctypes.c_char_p), ("verify", ctypes.c_char_p)]


class SessionOptions(ctypes.Structure):
    _fields_ = [("n_ctx", ctypes.c_int32)]


class LowBit:
    def __init__(self, library, path, threads, n_vocab):
        self.lib = ctypes.CDLL(library)
        self.lib.qrt_last_error.restype = ctypes.c_char_p
        model, self.session = ctypes.c_void_p(), ctypes.c_void_p()
        options = LoadOptions(threads, None, None)
        self.check(self.lib.qrt_load(path.encode(), ctypes.byref(options), ctypes.byref(model)))
        self.check(self.lib.qrt_session_create(model, ctypes.byref(SessionOptions(CONTEXT)),
                                               ctypes.byref(self.session)))
        self.logits = (ctypes.c_float * n_vocab)()

    def check(self, status):
        if status != 0:
            raise RuntimeError(self.lib.qrt_last_error().decode())

    def clear(self):
        self.check(self.lib.qrt_session_truncate(self.session, 0))

    def append(self, ids):
        array = (ctypes.c_int32 * len(ids))(*ids)
        self.check(self.lib.qrt_append(self.session, array, len(ids), 1, self.logits))


def sample(engine):
    """Tokens per second of one prefill and of the decoding behind it."""
    engine.clear()
    prompt = [(7 * i) % 1000 + 300 for i in range(PREFILL)]
    start = time.perf_counter()
    engine.append(prompt)
    prefill = PREFILL / (time.perf_counter() - start)
    start = time.perf_counter()
    for i in range(DECODE):
        engine.append([300 + i])
    return prefill, DECODE / (time.perf_counter() - start)


def compare(gguf, module, threads, options):
    theirs = LlamaCpp(gguf, threads)
    ours = LowBit(options.runtime, module, threads, theirs.n_vocab)
    sample(theirs), sample(ours)
    pairs = [(sample(theirs), sample(ours)) for _ in range(options.repeat)]
    for kind, name in enumerate((f"pp{PREFILL}", f"tg{DECODE}")):
        them = [pair[0][kind] for pair in pairs]
        us = [pair[1][kind] for pair in pairs]
        ratio = statistics.median(u / t for u, t in zip(us, them))
        print(f"| {os.path.basename(gguf)} | {threads} | {name} | {statistics.median(them):.1f} | "
              f"{statistics.median(us):.1f} | {ratio:.2f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runtime", required=True, help="libquantrt.so")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("models", nargs="+", help="MODEL.gguf=MODEL.so")
    options = parser.parse_args()
    print(f"level: {os.environ.get('QRT_CPU', 'best')}\n")
    print("| model | threads | test | llama.cpp t/s | LowBit t/s | ratio |\n|---|---|---|---|---|---|")
    for pair in options.models:
        gguf, module = pair.split("=", 1)
        for threads in map(int, options.threads.split(",")):
            compare(gguf, module, threads, options)


main()
