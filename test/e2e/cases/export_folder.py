"""--emit=compressed-tensors: what is imported is written again bit for bit, and
what it writes is imported again bit for bit."""

import json

from cases.checkpoints import make, make_floats, scheme
from harness import Skip, each, expect, one_line


def tensors_of(folder):
    """name -> (dtype, shape, bytes)"""
    data = (folder / "model.safetensors").read_bytes()
    length = int.from_bytes(data[:8], "little")
    result = {}
    for name, tensor in json.loads(data[8 : 8 + length]).items():
        if name != "__metadata__":
            begin, end = (8 + length + offset for offset in tensor["data_offsets"])
            result[name] = tensor["dtype"], tensor["shape"], data[begin:end]
    return result


def export(context, source, out, *options):
    context.run("quant-compile", context.folder / source, "--emit=compressed-tensors", "-o", context.folder / out,
                "--quiet", *options)
    return context.folder / out


def expect_same(ours, expected, ignored=()):
    expect(set(ours) == {name for name in expected if not name.endswith(ignored)},
           f"other tensors: {sorted(set(ours) ^ set(expected))[:4]}")
    for name, tensor in ours.items():
        expect(tensor == expected[name], f"{name} differs")


@each(("pack_quantized", False), ("pack_quantized", True), ("int_quantized", False), ("int_quantized", True))
def test_integers_come_back(context, layout, asymmetric):
    """Files of several config groups are written as they were."""
    schemes = [scheme(8, 0, asymmetric, "F32")] if layout == "int_quantized" else [
        scheme(bits, group, asymmetric, scale) for bits, group, scale in
        ((2, 32, "F16"), (3, 16, "BF16"), (4, 32, "F32"), (5, 0, "F16"), (7, 32, "F16"), (8, 16, "F32"))]
    make(context, layout, *schemes)
    out = export(context, "quantized", "again")
    expect_same(tensors_of(out), tensors_of(context.folder / "quantized"))


@each("channel", "tensor", "mxfp4")
def test_small_floats_come_back(context, layout):
    make_floats(context, [layout])
    out = export(context, "quantized", "again")
    expect_same(tensors_of(out), tensors_of(context.folder / "quantized"))


def test_nvfp4_comes_back(context):
    """But for what was measured of activations, which nobody here keeps; a
    divisor may be another one with the same inverse."""
    make_floats(context, ["nvfp4"])
    ignored = ("input_global_scale", "weight_global_scale")
    once = tensors_of(export(context, "quantized", "once"))
    ours = {name: tensor for name, tensor in once.items() if not name.endswith(ignored)}
    expect_same(ours, tensors_of(context.folder / "quantized"), ignored)
    expect_same(tensors_of(export(context, "once", "twice")), once)


def test_rounded(context):
    """Rounded to Q4_0, then written as a folder or as GGUF: the same bytes."""
    make(context, "int_quantized", scheme(8, 0, False, "F32"))
    rounded = ["--scheme=Q4_0", "--tensors=blk.*"]
    folder = export(context, "float", "folder", *rounded)
    config = json.loads((folder / "config.json").read_text())["quantization_config"]
    expect(config["format"] == "pack-quantized" and config["ignore"] == ["lm_head"], config)
    for source, options, out in ((folder, [], "theirs.gguf"), (context.folder / "float", rounded, "ours.gguf")):
        context.run("quant-compile", source, "--emit=gguf", *options, "-o", context.folder / out, "--quiet")
    try:
        import gguf
    except ImportError:
        raise Skip("needs the Python package gguf")
    ours, theirs = ({tensor.name: tensor.data.tobytes() for tensor in gguf.GGUFReader(context.folder / name).tensors}
                    for name in ("ours.gguf", "theirs.gguf"))
    expect(ours == theirs, "other weights")


def test_refused(context):
    make(context, "gptq", scheme(4, 32, False, "F16", "gptq", ordered=True))
    out = context.folder / "out"

    def refuse(part, source, *options):
        line = one_line(context.attempt("quant-compile", context.folder / source, "--emit=compressed-tensors",
                                        "-o", out, *options), "quant-compile")
        expect(part in line, line)
        expect(not out.exists() and not list(context.folder.glob("out.*")), "something is left behind")
    refuse("has its columns in another order", "quantized")
    refuse("no matrix is in low bits", "float")
    refuse("which compressed-tensors cannot say", "float", "--scheme=Q4_1", "--tensors=blk.*")
    refuse("has the scheme 'u4 offset 8, group 64 scale f16' in rows of 96", "float",
           "--scheme=u4 offset 8, group 64 scale f16", "--tensors=blk.*")
    context.run("quant-compile", context.folder / "float", "--emit=gguf", "-o", context.folder / "m.gguf", "--quiet")
    refuse("needs the folder of a Hugging Face model", "m.gguf")
    export(context, "float", "out", "--scheme=Q4_0", "--tensors=blk.*")
    line = one_line(context.attempt("quant-compile", context.folder / "float", "--emit=compressed-tensors", "-o", out,
                                    "--scheme=Q4_0", "--tensors=blk.*"), "quant-compile")
    expect("is there already" in line, line)
