"""quant-compile --emit=gguf: what goes in comes out, as gguf-python reads it."""

import importlib.util
import json
import math

from harness import ROOT, TINY, Skip, each, expect, floats, one_line

FOLDERS = ROOT / "test" / "e2e" / "Inputs" / "huggingface"
MODEL = TINY / "llama-f32.gguf"
# ffn_down has rows of 56, no whole blocks of 32.
WHOLE_BLOCKS = "--tensors=(token_embd|output|blk.*(attn_.|attn_output|ffn_gate|ffn_up)).weight"


def reader(path):
    if not importlib.util.find_spec("gguf"):
        raise Skip("needs the Python package gguf")
    import gguf
    return gguf.GGUFReader(path)


def export(context, source, *options):
    out = context.folder / "out.gguf"
    context.run("quant-compile", source, "--emit=gguf", "-o", out, "--quiet", *options)
    return out


def pairs_of(file):
    return {key: field.contents() for key, field in file.fields.items() if not key.startswith("GGUF.")}


@each(*sorted(path.stem for path in TINY.glob("*.gguf")))
def test_bytes_are_kept(context, name):
    source, written = (reader(path) for path in (TINY / f"{name}.gguf", export(context, TINY / f"{name}.gguf")))
    expect(pairs_of(source) == pairs_of(written), "other pairs")
    for before, after in zip(source.tensors, written.tensors, strict=True):
        expect((before.name, before.tensor_type, list(before.shape)) == (after.name, after.tensor_type, list(after.shape)),
               f"expected {before.name}, but got {after.name} of {after.tensor_type.name}")
        expect(before.data.tobytes() == after.data.tobytes(), f"other bytes of {before.name}")


def test_rounded(context):
    """Matrices that the expression names are rounded, the others and the vectors keep their bytes."""
    import numpy
    source, written = reader(MODEL), reader(export(context, MODEL, "--scheme=Q8_0", "--tensors=blk.*attn_[qk].*"))
    import gguf
    for before, after in zip(source.tensors, written.tensors, strict=True):
        rounded = before.name.endswith(("attn_q.weight", "attn_k.weight"))
        expect(after.tensor_type.name == ("Q8_0" if rounded else "F32"), f"{after.name}: {after.tensor_type.name}")
        if not rounded:
            expect(before.data.tobytes() == after.data.tobytes(), f"other bytes of {before.name}")
            continue
        values = gguf.quants.dequantize(after.data, after.tensor_type)
        scales = numpy.abs(before.data.reshape(-1, 32)).max(axis=1) / 127
        worst = (numpy.abs(values - before.data).reshape(-1, 32).max(axis=1) / scales).max()
        expect(worst < 0.57, f"{before.name}: {worst:.3f} steps away")  # half a step, and the scale's own rounding
    expect(pairs_of(written)["general.quantization_version"] == 2, "no general.quantization_version")


@each("F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "IQ4_NL", "MXFP4")
def test_as_the_module(context, scheme):
    """The file means what a module of the same scheme computes with."""
    options = (f"--scheme={scheme}", WHOLE_BLOCKS)
    out = export(context, MODEL, *options)
    (context.folder / "prompts.txt").write_text("<t3><t5><t7>\n<t1>\n")
    logits = []
    for module in (context.module(MODEL, *options, "--activations=f32"), context.folder / "out.so"):
        if not module.exists():
            context.run("quant-compile", out, "-o", module, "--activations=f32", "--quiet")
        context.run("quant-eval", module, "--prompts", "prompts.txt", "--logits", "logits.f32")
        logits.append(list(floats(context.folder / "logits.f32")))
    expect(logits[0] == logits[1], "other logits")
    kinds = {tensor.tensor_type.name for tensor in reader(out).tensors
             if len(tensor.shape) > 1 and "ffn_down" not in tensor.name}
    expect(kinds == {scheme}, f"expected {scheme} alone, but got {kinds}")


def test_sqnr_of_weights(context):
    """quant-eval --sqnr, beside numpy on what gguf-python dequantizes."""
    import gguf
    import numpy
    written = {tensor.name: tensor for tensor in reader(export(context, MODEL, "--scheme=Q4_1", WHOLE_BLOCKS)).tensors}
    answer = json.loads(context.run("quant-eval", context.module(MODEL, "--scheme=Q4_1", WHOLE_BLOCKS), "--against",
                                    context.module(MODEL, "--activations=f32"), "--sqnr", "-o", "json"))
    got = {weight["name"]: weight for weight in answer["weights"]}
    matrices = [tensor for tensor in reader(MODEL).tensors if len(tensor.shape) > 1 and "ffn_down" not in tensor.name]
    expect(matrices and len(got) == len(written), f"expected {len(written)} weights, but got {len(got)}")
    for before in matrices:
        after = written[before.name]
        reference = before.data.astype(numpy.float64)
        values = gguf.quants.dequantize(after.data, after.tensor_type).astype(numpy.float64)
        sqnr = 10 * math.log10((reference ** 2).sum() / ((reference - values) ** 2).sum())
        cosine = (reference * values).sum() / math.sqrt((reference ** 2).sum() * (values ** 2).sum())
        expect(abs(got[before.name]["sqnr_db"] - sqnr) < 1e-5, f"{before.name}: {got[before.name]}, expected {sqnr} dB")
        expect(abs(got[before.name]["cosine"] - cosine) < 1e-9, f"{before.name}: {got[before.name]}, expected {cosine}")


@each(*sorted(path.name for path in FOLDERS.iterdir()))
def test_folders(context, name):
    """A Hugging Face folder and its export compute the same."""
    folder = FOLDERS / name
    out = export(context, folder)
    logits = []
    for source in (folder, out):
        context.run("quant-eval", source, "--activations=f32", "--kv=f32", "--ids", folder / "prompts.txt",
                    "--logits", "logits.f32")
        logits.append(list(floats(context.folder / "logits.f32")))
    largest = max(map(abs, logits[0]))
    worst = max(abs(a - b) for a, b in zip(*logits, strict=True)) / largest
    expect(worst < 1e-5, f"logits differ by {worst:.2e} of the largest")


def test_vectors_of_bf16_become_f32(context):
    """llama.cpp cannot multiply by them."""
    import gguf
    import numpy
    model, vectors = reader(MODEL), {}
    writer = gguf.GGUFWriter(context.folder / "bf16.gguf", "llama")
    for key, field in model.fields.items():
        if not key.startswith("GGUF.") and key != "general.architecture":
            writer.add_key_value(key, field.contents(), field.types[0], field.types[-1] if len(field.types) > 1 else None)
    for tensor in model.tensors:
        if len(tensor.shape) == 1:
            vectors[tensor.name] = gguf.quants.quantize(numpy.array(tensor.data), gguf.GGMLQuantizationType.BF16)
            writer.add_tensor(tensor.name, vectors[tensor.name], raw_dtype=gguf.GGMLQuantizationType.BF16)
        else:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    written = {tensor.name: tensor for tensor in reader(export(context, context.folder / "bf16.gguf")).tensors}
    expect(len(vectors) == 5, f"expected 5 vectors, but got {list(vectors)}")
    for name, bits in vectors.items():
        values = gguf.quants.dequantize(bits, gguf.GGMLQuantizationType.BF16)
        expect(written[name].tensor_type.name == "F32", f"{name} is {written[name].tensor_type.name}")
        expect((written[name].data == values).all(), f"other values of {name}")


def test_random_model(context):
    (context.folder / "shape.json").write_text(json.dumps({
        "model_type": "llama", "hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4,
        "num_key_value_heads": 2, "intermediate_size": 96, "vocab_size": 40}))
    out = context.folder / "out.gguf"
    context.run("quant-compile", "--shape=shape.json", "--scheme=Q4_0", "--emit=gguf", "-o", out, "--quiet")
    expect({tensor.tensor_type.name for tensor in reader(out).tensors} == {"Q4_0", "F32"}, "other types")


BAD = {
    "no-such-type": (["--scheme=u4, group 16 scale f16"], ("token_embd.weight", "u4, group 16", "--scheme=Q4_0")),
    "parts-of-blocks": (["--scheme=Q4_K"], ("token_embd.weight", "rows of 32", "blocks of 256")),
    "no-tensor": (["--scheme=Q4_0", "--tensors=nothing"], ("nothing",)),
}


@each(*BAD)
def test_bad_export(context, name):
    options, parts = BAD[name]
    result = context.attempt("quant-compile", MODEL, "--emit=gguf", "-o", context.folder / "out.gguf", *options)
    line = one_line(result, "quant-compile")
    for part in parts:
        expect(part in line, f"expected '{part}' in {line!r}")
    expect(not list(context.folder.iterdir()), f"left behind: {list(context.folder.iterdir())}")


def test_output_is_the_input(context):
    copy = context.folder / "model.gguf"
    copy.write_bytes(MODEL.read_bytes())
    line = one_line(context.attempt("quant-compile", copy, "--emit=gguf", "-o", copy), "quant-compile")
    expect("is the input" in line, line)
    expect(copy.read_bytes() == MODEL.read_bytes(), "the input has changed")


def test_ir_has_no_weights(context):
    (context.folder / "f.mlir").write_text("func.func @f(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {\n"
                                           "  return %x : tensor<2x8xf32>\n}\n")
    line = one_line(context.attempt("quant-compile", "f.mlir", "--emit=gguf", "-o", "x.gguf"), "quant-compile")
    expect("--emit=gguf" in line, line)
