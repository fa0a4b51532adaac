"""Functions from .mlir: a linear layer of 784 -> 256 at 4 bits, in groups of 32
(so each row ends with a tail of 16), called from Python and from C."""

import shutil

from harness import TINY, Skip, cpu_levels, each, expect
from cases.install import installed

ROWS, COLUMNS, OUTPUTS, GROUP = 3, 784, 256, 32


def numpy():
    try:
        import numpy
    except ImportError:
        raise Skip("needs the Python package numpy")
    return numpy


def dense(array):
    return f'dense<"0x{array.tobytes().hex().upper()}">'


def make_weights(generator, permuted):
    """Weights as stored, the columns in which they are, and the IR that defines %w
    of type !weight. Each group holds the code -8 and its scale is a power of two,
    so rounding changes nothing."""
    np = numpy()
    codes = generator.integers(-8, 8, (OUTPUTS, COLUMNS))
    codes[:, ::GROUP] = -8
    scales = 2.0 ** generator.integers(-8, -3, (OUTPUTS, -(-COLUMNS // GROUP)))
    stored = (codes * np.repeat(scales, GROUP, 1)[:, :COLUMNS]).astype("<f4")
    reals, columns = f"tensor<{OUTPUTS}x{COLUMNS}xf32>", f"tensor<{COLUMNS}xi32>"
    if not permuted:
        return stored, np.arange(COLUMNS), f"""
  %reals = arith.constant {dense(stored)} : {reals}
  %w = lowbit.quantize %reals : {reals} -> !weight"""
    order = generator.permutation(COLUMNS).astype("<i4")
    matrix = np.empty_like(stored)
    matrix[:, order] = stored
    return stored, order, f"""
  %reals = arith.constant {dense(matrix)} : {reals}
  %p = arith.constant {dense(order)} : {columns}
  %w = lowbit.quantize %reals permuted %p : {reals}, {columns} -> !weight"""


def weight_type(permuted):
    return (f"!weight = !lowbit.tensor<{OUTPUTS}x{COLUMNS}, #lowbit.scheme<u4 offset 8, group {GROUP} scale f16>"
            f"{', permuted' if permuted else ''}>")


def make_layer(context, permuted=False):
    """layer.mlir, x.npy; gives x, the weights and the bias, columns in the order in
    which the weights are stored."""
    np = numpy()
    generator = np.random.default_rng(784)
    weights, order, definition = make_weights(generator, permuted)
    bias = generator.standard_normal(OUTPUTS).astype("<f4")
    x = generator.standard_normal((ROWS, COLUMNS)).astype("<f4")
    (context.folder / "layer.mlir").write_text(f"""
{weight_type(permuted)}
func.func @layer(%x: tensor<{ROWS}x{COLUMNS}xf32>) -> tensor<{ROWS}x{OUTPUTS}xf32> {{
{definition}
  %b = arith.constant {dense(bias)} : tensor<{OUTPUTS}xf32>
  %y = lm.linear %x, %w bias %b : tensor<{ROWS}x{COLUMNS}xf32>, !weight, tensor<{OUTPUTS}xf32>
     -> tensor<{ROWS}x{OUTPUTS}xf32>
  return %y : tensor<{ROWS}x{OUTPUTS}xf32>
}}
""")
    np.save(context.folder / "x.npy", x)
    return x[:, order].astype(float), weights.astype(float), bias.astype(float)


def compile_layer(context, activations):
    context.run("quant-compile", "layer.mlir", "-o", "layer.so", "--emit-header=layer.h", "--quiet",
                f"--activations={activations}")
    return context.folder / "layer.so"


def check_layer(y, activations, x, weights, bias):
    """Compares with numpy in f64, within the bound of docs/Numerics.md, N3."""
    np = numpy()
    if activations == "bf16":
        bits = x.astype("f4").view("u4")
        x = ((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000).view("f4").astype(float)
    error = np.abs(y - (x @ weights.T + bias))
    # One rounding for each term and each sum of a group, on the sum of sizes.
    bound = 2.0 ** -24 * (COLUMNS + 2) * (np.abs(x) @ np.abs(weights).T + np.abs(bias))
    if activations == "int8":
        # Half a step of each activation: the largest of its group / 127 / 2.
        padded = np.zeros((ROWS, -(-COLUMNS // GROUP) * GROUP))
        padded[:, :COLUMNS] = np.abs(x)
        step = np.repeat(padded.reshape(ROWS, -1, GROUP).max(2) / 127, GROUP, 1)[:, :COLUMNS]
        bound += 0.501 * step @ np.abs(weights).T
    worst = (error / bound).max()
    expect(worst <= 1, f"largest error is {worst:.2f} of the bound")


@each(*((activations, level, order) for activations in ("f32", "int8", "bf16")
        for level in cpu_levels(activations) for order in ("ordered", "permuted")))
def test_layer(context, activations, level, order):
    np = numpy()
    x, weights, bias = make_layer(context, order == "permuted")
    module = compile_layer(context, activations)
    context.run("quant-run", module, "--call=layer", "--input", "x.npy", "--output", "y.npy", level=level)
    check_layer(np.load(context.folder / "y.npy"), activations, x, weights, bias)


def test_permuted_table(context):
    """An embedding gives the columns in their own order."""
    np = numpy()
    weights, order, definition = make_weights(np.random.default_rng(16), permuted=True)
    (context.folder / "table.mlir").write_text(f"""
{weight_type(True)}
func.func @rows(%tokens: tensor<{ROWS}xi32>) -> tensor<{ROWS}x{COLUMNS}xf32> {{
{definition}
  %y = lm.embed %tokens, %w : tensor<{ROWS}xi32>, !weight -> tensor<{ROWS}x{COLUMNS}xf32>
  return %y : tensor<{ROWS}x{COLUMNS}xf32>
}}
""")
    tokens = np.array([OUTPUTS - 1, 0, 17], "<i4")
    np.save(context.folder / "tokens.npy", tokens)
    module = context.module(context.folder / "table.mlir")
    context.run("quant-run", module, "--call=rows", "--input", "tokens.npy", "--output", "y.npy")
    rows = np.load(context.folder / "y.npy")
    expect((rows[:, order] == weights[tokens]).all(), "the rows are not the table's")


PROGRAM = r"""
#include "layer.h"
#include <stdio.h>
int main(int argc, char **argv) {
  static float x[%d], y[%d];
  qrt_model *model = NULL;
  FILE *in = fopen("x.f32", "rb");
  (void)argv;
  if (argc > 2 || !in || fread(x, sizeof x, 1, in) != 1 || LOAD || layer(model, x, y)) {
    fprintf(stderr, "%%s\n", qrt_last_error());
    return 1;
  }
  return fwrite(y, sizeof y, 1, stdout) != 1;
}
"""


def build_caller(context, load, *objects):
    """main, compiled against layer.h; -std=c99 has what a header may use."""
    prefix = installed(context)
    (context.folder / "main.c").write_text(PROGRAM % (ROWS * COLUMNS, ROWS * OUTPUTS))
    context.run(shutil.which("gcc"), "-std=c99", "-Wall", "-Wextra", "-Werror", f"-DLOAD={load}", "-I.",
                f"-I{prefix}/include", "main.c", *objects, "-o", "main", f"-L{prefix}/lib", "-lquantrt",
                f"-Wl,-rpath,{prefix}/lib")
    return context.folder / "main"


@each("f32", "int8")
def test_layer_from_c(context, activations):
    """--emit-header, gcc, libquantrt: what numpy says, and the same bytes as
    quant-run --call; from a module beside the program, and from one inside."""
    np = numpy()
    x, weights, bias = make_layer(context)
    x.astype("<f4").tofile(context.folder / "x.f32")
    module = compile_layer(context, activations)
    context.run("quant-run", module, "--call=layer", "--input", "x.npy", "--output", "y.npy")
    called = np.load(context.folder / "y.npy")
    ours = context.run(build_caller(context, "qrt_load(argv[1], NULL, &model)"), module, text=False)
    check_layer(np.frombuffer(ours, "<f4").reshape(ROWS, OUTPUTS), activations, x, weights, bias)
    expect(ours == called.tobytes(), "C and quant-run give different numbers")
    context.run("quant-compile", "layer.mlir", "-o", "layer.o", "--emit=obj", "--emit-header=layer.h", "--quiet",
                f"--activations={activations}")
    inside = context.run(build_caller(context, "qrt_load_static(&layer_module, NULL, &model)", "layer.o"), text=False)
    expect(inside == ours, "the object gives other numbers than the shared object")


def test_header_of_another_module(context):
    """A module without the function: one line, no call."""
    make_layer(context)
    compile_layer(context, "f32")
    numpy().zeros((ROWS, COLUMNS), "<f4").tofile(context.folder / "x.f32")
    main = build_caller(context, "qrt_load(argv[1], NULL, &model)")
    result = context.attempt(main, context.module(TINY / "llama-q4_1.gguf"))
    expect(result.returncode == 1 and "no function" in result.stderr and len(result.stderr.splitlines()) == 1,
           f"expected one line about the function, but got {result.stderr!r}")


def test_call_with_other_shapes(context):
    """One line that says what was expected."""
    np = numpy()
    make_layer(context)
    module = compile_layer(context, "int8")
    np.save(context.folder / "z.npy", np.zeros((ROWS, COLUMNS + 1), "<f4"))
    result = context.attempt("quant-run", module, "--call=layer", "--input", "z.npy", "--output", "y.npy")
    expect(result.returncode == 1 and "float32[3, 784]" in result.stderr and len(result.stderr.splitlines()) == 1,
           f"expected one line with the input's type, but got {result.stderr!r}")
