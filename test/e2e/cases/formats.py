"""Types of GGUF that no tiny model has: random blocks, beside what gguf-python makes of them."""

import importlib.util
import json
import random

from harness import Skip, each, expect, floats

SHAPE = {"model_type": "llama", "hidden_size": 256, "num_hidden_layers": 1, "num_attention_heads": 4,
         "num_key_value_heads": 2, "intermediate_size": 512, "vocab_size": 40}


def random_blocks(format, rows, columns, source):
    """Any bits, but for scales: small ones, so that logits are numbers."""
    import numpy
    from gguf.constants import GGML_QUANT_SIZES
    length, size = GGML_QUANT_SIZES[format]
    blocks = source.integers(0, 256, (rows * columns // length, size), dtype=numpy.uint8)
    scale = source.integers(0, 256, (len(blocks), 2), dtype=numpy.uint8)
    scale[:, 1] = 0x08 + scale[:, 1] % 8  # about 2^-13
    if format.name in ("Q1_0", "Q2_0"):
        scale[:, 1] += 0x14
    if format.name == "NVFP4":
        blocks[:, :4] = 0x08 + blocks[:, :4] % 16
    elif format.name == "IQ1_M":  # nibbles of its scale lie above those of the groups
        nibbles = numpy.stack([scale[:, 0] & 15, scale[:, 0] >> 4, scale[:, 1] & 15, 1 + scale[:, 1] * 0], axis=1)
        blocks[:, 49:56:2] = blocks[:, 49:56:2] & 15 | nibbles << 4
    else:
        blocks[:, :2] = scale
    return blocks.reshape(rows, -1)


def dequantize(blocks, format):
    import gguf
    import numpy
    if format.name != "Q1_0":
        return gguf.quants.dequantize(blocks, format)
    pairs = blocks.reshape(-1, 18)  # this one gguf-python only writes
    scales = pairs[:, :2].copy().view(numpy.float16).astype(numpy.float32)
    bits = numpy.unpackbits(pairs[:, 2:], axis=1, bitorder="little").astype(numpy.float32)
    return (scales * (2 * bits - 1)).reshape(len(blocks), -1)


def write(path, model, tensors):
    """`model` with other tensors: name -> (bytes or floats, type)."""
    import gguf
    writer = gguf.GGUFWriter(path, model.fields["general.architecture"].contents())
    for key, field in model.fields.items():
        if not key.startswith("GGUF.") and key != "general.architecture":
            writer.add_key_value(key, field.contents(), field.types[0], field.types[-1] if len(field.types) > 1 else None)
    for tensor in model.tensors:
        data, kind = tensors.get(tensor.name, (tensor.data, tensor.tensor_type))
        writer.add_tensor(tensor.name, data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@each("NVFP4", "Q1_0", "IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S")
def test_as_gguf_python_reads_it(context, name):
    """Every weight is what gguf-python makes of its bits; an export keeps them."""
    if not importlib.util.find_spec("gguf") or not importlib.util.find_spec("numpy"):
        raise Skip("needs the Python packages gguf and numpy")
    import gguf
    import numpy
    if not hasattr(gguf.GGMLQuantizationType, name):
        raise Skip(f"this gguf-python has no {name}")
    format, source = gguf.GGMLQuantizationType[name], numpy.random.default_rng(random.Random(name).randrange(1 << 30))
    (context.folder / "shape.json").write_text(json.dumps(SHAPE))
    context.run("quant-compile", "--shape=shape.json", "--scheme=F32", "--emit=gguf", "-o", "plain.gguf", "--quiet")
    model = gguf.GGUFReader(context.folder / "plain.gguf")
    packed, reals = {}, {}
    for tensor in model.tensors:
        if tensor.name.startswith("blk.") and len(tensor.shape) == 2:
            columns, rows = map(int, tensor.shape)
            blocks = random_blocks(format, rows, columns, source)
            packed[tensor.name] = blocks, format
            reals[tensor.name] = dequantize(blocks, format), gguf.GGMLQuantizationType.F32
    expect(len(packed) == 7, f"expected 7 matrices, but got {list(packed)}")
    modules = []
    for file, tensors in (("packed", packed), ("reals", reals)):
        write(context.folder / f"{file}.gguf", model, tensors)
        modules.append(context.folder / f"{file}.so")
        context.run("quant-compile", f"{file}.gguf", "-o", modules[-1], "--activations=f32", "--target-cpu=avx2", "--quiet")
    answer = context.run("quant-eval", modules[0], "--against", modules[1], "--sqnr", "-o", "json")
    weights = {weight["name"]: weight for weight in json.loads(answer)["weights"]}
    for matrix in packed:
        expect(weights[matrix]["max_error"] == 0, f"{matrix}: {weights[matrix]}")
    context.run("quant-compile", "packed.gguf", "--emit=gguf", "-o", "again.gguf", "--quiet")
    for before, after in zip(gguf.GGUFReader(context.folder / "packed.gguf").tensors,
                             gguf.GGUFReader(context.folder / "again.gguf").tensors, strict=True):
        expect(before.data.tobytes() == after.data.tobytes(), f"other bytes of {before.name}")
