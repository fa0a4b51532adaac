"""qrt_append_embeddings, called from Python: rows of the table that the source
holds, read by the package gguf, are what the tokens stand for."""

import ctypes
import math

from harness import TINY, Skip, each, expect

IDS = [1, 5, 2, 9, 30, 7, 7, 12, 3, 20, 11]


class Options(ctypes.Structure):
    """qrt_load_options."""
    _fields_ = [("threads", ctypes.c_int32),
                *((name, ctypes.c_char_p) for name in ("level", "verify", "affinity", "huge_pages"))]


class Info(ctypes.Structure):
    """qrt_model_info."""
    _fields_ = ([(name, ctypes.c_char_p) for name in ("name", "architecture", "level", "chat_template")]
                + [(name, ctypes.c_int32) for name in ("n_vocab", "n_embd", "n_layers", "max_context", "max_rows",
                                                       "threads", "bos_id", "eos_id", "add_bos")]
                + [(name, ctypes.c_uint64) for name in ("file_bytes", "weights_bytes", "source_bytes",
                                                        "n_parameters")])


class Model:
    def __init__(self, context, module):
        self.runtime = ctypes.CDLL(str(context.build / "lib/libquantrt.so"))
        self.runtime.qrt_last_error.restype = ctypes.c_char_p
        self.handle, self.info = ctypes.c_void_p(), Info()
        options = Options(2, None, b"always")  # remembers nothing
        self.check(self.runtime.qrt_load(str(module).encode(), ctypes.byref(options), ctypes.byref(self.handle)))
        self.runtime.qrt_get_model_info(self.handle, ctypes.byref(self.info))

    def check(self, status):
        expect(status == 0, f"the runtime says {self.runtime.qrt_last_error()}")

    def logits(self, parts):
        """Of the last row; a part is a list of ids, or an array of rows."""
        session, out = ctypes.c_void_p(), (ctypes.c_float * self.info.n_vocab)()
        self.check(self.runtime.qrt_session_create(self.handle, None, ctypes.byref(session)))
        for part in parts:
            if isinstance(part, list):
                append, data = self.runtime.qrt_append, (ctypes.c_int32 * len(part))(*part)
            else:
                append, data = self.runtime.qrt_append_embeddings, part.ctypes.data_as(ctypes.c_void_p)
            self.check(append(session, data, len(part), 1, out))
        self.runtime.qrt_session_destroy(session)
        return bytes(out)


def table(path):
    """Rows of the embedding table as Numerics N8 defines them: f32, rounded once
    more by the scale where there is one."""
    try:
        import gguf
        import numpy as np
    except ImportError:
        raise Skip("needs the Python packages gguf and numpy")
    tensor = next(t for t in gguf.GGUFReader(path).tensors if t.name == "token_embd.weight")
    rows = gguf.dequantize(tensor.data, tensor.tensor_type).astype("<f4").reshape(tuple(map(int, tensor.shape))[::-1])
    if path.name.startswith("gemma3"):
        rows = rows * np.float32(math.sqrt(rows.shape[1]))
    return np.ascontiguousarray(rows)


@each("llama-q4_1", "llama-q8_0", "qwen3-odd-f32", "gemma3-f32", "gemma3-q8_0")
def test_rows_equal_tokens(context, name):
    """The same bytes, for prompts, single rows and a mixture; and other rows
    give other logits."""
    source = TINY / f"{name}.gguf"
    rows = table(source)
    model = Model(context, context.module(source, "--max-rows=4"))
    given = rows[IDS]
    tokens = model.logits([IDS])
    expect(model.logits([given]) == tokens, "rows of embeddings differ from their tokens")
    expect(model.logits([IDS[:3], given[3:4], given[4:9], IDS[9:]]) == tokens, "a mixture differs")
    single = model.logits([[id] for id in IDS])
    expect(model.logits([row[None] for row in given]) == single, "single rows differ from single tokens")
    expect(model.logits([given * 2]) != tokens, "the rows do not matter")
    if name.startswith("gemma3"):
        unscaled = given / math.sqrt(rows.shape[1])
        expect(model.logits([unscaled.astype("<f4")]) != tokens, "rows were scaled")
