"""ONNX graphs as ONNX Runtime's quantizers write them (scripts/make-onnx-models):
compiled, called, and compared with what ONNX Runtime makes of them."""

from cases.functions import numpy
from harness import ROOT, cpu_levels, each, expect

MODELS = ROOT / "test" / "e2e" / "Inputs" / "onnx"
# What rounds activations at its end: equal integers, so equal reals.
STATIC = ("static", "static-u8-channels", "static-u8-u8")
REALS = ("mlp", "gemm", "dynamic", "dynamic-channels", "dynamic-u8", "nbits4", "nbits4-zeros", "nbits8-zeros",
         "blocks4", "blocks4-zeros", "operators", "static-gemm", "encoder", "encoder-causal", "encoder-fused",
         "encoder-nbits4")
LAYERS = ("nbits4-layer", "nbits4-zeros-layer", "nbits8-zeros-layer", "blocks4-layer", "blocks4-zeros-layer")


def call(context, name, level, rows=None, activations="f32"):
    """y of the module and y of ONNX Runtime, in f64."""
    np = numpy()
    saved = np.load(MODELS / f"{name}.npz")
    x = saved["x"]
    # A sequence is rows of the model, a picture is flattened by it.
    x = x[0] if x.shape[0] == 1 else x[:rows].reshape(len(x[:rows]), -1)
    np.save(context.folder / "x.npy", x)
    context.run("quant-compile", MODELS / f"{name}.onnx", "-o", "model.so", "--quiet", f"--rows={len(x)}",
                f"--activations={activations}")
    context.run("quant-run", "model.so", "--call=forward", "--input", "x.npy", "--output", "y.npy", level=level)
    y = np.load(context.folder / "y.npy").astype(float)
    return y, saved["y"].astype(float).reshape(-1, y.shape[1])


@each(*((name, level) for name in STATIC for level in cpu_levels("f32")))
def test_static(context, name, level):
    ours, theirs = call(context, name, level)
    expect((ours == theirs).all(), f"{(ours != theirs).sum()} of {theirs.size} codes differ")


@each(*((name, level) for name in REALS for level in cpu_levels("f32")))
def test_reals(context, name, level):
    """Sums in another order: within 1e-6 of the largest result."""
    np = numpy()
    ours, theirs = call(context, name, level)
    error = np.abs(ours - theirs).max() / np.abs(theirs).max()
    expect(error < 1e-6, f"off by {error:.2e} of the largest result")


@each(*LAYERS)
def test_weights(context, name):
    """A layer of the identity is its weight: equal to the bit. A product with zero
    points is S c - S z in place of S (c - z) (docs/Numerics.md, N3): two roundings of
    numbers below 15 S, where a code that is off would be off by S."""
    np = numpy()
    ours, theirs = call(context, name, None)
    if "zeros" not in name:
        expect((ours == theirs).all(), f"{(ours != theirs).sum()} of {theirs.size} weights differ")
        return
    for k in range(0, len(theirs), 32):
        group = theirs[k:k + 32]
        bound = 2.0 ** -20 * np.maximum(np.ptp(group, axis=0), np.abs(group).max(0))
        error = np.abs(ours[k:k + 32] - group)
        expect((error <= bound).all(), f"off by {(error / bound).max():.2f} of the bound")


def test_one_row(context):
    """Kernels of decoding; activations that the graph does not round are the
    compiler's to round."""
    np = numpy()
    ours, theirs = call(context, "nbits4", None, rows=1)
    expect(np.abs(ours - theirs[:1]).max() < 1e-6 * np.abs(theirs).max(), "one row gives another result")
    rounded, _ = call(context, "nbits4", None, rows=1, activations="int8")
    error = np.abs(rounded - ours).max() / np.abs(ours).max()
    expect(0 < error < 0.02, f"with activations of int8 off by {error:.1e}")
    # The graph's own rounding stays as it is.
    ours, theirs = call(context, "static", None, rows=1, activations="int8")
    expect((ours == theirs[:1]).all(), "--activations changes a graph that rounds its activations")


def test_several_rows(context):
    """A function for each number of rows."""
    np = numpy()
    context.run("quant-compile", MODELS / "mlp.onnx", "-o", "model.so", "--quiet", "--rows=1,5")
    saved = np.load(MODELS / "mlp.npz")
    for rows in (1, 5):
        np.save(context.folder / "x.npy", saved["x"][:rows])
        context.run("quant-run", "model.so", f"--call=forward.rows{rows}", "--input", "x.npy", "--output", "y.npy")
        error = np.abs(np.load(context.folder / "y.npy") - saved["y"][:rows]).max()
        expect(error < 1e-6 * np.abs(saved["y"]).max(), f"off by {error:.2e} with {rows} rows")
