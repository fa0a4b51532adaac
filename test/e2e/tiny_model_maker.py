"""The part of tiny_models.py that needs torch, transformers and gguf."""

import math
import os
import re
from dataclasses import dataclass, field

import gguf
import numpy as np
import torch
import transformers
from safetensors.torch import load_file

Type = gguf.GGMLQuantizationType


@dataclass
class Case:
    name: str
    architecture: str  # GGUF's word
    config: dict = field(default_factory=dict)
    # Type of the tensors that a regular expression finds; the first one counts.
    types: list = field(default_factory=lambda: [("", Type.F32)])
    oracle: str = ""  # folder of a checkpoint instead of random weights
    tokens: int = 24  # length of the longest prompt


# --- Models ------------------------------------------------------------------

CLASSES = {
    "llama": (transformers.LlamaConfig, transformers.LlamaForCausalLM),
    "qwen2": (transformers.Qwen2Config, transformers.Qwen2ForCausalLM),
    "qwen3": (transformers.Qwen3Config, transformers.Qwen3ForCausalLM),
    "gemma3": (transformers.Gemma3TextConfig, transformers.Gemma3ForCausalLM),
}


def randomize(model, seed):
    """Weights that make attention attend and norms matter: the usual initial
    values are so small that a wrong rotation would hardly show."""
    generator = torch.Generator().manual_seed(seed)
    for name, weight in model.named_parameters():
        noise = torch.randn(weight.shape, generator=generator)
        if weight.dim() == 2:
            noise *= 1.2 / math.sqrt(weight.shape[1])
            if "embed_tokens" in name:
                noise *= 3
        elif name.endswith("norm.weight"):
            # Gemma adds 1 to what is stored.
            noise = 0.2 * noise + (0 if "Gemma" in type(model).__name__ else 1)
        else:
            noise *= 0.3
        weight.data.copy_(noise)


def build_model(case, oracles):
    if case.oracle:
        folder = os.path.join(oracles, case.oracle)
        model = CLASSES[case.architecture][1].from_pretrained(
            folder, attn_implementation="eager", dtype=torch.float32
        )
        return model.eval()
    config_class, model_class = CLASSES[case.architecture]
    config = config_class(**case.config, pad_token_id=None)
    config._attn_implementation = "eager"
    model = model_class(config).float().eval()
    randomize(model, seed=sum(map(ord, case.name)))
    return model


# --- Names, permutation, quantization -------------------------------------------


def permute(weight, heads):
    """Rows of halves that rotate together become neighbours."""
    shape = weight.shape
    return (
        weight.reshape(heads, 2, shape[0] // heads // 2, *shape[1:])
        .swapaxes(1, 2)
        .reshape(shape)
    )


def unpermute(weight, heads):
    shape = weight.shape
    return (
        weight.reshape(heads, shape[0] // heads // 2, 2, *shape[1:])
        .swapaxes(1, 2)
        .reshape(shape)
    )


class Converter:
    """Between a transformers model's parameters and GGUF's tensors."""

    def __init__(self, case, model):
        self.case, self.config = case, model.config
        arch = {name: key for key, name in gguf.MODEL_ARCH_NAMES.items()}
        self.names = gguf.get_tensor_name_map(
            arch[case.architecture], model.config.num_hidden_layers
        )

    def gguf_name(self, name):
        return self.names.get_name(name, try_suffixes=(".weight", ".bias"))

    def heads(self, name):
        """Of a tensor whose rows llama's converter permutes, else 0."""
        if self.case.architecture != "llama":
            return 0
        if "q_proj" in name:
            return self.config.num_attention_heads
        return self.config.num_key_value_heads if "k_proj" in name else 0

    def type_of(self, name, array):
        """Quantized types need whole blocks; vectors stay F32."""
        if array.ndim < 2:
            return Type.F32
        kind = next(t for pattern, t in self.case.types if re.search(pattern, name))
        block, _ = gguf.GGML_QUANT_SIZES[kind]
        return kind if array.shape[-1] % block == 0 else Type.F32

    def convert(self, name, weight):
        """The tensor for the file, and the parameter that it stands for."""
        array = weight.detach().numpy().astype(np.float32)
        gemma_norm = self.case.architecture == "gemma3" and name.endswith("norm.weight")
        if gemma_norm:
            array = array + np.float32(1)
        heads = self.heads(name)
        if heads:
            array = permute(array, heads)
        kind = self.type_of(self.gguf_name(name), array)
        array = np.ascontiguousarray(array)
        stored = gguf.quants.quantize(array, kind)
        values = gguf.quants.dequantize(stored, kind).reshape(array.shape)
        if heads:
            values = unpermute(values, heads)
        if gemma_norm:
            values = values - np.float32(1)
        return stored, kind, torch.from_numpy(np.ascontiguousarray(values))


# --- The file --------------------------------------------------------------------


def add_rope(writer, config):
    parameters = config.rope_parameters
    if "full_attention" in parameters:
        writer.add_float32(
            "gemma3.rope.freq_base_swa", parameters["sliding_attention"]["rope_theta"]
        )
        parameters = parameters["full_attention"]
    writer.add_rope_freq_base(parameters["rope_theta"])
    kind = parameters["rope_type"]
    if kind == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(parameters["factor"])
    elif kind == "yarn":
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(parameters["factor"])
        writer.add_rope_scaling_orig_ctx_len(
            parameters["original_max_position_embeddings"]
        )
    elif kind == "llama3":
        writer.add_tensor("rope_freqs.weight", llama3_factors(config, parameters))


def llama3_factors(config, parameters):
    """What convert_hf_to_gguf writes: divisors of the frequencies."""
    theta = parameters["rope_theta"] ** (
        -np.arange(0, config.head_dim, 2, dtype=np.float64) / config.head_dim
    )
    wave = 2 * np.pi / theta
    trained = parameters["original_max_position_embeddings"]
    low, high = parameters["low_freq_factor"], parameters["high_freq_factor"]
    smooth = np.clip((trained / wave - low) / (high - low), 0, 1)
    return (1 / ((1 - smooth) / parameters["factor"] + smooth)).astype(np.float32)


def add_keys(writer, case, config):
    writer.add_name(case.name)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    head_dim = getattr(config, "head_dim", None)
    if head_dim:
        writer.add_key_length(head_dim)
        writer.add_value_length(head_dim)
    if case.architecture == "llama":
        writer.add_rope_dimension_count(config.head_dim)
    if case.architecture == "gemma3":
        writer.add_sliding_window(config.sliding_window)
        local = [kind == "sliding_attention" for kind in config.layer_types]
        if local != [i % 6 < 5 for i in range(len(local))]:
            writer.add_array("gemma3.attention.sliding_window_pattern", local)
    add_rope(writer, config)


def add_tokenizer(writer, count):
    """Every id has a text of its own that is found wherever it stands."""
    writer.add_tokenizer_model("llama")
    writer.add_token_list([f"<t{i}>" for i in range(count)])
    writer.add_token_scores([0.0] * count)
    writer.add_token_types([gguf.TokenType.USER_DEFINED] * count)
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)


def write_model(case, model, path):
    """Writes the file and gives the model the weights that the file holds."""
    writer = gguf.GGUFWriter(path, case.architecture)
    add_keys(writer, case, model.config)
    add_tokenizer(writer, model.config.vocab_size)
    converter = Converter(case, model)
    for name, weight in model.named_parameters():
        stored, kind, values = converter.convert(name, weight)
        writer.add_tensor(converter.gguf_name(name), stored, raw_dtype=kind)
        weight.data.copy_(values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


# --- Prompts and answers ---------------------------------------------------------


def prompts_of(case, model, oracles):
    """Beginnings of one or two sequences."""
    if case.oracle:
        saved = load_file(os.path.join(oracles, case.oracle, "oracle.safetensors"))
        ids = saved["input_ids"][0].tolist()
        return [ids[:n] for n in range(1, len(ids) + 1)], saved["expected_logits"][0]
    generator = torch.Generator().manual_seed(len(case.name))
    ids = torch.randint(model.config.vocab_size, (2, case.tokens), generator=generator)
    lengths = sorted({1, 2, 3, 7, case.tokens // 2, case.tokens})
    prompts = [ids[0, :n].tolist() for n in lengths] + [ids[1].tolist()]
    return prompts, None


def answers(model, prompts):
    with torch.no_grad():
        return torch.stack([model(torch.tensor([ids])).logits[0, -1] for ids in prompts])


def make_case(case, folder, oracles):
    base = os.path.join(folder, case.name)
    model = build_model(case, oracles)
    prompts, saved = prompts_of(case, model, oracles)
    write_model(case, model, base + ".gguf")
    expected = answers(model, prompts)
    if saved is not None and case.types == [("", Type.F32)]:
        difference = (expected - saved).abs().max().item()
        if difference > 1e-5 * saved.abs().max().item():
            raise SystemExit(f"{case.name}: not the oracle's logits ({difference})")
        expected = saved
    with open(base + ".prompts.txt", "w") as file:
        for ids in prompts:
            file.write("".join(f"<t{i}>" for i in ids) + "\n")
    expected.numpy().astype("<f4").tofile(base + ".expected.f32")
    size = os.path.getsize(base + ".gguf")
    spread = expected.std().item()
    print(f"{case.name}: {size} bytes, {len(prompts)} prompts, logits +-{spread:.2f}")


# --- The sets --------------------------------------------------------------------

VARIANTS = {
    "f32": [("", Type.F32)],
    "q8_0": [("", Type.Q8_0)],
    "q4_1": [("", Type.Q4_1)],
}
MIXED = [
    ("ffn_down", Type.BF16),
    ("attn_q", Type.Q5_0),
    ("attn_v", Type.Q4_0),
    ("ffn_up", Type.Q5_1),
    ("token_embd", Type.Q8_0),
    ("blk.0", Type.F16),
    ("", Type.Q4_1),
]


def sizes(hidden, feed_forward, vocabulary, heads, kv_heads, head_dim, layers, **more):
    return dict(
        hidden_size=hidden,
        intermediate_size=feed_forward,
        vocab_size=vocabulary,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        head_dim=head_dim,
        num_hidden_layers=layers,
        max_position_embeddings=256,
        **more,
    )


def rope(kind="default", theta=10000.0, **more):
    return {"rope_parameters": dict(rope_type=kind, rope_theta=theta, **more)}


LLAMA3 = rope(
    "llama3",
    factor=8.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=32,
)
YARN = rope("yarn", factor=4.0, original_max_position_embeddings=64)


def gemma(layers, window, **full):
    """Every third layer sees everything."""
    return dict(
        layer_types=[
            "full_attention" if i % 3 == 2 else "sliding_attention" for i in range(layers)
        ],
        sliding_window=window,
        rope_parameters={
            "full_attention": dict({"rope_type": "default", "rope_theta": 1e6}, **full),
            "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
        },
    )


def small_cases():
    """Every family in files below 100 KB."""
    tiny = (32, 56, 67, 2, 1, 16, 2)
    yield Case("llama-f32", "llama", sizes(*tiny, tie_word_embeddings=False))
    yield Case("llama-llama3-rope", "llama", sizes(*tiny, **LLAMA3, attention_bias=True))
    yield Case("llama-yarn", "llama", sizes(*tiny, **YARN), tokens=100)
    yield Case("llama-odd-f32", "llama", sizes(40, 72, 133, 2, 1, 12, 1))
    blocks = (64, 96, 67, 2, 1, 24, 2)
    for variant in ("q8_0", "q4_1"):
        types = VARIANTS[variant]
        yield Case(f"llama-{variant}", "llama", sizes(*blocks), types)
        more = gemma(2, 8)
        yield Case(
            f"gemma3-{variant}",
            "gemma3",
            sizes(*blocks, query_pre_attn_scalar=24, **more),
            types,
        )
    yield Case("llama-mixed", "llama", sizes(64, 96, 67, 4, 2, 16, 2), MIXED)
    qwen2 = sizes(*tiny)
    del qwen2["head_dim"]
    yield Case("qwen2-f32", "qwen2", qwen2)
    yield Case("qwen3-f32", "qwen3", sizes(*tiny))
    yield Case("qwen3-odd-f32", "qwen3", sizes(40, 72, 133, 3, 1, 12, 1))
    yield Case(
        "gemma3-f32",
        "gemma3",
        sizes(24, 40, 67, 2, 1, 12, 4, query_pre_attn_scalar=12, **gemma(4, 5)),
    )


def full_cases():
    for variant, types in VARIANTS.items():
        for oracle in ("llama", "qwen2", "gemma3"):
            yield Case(f"oracle-{oracle}-{variant}", oracle, types=types, oracle=oracle)
        odd = (96, 200, 517, 3, 1, 24, 3)
        yield Case(f"odd-llama-{variant}", "llama", sizes(*odd), types, tokens=100)
        yield Case(f"odd-qwen3-{variant}", "qwen3", sizes(*odd), types, tokens=100)
        qwen2 = sizes(96, 200, 517, 4, 2, 24, 3)
        del qwen2["head_dim"]
        yield Case(f"odd-qwen2-{variant}", "qwen2", qwen2, types, tokens=100)
        more = gemma(7, 16, rope_type="linear", factor=8.0)
        yield Case(
            f"odd-gemma3-{variant}",
            "gemma3",
            sizes(96, 200, 517, 4, 1, 24, 7, query_pre_attn_scalar=24, **more),
            types,
            tokens=100,
        )
        even = sizes(128, 256, 512, 4, 2, 32, 4)
        yield Case(f"even-qwen3-{variant}", "qwen3", even, types, tokens=200)
    wide = (128, 256, 512, 4, 2, 32, 3)
    linear = rope("linear", factor=4.0)
    for name, scaling in (("llama3", LLAMA3), ("yarn", YARN), ("linear", linear)):
        for architecture in ("llama", "qwen3"):
            yield Case(
                f"rope-{name}-{architecture}",
                architecture,
                sizes(*wide, **scaling),
                tokens=200,
            )
    yield Case("mixed-llama", "llama", sizes(*wide), MIXED, tokens=50)


def make(arguments):
    if arguments.set == "full" and not arguments.oracles:
        raise SystemExit("tiny_models.py: --set full needs --oracles FOLDER")
    os.makedirs(arguments.folder, exist_ok=True)
    torch.set_num_threads(1)
    cases = small_cases() if arguments.set == "small" else full_cases()
    for case in cases:
        if re.search(arguments.only, case.name):
            make_case(case, arguments.folder, arguments.oracles)
    return 0
