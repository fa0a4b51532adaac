"""OpenVINO: whole models through openvino-genai, single layers through openvino."""
import importlib.metadata
import time

import stepwise
from layers import seconds_per_call


class Text:
    """LLMPipeline reads a GGUF itself. Prompts come as ids; one token of the sampler's is part of a prompt's time."""

    samples = 0

    @classmethod
    def load_api(cls):
        import numpy
        import openvino
        import openvino_genai
        cls.numpy, cls.ov, cls.genai = numpy, openvino, openvino_genai
        cls.version = importlib.metadata.version("openvino-genai")

    def __init__(self, path, threads, context, sequences, **options):
        self.load_api()
        self.sequences = sequences
        self.pipeline = self.genai.LLMPipeline(path, "CPU", INFERENCE_NUM_THREADS=threads, **options)

    def measure(self, prompt, generate, depth=0):
        # It remembers prompts: each sample needs another beginning.
        self.samples += 1
        ids = [[stepwise.token(i + row + 11 * self.samples) for i in range(prompt)] for row in range(self.sequences)]
        ids = self.numpy.array(ids, dtype=self.numpy.int64)
        inputs = self.genai.TokenizedInputs(self.ov.Tensor(ids), self.ov.Tensor(self.numpy.ones_like(ids)))
        config = self.genai.GenerationConfig(max_new_tokens=generate + 1, min_new_tokens=generate + 1,
                                             ignore_eos=True, do_sample=False, apply_chat_template=False)
        start = time.perf_counter()
        metrics = self.pipeline.generate(inputs, config).perf_metrics
        seconds = time.perf_counter() - start
        if metrics.get_num_generated_tokens() != (generate + 1) * self.sequences:
            raise RuntimeError(f"it generated {metrics.get_num_generated_tokens()} tokens")
        first = metrics.get_ttft().mean / 1000
        return {"prefill": first, "decode": seconds - first}


class Layer:
    """A graph of `copies` layers that read one input, so that one call runs them all.

    Integers are weights that the plug-in decompresses or, with activations of 8 bits, multiplies as they are."""

    def __init__(self, kind, threads, inputs, outputs, rows, copies):
        Text.load_api()
        self.numpy, self.ov, self.copies = Text.numpy, Text.ov, copies
        self.version = importlib.metadata.version("openvino")
        self.random, self.kept = self.numpy.random.default_rng(1), []
        x = self.ov.opset13.parameter([rows, inputs], self.ov.Type.f32)
        results = [self.ov.opset13.matmul(x, self.weights(kind, inputs, outputs), False, True) for _ in range(copies)]
        model = self.ov.Model(results, [x], "layers")
        options = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "bf16" if kind == "bf16" else "f32"}
        if kind.startswith("int"):
            options["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = 32 if kind == "int4-g32" else 128
        self.model = self.ov.Core().compile_model(model, "CPU", options)
        self.request = self.model.create_infer_request()
        self.request.set_input_tensor(self.ov.Tensor(self.random.standard_normal((rows, inputs), dtype="float32")))

    def weights(self, kind, inputs, outputs):
        ops, types = self.ov.opset13, self.ov.Type
        if kind in ("f32", "bf16"):
            return ops.constant(self.random.standard_normal((outputs, inputs), dtype="float32"))
        if kind == "int8":
            codes = self.random.integers(-127, 128, (outputs, inputs), dtype="int8")
            codes, scales = ops.constant(codes), self.numpy.full((outputs, 1), 2.7e-4, dtype="float32")
            return ops.multiply(ops.convert(codes, types.f32), ops.constant(scales))
        group = int(kind.split("-g")[1])
        packed = self.random.integers(0, 256, outputs * inputs // 2, dtype="uint8")
        self.kept.append(packed)  # the tensor is a view
        codes = ops.constant(self.ov.Tensor(packed, [outputs, inputs // group, group], types.i4))
        scales = self.numpy.full((outputs, inputs // group, 1), 4.3e-3, dtype="float16")
        values = ops.multiply(ops.convert(codes, types.f16), ops.constant(scales))
        return ops.convert(ops.reshape(values, [outputs, inputs], False), types.f32)

    def measure(self):
        """Seconds of one layer."""
        def call(_):
            self.request.start_async()  # infer() would copy the outputs
            self.request.wait()

        return seconds_per_call(call, 1) / self.copies
