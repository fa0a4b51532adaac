"""Quantizers: the reference evaluator against numpy on random data of odd sizes,
and BitLinear layers compiled and called, their integers against numpy and
against PyTorch's where ../shared has them."""

import os
import shutil

from harness import Skip, cpu_levels, each, expect
from cases.functions import dense, numpy
from cases.install import installed

SEED = int(os.environ.get("LOWBIT_TEST_SEED", "0"))
ACTIVATIONS = "<absmax reach 127.0 least 1.0e-05, multiply, clamp -128 127>"
WEIGHTS = "<absmean reach 1.0 least 1.0e-05, multiply, clamp -1 1>"
TINY = 1.1754943508222875e-38
EPSILON = 1.1920928955078125e-07


def oracle():
    numpy()
    import quantizer_oracle
    return quantizer_oracle


# ===- The reference evaluator ------------------------------------------------===


def number(value):
    """A float as the text of a quantizer."""
    return f"{value:.9e}"


def configurations():
    """Name: quantizer, scheme, what numpy says of x and a group."""
    o = oracle()
    least = number(TINY)
    e2m1 = ", ".join(str(v) for v in [*o.E2M1, *(-o.E2M1)])
    result = {
        "bitlinear_activations": (ACTIVATIONS, "s8, row divisor f32", lambda x, g: o.bitlinear_activations(x)),
        "bitlinear_weights": (WEIGHTS, "ternary, tensor divisor f32", lambda x, g: o.bitlinear_weights(x)),
        "span": ("<span, scale least 1.0e-06, divide>", "u4 offset 8, group {g} scale f32 min f32",
                 lambda x, g: o.span(x, g, 4, 1e-6)),
        "refined": (f"<absmax reach 8, scale least {number(EPSILON)}, divide, refine 20>", "s4, group {g} scale f32",
                    lambda x, g: o.refined(x, g, 8, -8, 7, EPSILON, 20)),
        "ends": (f"<ends, scale least {least}, multiply>", "s4, group {g} scale f32",
                 lambda x, g: o.ends(x, g, -8, 7, TINY)),
        "microscaled": ("<absmax reach 4, scale floor, divide>", f"u4 codebook [{e2m1}], group {{g}} scale e8m0",
                        lambda x, g: o.microscaled(x, g)),
    }
    for kind in ("f16", "bf16"):
        result[f"bitlinear_activations_{kind}"] = (
            ACTIVATIONS[:-1] + f", in {kind}>", f"s8, row divisor {kind}",
            lambda x, g, kind=kind: o.bitlinear_activations(o.narrow(kind)(x), kind))
    for bits in (2, 3, 4, 5, 8):
        low, high = -(1 << bits - 1), (1 << bits - 1) - 1
        result[f"symmetric_{bits}"] = (
            f"<absmax reach {(high - low) / 2}, scale least {least}, multiply>", f"s{bits}, group {{g}} scale f32",
            lambda x, g, low=low, high=high: o.symmetric(x, g, (high - low) / 2, low, high, TINY))
        result[f"asymmetric_{bits}"] = (
            f"<minmax, scale least {least}, multiply>", f"s{bits}, group {{g}} scale f32 zero s{bits}",
            lambda x, g, low=low, high=high: o.asymmetric(x, g, low, high, TINY))
    return result


NAMES = ["bitlinear_activations", "bitlinear_activations_f16", "bitlinear_activations_bf16", "bitlinear_weights",
         "span", "refined", "ends", "microscaled", *(f"symmetric_{b}" for b in (2, 3, 4, 5, 8)),
         *(f"asymmetric_{b}" for b in (2, 3, 4, 5, 8))]


def tensor(array, element="f32"):
    return f"tensor<{'x'.join(map(str, array.shape))}x{element}>"


def checks(name, quantizer, scheme, x, expected):
    """A function that quantizes x and says what comes out."""
    np = numpy()
    codes, *fields = expected
    level = 0
    kind = f"!lowbit.tensor<{x.shape[0]}x{x.shape[1]}, #lowbit.scheme<{scheme}>>"
    # Values of entries are multiples of a half, which expect_codes takes as reals.
    lines = [f"func.func @{name}() {{",
             f"  %x = arith.constant {dense(x)} : {tensor(x)}",
             f"  %q = lowbit.quantize %x by {quantizer} : {tensor(x)} -> {kind}"]
    if (codes == np.rint(codes)).all() and "codebook" not in scheme:
        lines.append(f"  check.expect_codes %q, {dense(codes.astype('<i4'))} : {tensor(codes, 'i32')} of {kind}")
    for i, field in enumerate(fields):
        lines.append(f"  check.expect_field %q[{level}, {i}], {dense(field)} : {tensor(field)} of {kind}")
    return "\n".join([*lines, "  return", "}", ""])


@each(*NAMES)
def test_reference(context, name):
    np = numpy()
    quantizer, scheme, expected = configurations()[name]
    generator = np.random.default_rng([SEED, NAMES.index(name)])
    text = ""
    for i, (rows, columns, group) in enumerate(((1, 1, 1), (3, 33, 32), (5, 100, 7), (2, 784, 32), (4, 784, 128))):
        x = (generator.standard_normal((rows, columns)) * 2.0 ** generator.integers(-9, 9)).astype("<f4")
        x[0, 0] = abs(x[0, 0]) + 1e-3  # no group of zeros for `microscaled`
        text += checks(f"f{i}", quantizer, scheme.format(g=group), x, expected(x, group))
        if name == "microscaled":
            values = expected(x, group)
            text += dequantized(f"v{i}", quantizer, scheme.format(g=group), x, values[0], values[1], group)
    (context.folder / "checks.mlir").write_text(text)
    context.run("quant-reference-test", "checks.mlir")


def dequantized(name, quantizer, scheme, x, codes, scales, group):
    """A function that says what the codes stand for."""
    np = numpy()
    values = (codes * np.repeat(scales, group, 1)[:, :x.shape[1]]).astype("<f4")
    return f"""func.func @{name}() {{
  %x = arith.constant {dense(x)} : {tensor(x)}
  %v = lowbit.fake_quant %x by {quantizer} in <{scheme}> : {tensor(x)}
  check.expect_eq %v, {dense(values)} : {tensor(values)}
  return
}}
"""


# ===- Compiled BitLinear -----------------------------------------------------===


class BitLinear:
    """One layer as IR and in numpy."""

    def __init__(self, weights, bias=None):
        np = numpy()
        self.weights = np.ascontiguousarray(weights, "<f4")
        self.bias = None if bias is None else np.ascontiguousarray(bias, "<f4")
        self.outputs, self.columns = self.weights.shape
        self.codes, divisors = oracle().bitlinear_weights(self.weights)
        self.divisor = divisors[0, 0]

    def lines(self, x, y, rows):
        """IR that computes %y from %x."""
        n, k = self.outputs, self.columns
        a = f"!lowbit.tensor<{rows}x{k}, #lowbit.scheme<s8, row divisor f32>>"
        w = f"!lowbit.tensor<{n}x{k}, #lowbit.scheme<ternary, tensor divisor f32>>"
        out = f"tensor<{rows}x{n}xf32>"
        bias = kind = constant = ""
        if self.bias is not None:
            bias, kind = f" bias {y}.b", f", tensor<{n}xf32>"
            constant = f"  {y}.b = arith.constant {dense(self.bias)} : tensor<{n}xf32>\n"
        return f"""{constant}  {y}.r = arith.constant {dense(self.weights)} : tensor<{n}x{k}xf32>
  {y}.w = lowbit.quantize {y}.r by {WEIGHTS} : tensor<{n}x{k}xf32> -> {w}
  {y}.x = lowbit.quantize {x} by {ACTIVATIONS} : tensor<{rows}x{k}xf32> -> {a}
  {y} = lowbit.linear {y}.x, {y}.w{bias} : {a}, {w}{kind} -> {out}
"""

    def function(self, name, rows):
        return function(name, rows, self.columns, self.outputs, self.lines("%x", "%y", rows))


def function(name, rows, columns, outputs, lines):
    return f"""func.func @{name}(%x: tensor<{rows}x{columns}xf32>) -> tensor<{rows}x{outputs}xf32> {{
{lines}  return %y : tensor<{rows}x{outputs}xf32>
}}
"""


def functions(prefix, layer, rows):
    """NAME_y: the layer. NAME_x: its activations' codes, through weights that are
    the identity. NAME_w: the layer on one row for each column."""
    np = numpy()
    return (layer.function(prefix + "_y", rows) + BitLinear(np.eye(layer.columns)).function(prefix + "_x", rows) +
            layer.function(prefix + "_w", layer.columns))


class Module:
    def __init__(self, context, text, level=None):
        (context.folder / "module.mlir").write_text(text)
        context.run("quant-compile", "module.mlir", "-o", "module.so", "--emit-header=module.h", "--quiet")
        self.context = context
        self.level = level

    def call(self, name, x):
        np = numpy()
        np.save(self.context.folder / "x.npy", np.ascontiguousarray(x, "<f4"))
        self.context.run("quant-run", "module.so", f"--call={name}", "--input", "x.npy", "--output", "y.npy",
                         level=self.level)
        return np.load(self.context.folder / "y.npy")


class CModule(Module):
    """The same functions, called by a C program through libquantrt."""

    PROGRAM = r"""
#include "module.h"
#include <stdio.h>
int main(int argc, char **argv) {
  static float x[IN], y[OUT];
  qrt_model *model = NULL;
  FILE *in = fopen("x.f32", "rb");
  if (argc != 2 || !in || fread(x, sizeof x, 1, in) != 1 || qrt_load(argv[1], NULL, &model) ||
      FUNCTION(model, x, y)) {
    fprintf(stderr, "%s\n", qrt_last_error());
    return 1;
  }
  return fwrite(y, sizeof y, 1, stdout) != 1;
}
"""

    def __init__(self, context, text):
        super().__init__(context, text)
        self.outputs = {line.split("@")[1].split("(")[0]: line.split("-> tensor<")[1].split("xf32")[0]
                        for line in text.splitlines() if line.startswith("func.func")}

    def call(self, name, x):
        np = numpy()
        np.ascontiguousarray(x, "<f4").tofile(self.context.folder / "x.f32")
        shape = tuple(map(int, self.outputs[name].split("x")))
        prefix = installed(self.context)
        (self.context.folder / "main.c").write_text(self.PROGRAM)
        self.context.run(shutil.which("gcc"), "-std=c99", "-Wall", "-Werror", f"-DFUNCTION={name}", f"-DIN={x.size}",
                         f"-DOUT={shape[0] * shape[1]}", "-I.", f"-I{prefix}/include", "main.c", "-o", "main",
                         f"-L{prefix}/lib", "-lquantrt", f"-Wl,-rpath,{prefix}/lib")
        y = self.context.run(self.context.folder / "main", "module.so", text=False)
        return np.frombuffer(y, "<f4").reshape(shape)


def check_layer(module, prefix, layer, x, expected=None):
    """The layer's integers, from what compiled code returns, are numpy's; `expected`:
    what PyTorch says, too."""
    np = numpy()
    codes, divisors = oracle().bitlinear_activations(x)
    inverse = 1 / divisors.astype(float)
    identity = BitLinear(np.eye(layer.columns)).divisor
    got = np.rint(module.call(prefix + "_x", x) / inverse * float(identity))
    expect((got == codes).all(), f"{prefix}: {(got != codes).sum()} activations have another code")

    ones = np.eye(layer.columns, dtype="<f4")
    bias = 0 if layer.bias is None else layer.bias.astype(float)
    one = 127 / oracle().bitlinear_activations(ones[:1])[1].astype(float) / float(layer.divisor)
    got = np.rint((module.call(prefix + "_w", ones) - bias) / one).T
    expect((got == layer.codes).all(), f"{prefix}: {(got != layer.codes).sum()} weights have another code")

    y = module.call(prefix + "_y", x)
    sums = codes @ layer.codes.astype(float).T
    got = np.rint((y - bias) / inverse * float(layer.divisor))
    expect((got == sums).all(), f"{prefix}: {(got != sums).sum()} sums are others")
    exact = sums * inverse / float(layer.divisor) + bias
    error = np.abs(y - exact).max() / max(np.abs(exact).max(), 1e-30)
    expect(error <= 2e-6, f"{prefix}: results are off by {error:.1e} of the largest")
    if expected is None:
        return y
    for what, ours in (("x_int", codes), ("w_int", layer.codes), ("acc_i32", sums)):
        expect((ours == expected[what].reshape(ours.shape)).all(), f"{prefix}: {what} is not PyTorch's")
    theirs = expected["y"].reshape(y.shape)
    error = np.abs(y - theirs).max() / np.abs(theirs).max()
    expect(error <= 2e-6, f"{prefix}: results are off by {error:.1e} of PyTorch's largest")
    return y


def random_layer(generator, columns, outputs, bias=False):
    np = numpy()
    bound = 1 / np.sqrt(columns)
    return BitLinear(generator.uniform(-bound, bound, (outputs, columns)),
                     generator.standard_normal(outputs) if bias else None)


@each(*((*size, level) for size in ((8, 784, 256), (1, 784, 256), (3, 33, 17), (20, 100, 5), (1, 1, 1))
        for level in cpu_levels()))
def test_bitlinear(context, rows, columns, outputs, level):
    np = numpy()
    generator = np.random.default_rng([SEED, rows, columns, outputs])
    layer = random_layer(generator, columns, outputs, bias=rows == 3)
    x = generator.standard_normal((rows, columns)).astype("<f4")
    module = Module(context, functions("layer", layer, rows), level)
    check_layer(module, "layer", layer, x)


def test_bitlinear_from_c(context):
    """784 -> 256: equal integers in a C program."""
    np = numpy()
    generator = np.random.default_rng([SEED, 784])
    layer = random_layer(generator, 784, 256)
    check_layer(CModule(context, functions("layer", layer, 8)), "layer", layer,
                generator.standard_normal((8, 784)).astype("<f4"))


@each(*cpu_levels())
def test_not_finite(context, level):
    """NaN and infinity stay in their row; rows of zeros and of tiny numbers."""
    np = numpy()
    generator = np.random.default_rng([SEED, 3])
    layer = random_layer(generator, 40, 9)
    x = generator.standard_normal((5, 40)).astype("<f4")
    x[0, 39], x[1, 0], x[2], x[3] = np.nan, -np.inf, 0, x[3] * 1e-7
    module = Module(context, layer.function("layer", 5), level)
    y = module.call("layer", x)
    expect(np.isnan(y[:2]).all(), "a row with NaN or infinity gives NaN")
    codes, divisors = oracle().bitlinear_activations(x[2:])
    exact = codes @ layer.codes.astype(float).T / divisors / float(layer.divisor)
    error = np.abs(y[2:] - exact).max(1) / np.maximum(np.abs(exact).max(1), 1e-30)
    expect((error <= 2e-6).all(), f"finite rows are off by {error}")


def load(context, name):
    return dict(numpy().load(context.oracle("bitlinear") / f"{name}.npz"))


@each("lin_1x1_s6", "lin_256x128_bias_s3", "lin_3d_2x5x64x48_s4", "lin_784x256_s0", "lin_odd_33x17_s5", "lin_ties_s13",
      "lin_zero_and_tiny_rows_s10", "lin_zero_weight_s12")
def test_oracle_layer(context, name):
    arrays = load(context, name)
    layer = BitLinear(arrays["w"], arrays.get("b"))
    x = arrays["x"].reshape(-1, layer.columns)
    if name == "lin_zero_weight_s12":  # a product of zeros has no largest
        expect((layer.codes == arrays["w_int"]).all(), "weights are zero")
        y = Module(context, layer.function("layer", len(x))).call("layer", x)
        return expect((y == arrays["y"]).all(), "results are zero")
    check_layer(Module(context, functions("layer", layer, len(x))), "layer", layer, x, arrays)


# ===- TinyMLP ----------------------------------------------------------------===


def norm_lines(gain, bias, x, y, rows):
    d = len(gain)
    return f"""  {y}.g = arith.constant {dense(gain)} : tensor<{d}xf32>
  {y}.c = arith.constant {dense(bias)} : tensor<{d}xf32>
  {y} = lm.layer_norm {x}, {y}.g, {y}.c {{epsilon = 1.0e-5 : f32}} : tensor<{rows}x{d}xf32>, tensor<{d}xf32>, tensor<{d}xf32>
"""


class TinyMLP:
    """LayerNorm(784) - BitLinear(784, 256) - ReLU - LayerNorm - BitLinear(256, 128) -
    ReLU - LayerNorm - BitLinear(128, 10)."""

    def __init__(self, layers, norms, rows):
        self.layers, self.norms, self.rows = layers, norms, rows

    def text(self):
        """Each step as a function, and `mlp`, all of them."""
        rows, text, whole = self.rows, "", ""
        for i, (layer, (gain, bias)) in enumerate(zip(self.layers, self.norms)):
            k, n = layer.columns, layer.outputs
            text += functions(f"bit{i}", layer, rows)
            text += function(f"norm{i}", rows, k, k, norm_lines(gain, bias, "%x", "%y", rows))
            whole += norm_lines(gain, bias, "%x" if i == 0 else f"%h{i}", f"%n{i}", rows)
            whole += layer.lines(f"%n{i}", "%y" if i == 2 else f"%b{i}", rows)
            if i < 2:
                relu = f"tensor<{rows}x{n}xf32>"
                text += function(f"relu{i}", rows, n, n, f"  %y = lm.activate relu %x : {relu}\n")
                whole += f"  %h{i + 1} = lm.activate relu %b{i} : {relu}\n"
        return text + function("mlp", rows, 784, 10, whole)

    def check(self, module, x, saved=lambda name: None):
        """Integers layer by layer: from the saved inputs where there are some, and
        from our own, whose chain is the whole network bit for bit."""
        np = numpy()
        h = x
        for i, layer in enumerate(self.layers):
            h = module.call(f"norm{i}", h)
            theirs = saved(f"l{3 * i + 1}_")
            if theirs:
                gain, bias = self.norms[i]
                before = x if i == 0 else theirs["before"]
                ours = module.call(f"norm{i}", before)
                error = np.abs(ours - theirs["x"]).max() / np.abs(theirs["x"]).max()
                expect(error <= 2e-6, f"layer norm {i} is off by {error:.1e} of the largest")
                check_layer(module, f"bit{i}", layer, theirs["x"], theirs)
            h = check_layer(module, f"bit{i}", layer, h)
            if i < 2:
                positive = module.call(f"relu{i}", h)
                expect((positive == np.maximum(h, 0)).all(), "relu is exact")
                h = positive
        expect((module.call("mlp", x) == h).all(), "the network is not its layers one by one")
        return h


def random_mlp(generator, rows):
    np = numpy()
    sizes = (784, 256, 128, 10)
    layers = [random_layer(generator, k, n) for k, n in zip(sizes, sizes[1:])]
    norms = [(generator.uniform(0.5, 1.5, k).astype("<f4"), generator.standard_normal(k).astype("<f4") / 8)
             for k in sizes[:3]]
    norms = [(gain, np.ascontiguousarray(bias, "<f4")) for gain, bias in norms]
    return TinyMLP(layers, norms, rows)


@each("python", "c")
def test_tinymlp(context, caller):
    np = numpy()
    generator = np.random.default_rng([SEED, 42])
    mlp = random_mlp(generator, 4)
    module = (CModule if caller == "c" else Module)(context, mlp.text())
    mlp.check(module, generator.standard_normal((4, 784)).astype("<f4"))


@each("tinymlp_s0_b1", "tinymlp_s42_b4")
def test_oracle_tinymlp(context, name):
    """PyTorch's own network, from C: equal integers in every layer, from the inputs
    that PyTorch had there."""
    np = numpy()
    arrays = load(context, name)
    layers = [BitLinear(arrays[f"l{i}_w"]) for i in (1, 4, 7)]
    norms = [(arrays[f"l{i}_ln_w"], arrays[f"l{i}_ln_b"]) for i in (0, 3, 6)]
    mlp = TinyMLP(layers, norms, len(arrays["input"]))

    def saved(prefix):
        result = {key[len(prefix):]: value for key, value in arrays.items() if key.startswith(prefix)}
        result["before"] = arrays.get(f"l{int(prefix[1]) - 2}_out")
        return result
    logits = mlp.check(CModule(context, mlp.text()), arrays["input"], saved)
    # A unit of the last place in a norm may flip a code, which moves a logit.
    error = np.abs(logits - arrays["output"]).max()
    expect(error <= 0.1, f"logits differ by {error:.2g} from PyTorch's")
