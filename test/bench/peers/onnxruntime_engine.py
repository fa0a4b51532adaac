"""ONNX Runtime: single layers."""
import importlib.metadata

from layers import seconds_per_call


class Layer:
    """A graph of `copies` layers that read one input, so that one call runs them all. Their outputs go to one memory.

    int4: MatMulNBits with activations of 8 bits (accuracy level 4); int8: DynamicQuantizeMatMul."""

    def __init__(self, kind, threads, inputs, outputs, rows, copies):
        import numpy
        import onnx
        import onnxruntime
        self.numpy, self.onnx, self.copies = numpy, onnx, copies
        self.version = importlib.metadata.version("onnxruntime")
        self.random = numpy.random.default_rng(1)
        nodes, weights = [], []
        for copy in range(copies):
            node, tensors = self.layer(kind, inputs, outputs, str(copy))
            nodes.append(node)
            weights += tensors
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(self.model(nodes, weights, (rows, inputs), (rows, outputs)),
                                                    options, providers=["CPUExecutionProvider"])
        self.bind(rows, inputs, outputs)

    def layer(self, kind, inputs, outputs, copy):
        """(node, weights)"""
        make = self.onnx.helper.make_node
        tensor = self.onnx.numpy_helper.from_array
        names = [f"{part}{copy}" for part in ("w", "s")]
        if kind == "f32":
            w = self.random.standard_normal((inputs, outputs), dtype="float32")
            return make("MatMul", ["x", names[0]], ["y" + copy]), [tensor(w, names[0])]
        if kind == "int8":
            w = self.random.integers(-127, 128, (inputs, outputs), dtype="int8")
            scale = self.numpy.full(outputs, 2.7e-4, dtype="float32")
            return (make("DynamicQuantizeMatMul", ["x", *names], ["y" + copy], domain="com.microsoft"),
                    [tensor(w, names[0]), tensor(scale, names[1])])
        group = int(kind.split("-g")[1])
        w = self.random.integers(0, 256, (outputs, inputs // group, group // 2), dtype="uint8")
        scale = self.numpy.full(outputs * inputs // group, 4.3e-3, dtype="float32")
        return (make("MatMulNBits", ["x", *names], ["y" + copy], domain="com.microsoft", K=inputs, N=outputs, bits=4,
                     block_size=group, accuracy_level=4),
                [tensor(w, names[0]), tensor(scale, names[1])])

    def model(self, nodes, weights, shape, result):
        helper, kind = self.onnx.helper, self.onnx.TensorProto.FLOAT
        graph = helper.make_graph(nodes, "layers", [helper.make_tensor_value_info("x", kind, shape)],
                                  [helper.make_tensor_value_info(node.output[0], kind, result) for node in nodes],
                                  weights)
        versions = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=versions, ir_version=9).SerializeToString()

    def bind(self, rows, inputs, outputs):
        self.x = self.random.standard_normal((rows, inputs), dtype="float32")
        self.y = self.numpy.empty((rows, outputs), dtype="float32")
        self.binding = self.session.io_binding()
        self.binding.bind_input("x", "cpu", 0, "float32", self.x.shape, self.x.ctypes.data)
        for output in self.session.get_outputs():
            self.binding.bind_output(output.name, "cpu", 0, "float32", self.y.shape, self.y.ctypes.data)

    def measure(self):
        """Seconds of one layer."""
        return seconds_per_call(lambda _: self.session.run_with_iobinding(self.binding), 1) / self.copies
