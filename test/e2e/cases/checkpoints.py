"""Quantized checkpoints of Hugging Face folders: the logits of the floats that
they stand for, and the very bits."""

import json

import tiny_models
from cases.huggingface import expect_near, logits_of
from harness import Skip, each, expect, one_line

PROMPTS = [[1], [3, 30], [36, 2, 5, 5, 0, 17, 9], list(range(25))]


def make(context, layout, *schemes, **more):
    try:
        import quantized_checkpoints
    except ImportError:
        raise Skip("needs the Python package numpy")
    return quantized_checkpoints.make_pair(context.folder, layout, schemes, seed=7, **more)


def make_floats(context, layouts):
    try:
        import quantized_checkpoints
    except ImportError:
        raise Skip("needs the Python package numpy")
    quantized_checkpoints.make_float_pair(context.folder, layouts, seed=11)


def scheme(bits, group, asymmetric, scale, format="", ordered=False):
    return {"bits": bits, "group": group, "asymmetric": asymmetric, "scale": scale, "format": format,
            "ordered": ordered}


def expect_floats(context):
    expected = logits_of(context, context.folder / "float", PROMPTS, *tiny_models.EXACT)
    ours = logits_of(context, context.folder / "quantized", PROMPTS, *tiny_models.EXACT)
    expect(max(map(abs, expected)) > 1, "the model says nothing")
    expect_near(ours, expected)


@each(False, True)
def test_pack_quantized(context, asymmetric):
    """Each layer of another width and group, which several config groups say."""
    make(context, "pack_quantized", *(scheme(bits, group, asymmetric, scale) for bits, group, scale in
         ((2, 32, "F16"), (3, 16, "BF16"), (4, 32, "BF16"), (4, 0, "F32"), (5, 64, "F16"), (6, 24, "F32"),
          (7, 16, "F16"), (8, 0, "BF16"), (8, 32, "F32"))))
    expect_floats(context)


def test_pack_quantized_before_020(context):
    """Codes did not cross words."""
    make(context, "gapped", *(scheme(bits, 32, True, "F16") for bits in (3, 5, 6, 7)))
    expect_floats(context)


@each(False, True)
def test_int_quantized(context, asymmetric):
    make(context, "int_quantized", scheme(8, 0, asymmetric, "F32"))
    expect_floats(context)


@each((2, "gptq", True), (3, "gptq_v2", True), (4, "gptq", False), (8, "gptq", True))
def test_gptq(context, bits, format, asymmetric):
    make(context, "gptq", scheme(bits, 32, asymmetric, "F16", format))
    expect_floats(context)


@each((4, "gptq", False), (3, "gptq_v2", True))
def test_gptq_activation_order(context, bits, format, asymmetric):
    """g_idx puts columns into groups in any order."""
    make(context, "gptq", scheme(bits, 32, asymmetric, "F16", format, ordered=True))
    expect_floats(context)
    # Layers of one order share a constant.
    ir = context.run("quant-compile", context.folder / "quantized", "--stop-after=import")
    for columns in (64, 96):
        expect(ir.count(f"> : tensor<{columns}xi32>\n") == 1, f"not one order of {columns} columns")


def test_pack_quantized_activation_order(context):
    make(context, "pack_quantized", *(scheme(bits, 32, True, "F16", ordered=True) for bits in (4, 8)))
    expect_floats(context)


def test_activation_order_is_no_gguf(context):
    make(context, "gptq", scheme(4, 32, False, "F16", "gptq", ordered=True))
    line = one_line(context.attempt("quant-compile", context.folder / "quantized", "--emit=gguf", "-o", "m.gguf"),
                    "quant-compile")
    expect("has its columns in another order" in line, line)
    context.run("quant-compile", context.folder / "quantized", "--emit=gguf", "--scheme=F32", "--tensors=blk.*",
                "-o", "m.gguf", "--quiet")
    expected = logits_of(context, context.folder / "float", PROMPTS, *tiny_models.EXACT)
    expect_near(logits_of(context, "m.gguf", PROMPTS, *tiny_models.EXACT), expected)


@each(("fp8",), ("tensor", "mxfp8", "nvfp4", "mxfp4"), ("channel", "nvfp4", "mxfp4", "block"))
def test_small_floats(context, *layouts):
    """Layers of several groups: what a layout of its own would show takes a minute each, for code of 8-bit floats is large."""
    make_floats(context, layouts)
    expect_floats(context)


def test_awq(context):
    make(context, "awq", scheme(4, 32, True, "F16"))
    expect_floats(context)


def test_fused_layers(context):
    make(context, "pack_quantized", scheme(4, 32, True, "F16"), model_type="phi3")
    expect_floats(context)


@each("pack_quantized", "gptq")
def test_bits(context, layout):
    """4 bits in groups of 32 with f16 scales are GGUF's Q4_0: its bytes."""
    known = make(context, layout, scheme(4, 32, False, "F16", "gptq"))
    try:
        import gguf
        import numpy as np
    except ImportError:
        raise Skip("needs the Python packages gguf and numpy")
    context.run("quant-compile", context.folder / "quantized", "--emit=gguf", "-o", "out.gguf", "--quiet")
    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(context.folder / "out.gguf").tensors}
    index = np.arange(16)
    paired = (np.arange(4)[:, None] * 16 + index % 2 * 8 + index // 2).reshape(-1)  # rows as GGUF has them
    for ours, theirs, order in (("attn_q", "self_attn.q_proj", paired), ("ffn_down", "mlp.down_proj", slice(None))):
        ours = "blk.0." + ours
        q, scales = (array[order] for array in known["model.layers.0." + theirs][:2])
        blocks = q.reshape(len(q), -1, 32).astype("u1")
        nibbles = blocks[:, :, :16] | blocks[:, :, 16:] << 4
        expected = np.concatenate([scales[:, :, None].view("u1"), nibbles], axis=2)
        tensor = tensors[ours + ".weight"]
        expect(tensor.tensor_type == gguf.GGMLQuantizationType.Q4_0, f"{ours} is {tensor.tensor_type}")
        expect(tensor.data.tobytes() == expected.tobytes(), f"{ours} has other bits")


def test_bad_quantization(context):
    make(context, "pack_quantized", scheme(4, 32, False, "F16"))
    file = context.folder / "quantized" / "config.json"
    config = json.loads(file.read_text())
    config["quantization_config"]["config_groups"]["group_0"]["weights"]["num_bits"] = 5
    file.write_text(json.dumps(config))
    line = one_line(context.attempt("quant-compile", context.folder / "quantized", "-o", "m.so"), "quant-compile")
    expect("weight_packed' has 8 words for 64 codes of 5 bits, expected 10" in line, line)
