"""IREE: single layers, compiled from MLIR for this CPU."""
import importlib.metadata
import time

SAMPLE_SECONDS = 0.1  # a layer runs for at least so long

PROGRAM = """
func.func @layer(%x: tensor<{m}x{k}x{type}>, %w: tensor<{k}x{n}x{type}>) -> tensor<{m}x{n}x{sum}> {{
  %empty = tensor.empty() : tensor<{m}x{n}x{sum}>
  %zero = arith.constant {zero} : {sum}
  %init = linalg.fill ins(%zero : {sum}) outs(%empty : tensor<{m}x{n}x{sum}>) -> tensor<{m}x{n}x{sum}>
  %y = linalg.matmul ins(%x, %w : tensor<{m}x{k}x{type}>, tensor<{k}x{n}x{type}>)
      outs(%init : tensor<{m}x{n}x{sum}>) -> tensor<{m}x{n}x{sum}>
  return %y : tensor<{m}x{n}x{sum}>
}}
"""
KINDS = {"f32": {"type": "f32", "sum": "f32", "zero": "0.0"}, "int8": {"type": "i8", "sum": "i32", "zero": "0"}}


class Layer:
    """Weights are arguments, so one program serves all copies. int8 gets int8 and gives int32: quantizing the
    activations is not in its time."""

    def __init__(self, kind, threads, inputs, outputs, rows, copies):
        import iree.compiler
        import iree.runtime
        import numpy
        self.version = importlib.metadata.version("iree-base-compiler")
        flags = ["--iree-hal-target-device=local", "--iree-hal-local-target-device-backends=llvm-cpu",
                 "--iree-llvmcpu-target-cpu=host", "--iree-opt-level=O3"]
        text = PROGRAM.format(m=rows, k=inputs, n=outputs, **KINDS[kind])
        binary = iree.compiler.compile_str(text, extra_args=flags)
        iree.runtime.flags.parse_flags(f"--task_topology_group_count={threads}")
        config = iree.runtime.Config("local-task")
        module = iree.runtime.VmModule.copy_buffer(config.vm_instance, binary)
        self.layer = iree.runtime.load_vm_module(module, config).layer
        random = numpy.random.default_rng(1)

        def values(*shape):
            array = (random.integers(-127, 128, shape, dtype="int8") if kind == "int8"
                     else random.standard_normal(shape, dtype="float32"))
            return iree.runtime.asdevicearray(config.device, array)

        self.x = values(rows, inputs)
        self.weights = [values(inputs, outputs) for _ in range(copies)]

    def measure(self):
        """Seconds of one layer."""
        calls, start = 0, time.perf_counter()
        while (seconds := time.perf_counter() - start) < SAMPLE_SECONDS or calls % len(self.weights):
            self.layer(self.x, self.weights[calls % len(self.weights)])
            calls += 1
        return seconds / calls
