"""Folders as BitNet's and TorchAO's own tools save them: the logits that these
tools computed (scripts/make-quantized-folders), the trained model's figures, and
folders that say something wrong."""

import json
import re
import shutil

import tiny_models
from cases.checkpoints import expect_floats, scheme
from cases.huggingface import expect_near, logits_of, read_safetensors
from harness import ROOT, Skip, cpu_levels, each, expect, floats, one_line

FOLDERS = ROOT / "test" / "e2e" / "Inputs" / "quantized"
NAMES = sorted(path.name for path in FOLDERS.iterdir())


def prompts_of(name):
    return [json.loads(line) for line in (FOLDERS / name / "prompts.txt").read_text().splitlines()]


@each(*((name, level) for name in NAMES for level in cpu_levels()))
def test_logits(context, name, level):
    """Of torchao-int8-dynamic and -reduced no code is near a tie: the maker says why."""
    ours = logits_of(context, FOLDERS / name, prompts_of(name), *tiny_models.EXACT, level=level)
    expect_near(ours, floats(FOLDERS / name / "expected.f32"))


def stage(context, name, stage, *options):
    return context.run("quant-compile", FOLDERS / name, f"--stop-after={stage}", *options, "-o", "-")


@each("bitnet-divided", "bitnet-multiplied", "bitnet-online", "llama-bitlinear")
def test_integer_products(context, name):
    """Ternary weights meet codes of rows, whatever the activations of other
    layers are."""
    for activations in ("int8", "f32"):
        text = stage(context, name, "pack", f"--activations={activations}")
        scheme = re.search(r"(#scheme\d*) = #lowbit.scheme<ternary", text)[1]
        products = [line for line in text.splitlines() if "pack.linear" in line and f", {scheme}," in line]
        expect(len(products) == 14, f"{len(products)} products of ternary weights")
        expect(all("bits = 8, group = 0" in line for line in products), products[0])


def test_scale_of_packed_layers(context):
    """BitLinear divides by weight_scale, AutoBitLinear multiplies by it."""
    divided, multiplied = (stage(context, name, "import") for name in ("bitnet-divided", "bitnet-multiplied"))
    expect("ternary, tensor divisor f32" in divided, "no divisor")
    expect("ternary, tensor scale bf16" in multiplied, "no scale")


# --- The trained model ---------------------------------------------------------------


def trained(context):
    folder = context.shared / "data" / "tiny-austen-bitnet"
    if not folder.exists():
        raise Skip(f"needs shared/data/tiny-austen-bitnet, which is not in {context.shared}")
    return folder


def test_perplexity(context):
    """The model's README has it with 3 digits behind the point."""
    folder = trained(context)
    reference = json.loads((folder / "reference.json").read_text())["ppl_ctx256"]
    said = context.run("quant-eval", folder, *tiny_models.EXACT, "--text", folder / "valid.txt", "--ctx", 256, "--json")
    result = json.loads(said)
    expect(result["tokens_scored"] == reference["scored_tokens"], f"{result['tokens_scored']} tokens scored")
    expect(abs(result["ppl"] - reference["ppl"]) < 5e-3, f"perplexity {result['ppl']}, expected {reference['ppl']}")


def test_first_logits(context):
    """An activation near a tie may become another code: the README's 0.06."""
    folder = trained(context)
    golden = json.loads((folder / "golden.json").read_text())
    saved = read_safetensors(folder / "golden.safetensors")
    prompts = [item["prompt_ids"] for item in golden["items"]]
    ours = logits_of(context, folder, prompts, *tiny_models.EXACT)
    width = len(ours) // len(prompts)
    for i, name in enumerate(sorted(saved)):
        error = max(abs(a - b) for a, b in zip(ours[i * width:(i + 1) * width], saved[name], strict=True))
        expect(error < 0.1, f"prompt {i}: off by {error}")


def test_oracle_without_quantization(context):
    """A bitnet without quantization_config is a float model, as in transformers."""
    folder = context.oracle("models") / "bitnet"
    oracle = read_safetensors(folder / "oracle.safetensors")
    ids = oracle["input_ids"].tolist()
    copy = context.folder / "bitnet"
    copy.mkdir()
    for name in ("config.json", "model.safetensors"):  # its tokenizer.model is nobody's
        shutil.copy(folder / name, copy / name)
    prompts = [ids[: n + 1] for n in range(len(ids))]
    expect_near(logits_of(context, copy, prompts, *tiny_models.EXACT), oracle["expected_logits"])


# --- BitNet as a GGUF file -----------------------------------------------------------


@each(("TQ1_0", False, "silu"), ("TQ2_0", True, "silu"), ("TQ2_0", False, "relu2"))
def test_bitnet_gguf(context, type_name, scaled, activation):
    """The same network in both containers; activations round alike, so the
    products are the same integers."""
    try:
        import bitnet_gguf
    except ImportError:
        raise Skip("needs the Python packages numpy and gguf")
    bitnet_gguf.make_pair(context.folder, type_name, scaled, activation)
    prompts = [[1], [3, 30], [36, 2, 5, 5, 0, 17, 9], list(range(25))]
    expected = logits_of(context, context.folder / "folder", prompts, *tiny_models.EXACT)
    expect_near(logits_of(context, context.folder / "model.gguf", prompts, *tiny_models.EXACT), expected)


def test_bitnet_as_gguf(context):
    """A file of ternary weights is the same model; of others it is none."""
    try:
        import bitnet_gguf
    except ImportError:
        raise Skip("needs the Python packages numpy and gguf")
    bitnet_gguf.make_pair(context.folder, "TQ2_0", False, "relu2")
    folder, out = context.folder / "folder", context.folder / "out.gguf"
    context.run("quant-compile", folder, "--emit=gguf", "--scheme=TQ2_0", "--tensors=blk.*", "-o", out, "--quiet")
    prompts = [[1], [36, 2, 5, 5, 0, 17, 9]]
    expect_near(logits_of(context, out, prompts, *tiny_models.EXACT),
                logits_of(context, folder, prompts, *tiny_models.EXACT))
    for model in (folder, FOLDERS / "torchao-8da4w"):
        line = one_line(context.attempt("quant-compile", model, "--emit=gguf", "--scheme=Q8_0", "-o", "b.gguf"),
                        "quant-compile")
        expect("rounds activations, which a GGUF file says of ternary" in line, line)


# --- TorchAO with every width --------------------------------------------------------


def torchao(context, *schemes, **more):
    try:
        import torchao_folders
    except ImportError:
        raise Skip("needs the Python package numpy")
    return torchao_folders.make_pair(context.folder, schemes, seed=11, **more)


@each(False, True)
def test_torchao_widths(context, asymmetric):
    torchao(context, *(scheme(bits, group, asymmetric, scale) for bits, group, scale in
            ((1, 32, "F32"), (2, 16, "BF16"), (3, 0, "F32"), (4, 32, "F16"), (5, 8, "F32"), (6, 32, "F32"),
             (7, 16, "F16"), (8, 0, "BF16"))))
    expect_floats(context)


def test_torchao_fused_layers(context):
    torchao(context, scheme(4, 32, True, "F32"), model_type="phi3")
    expect_floats(context)


def test_torchao_bits(context):
    """Codes, scales and zero points as they are in the file: of the values that
    quant-eval compares, none differs."""
    torchao(context, scheme(4, 32, False, "F16"))
    try:
        import gguf
    except ImportError:
        raise Skip("needs the Python package gguf")
    context.run("quant-compile", context.folder / "quantized", "--emit=gguf", "-o", "out.gguf", "--quiet")
    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(context.folder / "out.gguf").tensors}
    expected = quantized_rows(context.folder / "quantized", "model.layers.0.mlp.down_proj")
    tensor = tensors["blk.0.ffn_down.weight"]
    expect(tensor.tensor_type == gguf.GGMLQuantizationType.Q4_0, f"is {tensor.tensor_type}")
    expect(tensor.data.tobytes() == expected, "other bits")


def quantized_rows(folder, layer):
    """Q4_0's blocks of a layer of 4 bits in groups of 32 with f16 scales."""
    import numpy as np
    data = (folder / "model.safetensors").read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])

    def part(name, dtype):
        tensor = header[f"{layer}._weight_{name}"]
        begin, end = (8 + length + offset for offset in tensor["data_offsets"])
        return np.frombuffer(data[begin:end], dtype).reshape(tensor["shape"])
    q, scales = part("qdata", "i1"), part("scale", "<f2")
    blocks = (q + 8).astype("u1").reshape(len(q), -1, 32)
    nibbles = blocks[:, :, :16] | blocks[:, :, 16:] << 4
    return np.concatenate([scales[:, :, None].view("u1"), nibbles], axis=2).tobytes()


# --- Bad input ---------------------------------------------------------------------


def refused(context, name, change):
    """The one line about a copy whose quantization_config is changed."""
    copy = context.folder / name
    shutil.copytree(FOLDERS / name, copy)
    config = json.loads((copy / "config.json").read_text())
    change(config["quantization_config"])
    (copy / "config.json").write_text(json.dumps(config))
    return one_line(context.attempt("quant-compile", copy, "-o", "m.so"), "quant-compile")


@each(("linear_class", "bitlinears", "is 'bitlinears', expected 'bitlinear' or 'autobitlinear'"),
      ("quantization_mode", "of", "is 'of', expected 'offline' or 'online'"),
      ("use_rms_norm", True, "'quantization_config.use_rms_norm' is not supported"),
      ("modules_to_not_convert", ["o_proj"], "does not name lm_head"),
      ("modules_to_not_convert", ["lm_head", "a.*"], "expected a name without operators"),
      ("modules_to_not_convert", ["lm_head", "model.layers.0.mlp.up_proj"], "up_proj.weight' is U8, expected F32"))
def test_bad_bitnet(context, key, value, expected):
    line = refused(context, "bitnet-divided", lambda config: config.update({key: value}))
    expect(expected in line, line)


LAYER = "model.layers.0.self_attn.q_proj.weight"


def edited(key, value):
    def change(metadata, header):
        description = json.loads(metadata[LAYER])
        (description if key == "_type" else description["_data"])[key] = value
        metadata[LAYER] = json.dumps(description)
    return change


def qdata_of_another_type(metadata, header):
    header[LAYER.replace(".weight", "._weight_qdata")]["dtype"] = "U8"


CHANGES = {
    "class": (edited("_type", "MXTensor"), "has the class 'MXTensor' in the file's metadata, expected Int8Tensor or Intx"),
    "unsigned": (edited("target_dtype", {"_data": "uint4"}), "target_dtype 'uint4'"),
    "wide": (edited("target_dtype", {"_data": "int9"}), "target_dtype 'int9'"),
    "range": (edited("target_dtype", {"_data": "int3"}), "which is no integer of 3 bits"),
    "block": (edited("block_size", [1, 24]), "block_size"),
    "block_of_rows": (edited("block_size", [2, 32]), "block_size"),
    "negative_block": (edited("block_size", [1, -32]), "block_size"),
    "scales": (edited("block_size", [1, 16]), "has the shape [64, 2], expected [64, 4]"),
    "activations": (edited("activation_quantization", "int4"), "activation_quantization 'int4'"),
    "no_metadata": (lambda metadata, header: metadata.pop(LAYER), "no metadata of the file say"),
    "no_json": (lambda metadata, header: metadata.update({LAYER: "{"}), "metadata that are no JSON object"),
    "empty": (lambda metadata, header: metadata.update({LAYER: "{}"}), "metadata without _type and _data"),
    "type": (qdata_of_another_type, "is U8, expected I8"),
}


@each(*CHANGES)
def test_bad_torchao(context, name):
    change, expected = CHANGES[name]
    torchao(context, scheme(4, 32, True, "F32"))
    import torchao_folders
    torchao_folders.change_metadata(context.folder / "quantized", change)
    line = one_line(context.attempt("quant-compile", context.folder / "quantized", "-o", "m.so"), "quant-compile")
    expect(expected in line, line)
