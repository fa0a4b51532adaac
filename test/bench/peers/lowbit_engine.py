"""LowBit: a module through the C interface of the runtime."""
import ctypes
import math

import stepwise
from layers import seconds_per_call


class LoadOptions(ctypes.Structure):
    _fields_ = [("threads", ctypes.c_int32)] + [(name, ctypes.c_char_p) for name in ("level", "verify", "affinity",
                                                                                    "huge_pages")]


class SessionOptions(ctypes.Structure):
    _fields_ = [("n_ctx", ctypes.c_int32)]


class ModelInfo(ctypes.Structure):
    _fields_ = ([(name, ctypes.c_char_p) for name in ("name", "architecture", "level", "chat_template")]
                + [(name, ctypes.c_int32) for name in ("n_vocab", "n_embd", "n_layers", "max_context", "max_rows",
                                                       "threads", "bos_id", "eos_id", "add_bos")]
                + [(name, ctypes.c_uint64) for name in ("file_bytes", "weights_bytes", "source_bytes",
                                                        "n_parameters")])


class Runtime:
    """A loaded module."""

    def __init__(self, library, module, threads):
        self.lib = ctypes.CDLL(library)
        self.lib.qrt_last_error.restype = ctypes.c_char_p
        self.model = ctypes.c_void_p()
        options = LoadOptions(threads)
        self.check(self.lib.qrt_load(module.encode(), ctypes.byref(options), ctypes.byref(self.model)))
        self.info = ModelInfo()
        self.lib.qrt_get_model_info(self.model, ctypes.byref(self.info))
        self.threads = threads
        self.version = self.info.level.decode()

    def check(self, status):
        if status != 0:
            raise RuntimeError(self.lib.qrt_last_error().decode())

    def set_threads(self, threads):
        self.check(self.lib.qrt_set_threads(self.model, threads))


class Text(Runtime, stepwise.Stepwise):
    def __init__(self, library, path, threads, context, sequences):
        super().__init__(library, path, threads)
        self.sequences = sequences
        self.sessions = (ctypes.c_void_p * sequences)()
        for i in range(sequences):
            session = ctypes.c_void_p()
            self.check(self.lib.qrt_session_create(self.model, ctypes.byref(SessionOptions(context)),
                                                   ctypes.byref(session)))
            self.sessions[i] = session.value
        self.logits = (ctypes.c_float * (self.info.n_vocab * sequences))()

    def head_size(self):
        """Multiply-accumulates of the head, which a prompt needs for its last token alone."""
        return self.info.n_vocab * self.info.n_embd

    def clear(self):
        for session in self.sessions:
            self.check(self.lib.qrt_session_truncate(ctypes.c_void_p(session), 0))

    def truncate(self, length):
        self.check(self.lib.qrt_session_truncate(ctypes.c_void_p(self.sessions[0]), length))

    def append(self, ids):
        array = (ctypes.c_int32 * len(ids))(*ids)
        self.check(self.lib.qrt_append(ctypes.c_void_p(self.sessions[0]), array, len(ids), 1, self.logits))

    def step(self, ids):
        if self.sequences == 1:
            return self.append(ids)
        array = (ctypes.c_int32 * len(ids))(*ids)
        self.check(self.lib.qrt_append_batch(self.sessions, len(ids), array, None, self.logits))


class Layer(Runtime):
    """The functions rowsM.copyN of `quant-compile --linear`; copies take turns."""

    def __init__(self, library, path, threads, inputs, outputs, rows):
        super().__init__(library, path, threads)
        self.functions = []
        for copy in range(self.lib.qrt_function_count(self.model)):
            function = self.lib.qrt_function_find(self.model, f"rows{rows}.copy{copy}".encode())
            if function < 0 or (rows >= 64 and self.functions):
                break
            self.functions.append(function)
        x = (ctypes.c_float * (rows * inputs))(*(math.sin(0.7 * i) for i in range(rows * inputs)))
        self.memory = x, (ctypes.c_float * (rows * outputs))()
        self.arguments = (ctypes.c_void_p * 2)(*map(ctypes.addressof, self.memory))

    def measure(self):
        """Seconds of one layer."""
        def call(copy):
            self.check(self.lib.qrt_call(self.model, self.functions[copy], self.arguments))

        return seconds_per_call(call, len(self.functions))
