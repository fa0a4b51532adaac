"""PyTorch: single layers."""
from layers import seconds_per_call


class Layer:
    """f32 and bf16: a linear layer, the input in the same type. int8: what torchao's W8A8 does, written out (a scale
    for each row of activations, torch._int_mm, scales) and compiled: its own tensors took 1202 us where this takes 175
    (1 row, 2 threads, 2 cores of an AMD EPYC, November 2026)."""

    def __init__(self, kind, threads, inputs, outputs, rows, copies):
        import torch
        self.torch, self.version = torch, torch.__version__
        torch.manual_seed(1)
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        self.x = torch.randn(rows, inputs)
        if kind == "int8":
            self.weights = [torch.randint(-127, 128, (outputs, inputs), dtype=torch.int8).t() for _ in range(copies)]
            self.scales = torch.full((outputs,), 2.7e-4)
            self.layer = torch.compile(self.int8)
        else:
            dtype = torch.bfloat16 if kind == "bf16" else torch.float32
            self.x = self.x.to(dtype)
            self.weights = [torch.randn(outputs, inputs).to(dtype) for _ in range(copies)]
            self.layer = torch.nn.functional.linear

    def int8(self, x, weight):
        scale = x.abs().amax(dim=1, keepdim=True) / 127
        codes = (x / scale).round().to(self.torch.int8)
        return self.torch._int_mm(codes, weight).float() * (scale * self.scales)

    def measure(self):
        """Seconds of one layer."""
        return seconds_per_call(lambda copy: self.layer(self.x, self.weights[copy]), len(self.weights))
