"""IREE: single layers, compiled from MLIR for this CPU."""
import importlib.metadata

from layers import seconds_per_call

PROGRAM = """
func.func @layer(%x: tensor<{m}x{k}xf32>, %w: tensor<{n}x{k}xf32>) -> tensor<{m}x{n}xf32> {{
  %empty = tensor.empty() : tensor<{m}x{n}xf32>
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<{m}x{n}xf32>) -> tensor<{m}x{n}xf32>
  %y = linalg.generic {{
    indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>],
    iterator_types = ["parallel", "parallel", "reduction"]}}
    ins(%x, %w : tensor<{m}x{k}xf32>, tensor<{n}x{k}xf32>) outs(%init : tensor<{m}x{n}xf32>) {{
  ^bb0(%a: f32, %b: f32, %c: f32):
    %product = arith.mulf %a, %b : f32
    %sum = arith.addf %product, %c : f32
    linalg.yield %sum : f32
  }} -> tensor<{m}x{n}xf32>
  return %y : tensor<{m}x{n}xf32>
}}
"""


class Layer:
    """Weights are arguments, so one program serves all copies: faster than as constants, and [n, k] faster than
    [k, n]. Integers are left out: what plain linalg says of them ends in slow code."""

    def __init__(self, kind, threads, inputs, outputs, rows, copies):
        import iree.compiler
        import iree.runtime
        import numpy
        self.version = importlib.metadata.version("iree-base-compiler")
        flags = ["--iree-hal-target-device=local", "--iree-hal-local-target-device-backends=llvm-cpu",
                 "--iree-llvmcpu-target-cpu=host", "--iree-opt-level=O3"]
        text = PROGRAM.format(m=rows, k=inputs, n=outputs)
        binary = iree.compiler.compile_str(text, extra_args=flags)
        iree.runtime.flags.parse_flags(f"--task_topology_group_count={threads}")
        config = iree.runtime.Config("local-task")
        module = iree.runtime.VmModule.copy_buffer(config.vm_instance, binary)
        self.layer = iree.runtime.load_vm_module(module, config).layer
        random = numpy.random.default_rng(1)

        def values(*shape):
            return iree.runtime.asdevicearray(config.device, random.standard_normal(shape, dtype="float32"))

        self.x = values(rows, inputs)
        self.weights = [values(outputs, inputs) for _ in range(copies)]

    def measure(self):
        """Seconds of one layer."""
        return seconds_per_call(lambda copy: self.layer(self.x, self.weights[copy]), len(self.weights))
