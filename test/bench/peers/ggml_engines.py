"""llama.cpp and ik_llama.cpp: the C interface, through the ctypes of their Python packages."""
import ctypes
import importlib.metadata
import importlib.util
import os

import stepwise

BATCH = 512  # tokens of a call and of a compute graph (n_batch, n_ubatch)


class Ggml(stepwise.Stepwise):
    """What both have in common. Keys and values are f16, the default of both."""

    def __init__(self, path, threads, context, sequences, flash=True, repack=True):
        self.api = self.load_api()
        self.threads, self.sequences = threads, sequences
        self.api.llama_backend_init()
        options = self.api.llama_model_default_params()
        self.set_model_options(options, repack)
        self.model = self.api.llama_model_load_from_file(path.encode(), options)
        if not self.model:
            raise RuntimeError("it does not read the model")
        options = self.api.llama_context_default_params()
        options.n_ctx, options.n_seq_max = context * sequences, sequences
        options.n_batch = options.n_ubatch = BATCH
        options.n_threads = options.n_threads_batch = threads
        self.set_flash(options, flash)
        self.context = self.api.llama_init_from_model(self.model, options)
        if not self.context:
            raise RuntimeError("it makes no context for the model")
        self.batch = self.api.llama_batch_init(BATCH, 0, 1)
        self.lengths = [0] * sequences

    def clear(self):
        self.forget()
        self.lengths = [0] * self.sequences

    def truncate(self, length):
        self.remove(length)
        self.lengths[0] = length

    def append(self, ids):
        self.decode([(id, 0, i + 1 == len(ids)) for i, id in enumerate(ids)])

    def step(self, ids):
        self.decode([(id, sequence, True) for sequence, id in enumerate(ids)])

    def decode(self, rows):
        batch = self.batch
        batch.n_tokens = len(rows)
        for i, (id, sequence, wants_logits) in enumerate(rows):
            batch.token[i], batch.pos[i], batch.n_seq_id[i] = id, self.lengths[sequence], 1
            batch.seq_id[i][0], batch.logits[i] = sequence, wants_logits
            self.lengths[sequence] += 1
        status = self.api.llama_decode(self.context, batch)
        if status != 0:
            raise RuntimeError(f"llama_decode returned {status}")


class LlamaCpp(Ggml):
    @classmethod
    def load_api(cls):
        import llama_cpp
        cls.version = llama_cpp.__version__
        return llama_cpp

    def set_model_options(self, options, repack):
        options.use_extra_bufts = repack

    def set_flash(self, options, flash):
        options.flash_attn_type = int(flash)

    def set_threads(self, threads):
        self.api.llama_set_n_threads(self.context, threads, threads)

    def forget(self):
        self.api.llama_memory_clear(self.api.llama_get_memory(self.context), False)

    def remove(self, length):
        if not self.api.llama_memory_seq_rm(self.api.llama_get_memory(self.context), 0, length, -1):
            raise RuntimeError("it cannot forget the end of a sequence")


class IkLlamaCpp(Ggml):
    @classmethod
    def load_api(cls):
        # libllama.so lies beside libggml.so but does not look there.
        folder = importlib.util.find_spec("ik_llama_cpp").submodule_search_locations[0]
        ctypes.CDLL(os.path.join(folder, "lib", "libggml.so"), ctypes.RTLD_GLOBAL)
        from ik_llama_cpp import _ctypes_api
        cls.version = importlib.metadata.version("ik-llama-cpp-python")
        cls.lib = _ctypes_api._lib
        cls.lib.llama_kv_cache_seq_rm.argtypes = [ctypes.c_void_p, ctypes.c_int32, ctypes.c_int32, ctypes.c_int32]
        cls.lib.llama_kv_cache_seq_rm.restype = ctypes.c_bool
        cls.lib.llama_set_n_threads.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32]
        return _ctypes_api

    def set_model_options(self, options, repack):
        options.repack_tensors = repack
        options.use_mmap = not repack

    def set_flash(self, options, flash):
        # With several sequences 0.1.5 aborts: GGML_ASSERT(S > 0) in iqk_fa_templates.h.
        options.flash_attn = flash and self.sequences == 1

    def set_threads(self, threads):
        self.lib.llama_set_n_threads(self.context, threads, threads)

    def forget(self):
        self.api.llama_kv_cache_clear(self.context)

    def remove(self, length):
        if not self.lib.llama_kv_cache_seq_rm(self.context, 0, length, -1):
            raise RuntimeError("it cannot forget the end of a sequence")
