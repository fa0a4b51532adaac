"""Hugging Face folders: networks against transformers, tokenizers against
Hugging Face's tokenizers."""

import array
import json
import math
import pathlib
import random
import struct

import tiny_models
from harness import ROOT, Skip, cpu_levels, each, expect, floats, one_line

FOLDERS = ROOT / "test" / "e2e" / "Inputs" / "huggingface"
NAMES = sorted(path.name for path in FOLDERS.iterdir())


def logits_of(context, folder, prompts, *options, level=None):
    file, out = context.folder / "ids.txt", context.folder / "logits.f32"
    file.write_text("".join(f"{ids}\n" for ids in prompts))
    context.run("quant-eval", folder, *options, "--ids", file, "--logits", out, level=level)
    return floats(out)


def expect_near(ours, expected, most=tiny_models.TOLERANCE):
    error, problem = tiny_models.compare(ours, expected)
    expect(not problem, problem)
    expect(error <= most, f"largest relative error {error:.2e}, at most {most:.0e}")


def read_safetensors(path):
    """The elements of each tensor that is F32 or I64."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    result = {}
    for name, tensor in json.loads(data[8 : 8 + length]).items():
        code = {"F32": "f", "I64": "q"}.get(tensor.get("dtype"))
        if code:
            begin, end = (8 + length + offset for offset in tensor["data_offsets"])
            result[name] = array.array(code, data[begin:end])
    return result


# --- Networks --------------------------------------------------------------------


@each(*((name, level) for name in NAMES for level in cpu_levels()))
def test_families(context, name, level):
    """tiny_models.py folders wrote the folders and transformers' logits."""
    prompts = [json.loads(line) for line in (FOLDERS / name / "prompts.txt").read_text().splitlines()]
    ours = logits_of(context, FOLDERS / name, prompts, *tiny_models.EXACT, level=level)
    expect_near(ours, floats(FOLDERS / name / "expected.f32"))


@each("llama", "qwen2", "gemma3")
def test_oracles(context, name):
    folder = context.oracle("models") / name
    oracle = read_safetensors(folder / "oracle.safetensors")
    ids = oracle["input_ids"].tolist()
    prompts = [ids[: n + 1] for n in range(len(ids))]
    expect_near(logits_of(context, folder, prompts, *tiny_models.EXACT), oracle["expected_logits"])


@each("llama", "gemma3")
def test_export_is_that_of_the_converter(context, name):
    """--emit=gguf of a folder holds the tensors that llama.cpp's converter made
    of it (in f16), and its keys of the architecture."""
    folder = context.oracle("models") / name
    try:
        import gguf
    except ImportError:
        raise Skip("needs the Python package gguf")
    context.run("quant-compile", folder, "--emit=gguf", "-o", context.folder / "ours.gguf", "--quiet")
    ours, theirs = (gguf.GGUFReader(path) for path in (context.folder / "ours.gguf", folder / "model.gguf"))
    tensors = {tensor.name: tensor for tensor in ours.tensors}
    expect(tensors.keys() == {tensor.name for tensor in theirs.tensors}, f"tensors are {sorted(tensors)}")
    for tensor in theirs.tensors:
        mine = tensors[tensor.name].data
        same = mine.astype(tensor.data.dtype).tobytes() == tensor.data.tobytes()
        expect(same, f"tensor {tensor.name} differs")
    for key, field in theirs.fields.items():
        if key.startswith(name + "."):
            expect(key in ours.fields, f"key {key} is missing")
            mine = ours.fields[key]
            expect(mine.contents() == field.contents() and mine.types == field.types,
                   f"key {key} is {mine.contents()}, expected {field.contents()}")


def test_scheme_rounds(context):
    """Rounded to 8 bits the weights are off by 2^-8 of their group's largest."""
    folder = FOLDERS / "qwen3"
    prompts = [json.loads(line) for line in (folder / "prompts.txt").read_text().splitlines()]
    ours = logits_of(context, folder, prompts, *tiny_models.EXACT, "--scheme=s8, group 8 scale f16")
    expected = floats(folder / "expected.f32")
    error, problem = tiny_models.compare(ours, expected)
    expect(not problem, problem)
    expect(1e-4 < error < 5e-2, f"rounded weights give an error of {error:.2e}")


# --- A trained model ---------------------------------------------------------------


def trained(context):
    folder = context.shared / "data" / "tiny-austen-lm"
    if not folder.exists():
        raise Skip(f"needs shared/data/tiny-austen-lm, which is not in {context.shared}")
    return folder


def test_golden_continuations(context):
    """The ids that transformers chose, up to the first near tie."""
    folder = trained(context)
    golden = json.loads((folder / "golden.json").read_text())
    for item in golden["items"]:
        margins = item["top1_minus_top2_logit"]
        sure = next((i for i, margin in enumerate(margins) if margin < 1e-3), len(margins))
        said = context.run("quant-run", folder, *tiny_models.EXACT, "-p", item["prompt"], "-n", len(margins), "--temp", 0)
        text = context.folder / "ids.txt"
        text.write_text(f"{item['prompt_ids'] + item['greedy_ids'][:sure]}\n")
        wanted = context.run("quant-run", folder, *tiny_models.EXACT, "--detokenize", text)
        wanted = wanted.removesuffix("\n").removeprefix(item["prompt"])
        expect(wanted in said, f"expected {wanted!r}, but got {said!r}")


def test_first_logits(context):
    folder = trained(context)
    golden = json.loads((folder / "golden.json").read_text())
    saved = read_safetensors(folder / "golden.safetensors")
    prompts = [item["prompt_ids"] for item in golden["items"]]
    expected = [value for name in sorted(saved) for value in saved[name]]
    expect_near(logits_of(context, folder, prompts, *tiny_models.EXACT), expected)


def test_perplexity(context):
    """The model's README has it to 4 digits behind the point."""
    folder = trained(context)
    reference = json.loads((folder / "reference.json").read_text())["ppl_ctx256"]
    said = context.run("quant-eval", folder, *tiny_models.EXACT, "--text", folder / "valid.txt", "--ctx", 256, "--json")
    result = json.loads(said)
    expect(result["tokens_scored"] == reference["scored_tokens"], f"{result['tokens_scored']} tokens scored")
    expect(abs(result["ppl"] - reference["ppl"]) < 1e-3, f"perplexity {result['ppl']}, expected {reference['ppl']}")


def test_trained_tokenizer(context):
    folder = trained(context)
    lines = (folder / "valid.txt").read_text().splitlines() + odd_lines(1)
    expect_same_ids(context, folder, lines)


# --- Tokenizers --------------------------------------------------------------------

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
          r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
# A function of the runtime knows this one, the general matcher the next.
CL100K = (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*+"
          r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s")


def odd_lines(seed):
    texts = ["", "  leading", "trail  ", "\t\ttabs\t x", "1234567 12,345.67", "don't DON'T it's I'LL",
             "héllo naïve ﬁ ſ's", "你好,世界! カナ한국어🙂👩\u200d👩", "नमस्ते ١٢٣", "a\u00a0b\u2028c", "e\u0301x \ufffd",
             "<s>a</s> b", "a <left>  b <right>  c <user> d", "<0x41>▁▁a ▁b", "<s> <s>", "ABCdef ⅷ ½ ²"]
    alphabet = "abcXYZ 0189.,!?'\"-\t éß中あ🙂\u0301\u00a0½²_<>|/s▁"
    source = random.Random(seed)
    return texts + ["".join(source.choices(alphabet, k=source.randint(1, 30))) for _ in range(1500)]


def expect_same_ids(context, folder, lines):
    import tokenizers
    reference = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    file = context.folder / "lines.txt"
    file.write_text("".join(line + "\n" for line in lines), encoding="utf-8", newline="")
    said = context.run("quant-run", folder, "--tokenize", file)
    for line, ids in zip(lines, said.splitlines(), strict=True):
        expected = reference.encode(line, add_special_tokens=False).ids
        expect(json.loads(ids) == expected, f"{line!r}: expected {expected}, but got {ids}")


def byte_level(*steps, normalizer=None, **model):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    result = Tokenizer(models.BPE(**model))
    result.pre_tokenizer = pre_tokenizers.Sequence(list(steps))
    result.decoder = decoders.ByteLevel()
    if normalizer:
        result.normalizer = normalizer
    trainer = trainers.BpeTrainer(vocab_size=500, special_tokens=["<s>", "</s>"], show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    return result, trainer


def spaces_marked(pre_tokenizer=None, normalizer=None):
    from tokenizers import Tokenizer, models, trainers
    result = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    if pre_tokenizer:
        result.pre_tokenizer = pre_tokenizer
    if normalizer:
        result.normalizer = normalizer
    first = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    return result, trainers.BpeTrainer(vocab_size=560, special_tokens=first, show_progress=False, max_token_length=12)


def build_tokenizer(style):
    from tokenizers import Regex, normalizers, pre_tokenizers as pre
    plain = pre.ByteLevel(add_prefix_space=False, use_regex=False)
    replace = normalizers.Replace(" ", "▁")
    words = lambda regex: pre.Split(Regex(regex), "isolated")  # noqa: E731
    return {
        "gpt2-prefix": lambda: byte_level(pre.ByteLevel(add_prefix_space=True)),
        "llama3": lambda: byte_level(words(LLAMA3), plain, ignore_merges=True),
        "qwen2": lambda: byte_level(words(LLAMA3.replace("{1,3}", "")), plain, normalizer=normalizers.NFC()),
        "smollm": lambda: byte_level(pre.Digits(individual_digits=True), pre.ByteLevel(add_prefix_space=False)),
        "cl100k": lambda: byte_level(words(CL100K), plain),
        "removed": lambda: byte_level(pre.Split(Regex(LLAMA3), "removed", invert=True), plain),
        "llama2": lambda: spaces_marked(normalizer=normalizers.Sequence([normalizers.Prepend("▁"), replace])),
        "gemma": lambda: spaces_marked(pre.Split(" ", "merged_with_previous"), replace),
        "metaspace-first": lambda: spaces_marked(pre.Metaspace(prepend_scheme="first", split=False)),
        "metaspace-split": lambda: spaces_marked(pre.Metaspace(prepend_scheme="always", split=True)),
    }[style]()


def write_zero_model(folder, vocabulary):
    """A llama of one layer whose weights are zero."""
    hidden, inner = 8, 8
    layer = "model.layers.0."
    shapes = {"model.embed_tokens.weight": [vocabulary, hidden], "model.norm.weight": [hidden],
              layer + "input_layernorm.weight": [hidden], layer + "post_attention_layernorm.weight": [hidden],
              layer + "mlp.down_proj.weight": [hidden, inner], layer + "self_attn.o_proj.weight": [hidden, hidden]}
    shapes |= {f"{layer}self_attn.{name}_proj.weight": [hidden, hidden] for name in "qkv"}
    shapes |= {f"{layer}mlp.{name}_proj.weight": [inner, hidden] for name in ("gate", "up")}
    header, offset = {}, 0
    for name, shape in shapes.items():
        size = 2 * math.prod(shape)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(offset))
    config = {"model_type": "llama", "vocab_size": vocabulary, "hidden_size": hidden, "intermediate_size": inner,
              "num_hidden_layers": 1, "num_attention_heads": 2, "tie_word_embeddings": True}
    (folder / "config.json").write_text(json.dumps(config))


@each("gpt2-prefix", "llama3", "qwen2", "smollm", "cl100k", "removed", "llama2", "gemma", "metaspace-first",
      "metaspace-split")
def test_tokenizers(context, style):
    """Tokenizers of every style, trained here, give the ids of Hugging Face's."""
    try:
        from tokenizers import AddedToken, Tokenizer
    except ImportError:
        raise Skip("needs the Python package tokenizers")
    tokenizer, trainer = build_tokenizer(style)
    text = (ROOT / "docs" / "Architecture.md").read_text() + "  spaces   of    many kinds\n\n"
    tokenizer.train_from_iterator(text.splitlines(keepends=True), trainer)
    saved = json.loads(tokenizer.to_str())
    saved["added_tokens"] = [token for token in saved["added_tokens"] if not token["content"].startswith("<0x")]
    tokenizer = Tokenizer.from_str(json.dumps(saved))
    tokenizer.add_tokens([AddedToken("<user>", normalized=False)])
    tokenizer.add_special_tokens([AddedToken("<left>", lstrip=True), AddedToken("<right>", rstrip=True)])
    folder = context.folder / "model"
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    write_zero_model(folder, tokenizer.get_vocab_size() + 5)
    expect_same_ids(context, folder, text.splitlines() + odd_lines(2))


# --- Bad input ---------------------------------------------------------------------


@each("quant-run", "quant-eval", "quant-bench")
def test_bad_folders(context, program):
    folder = context.folder / "model"
    folder.mkdir()
    arguments = {"quant-run": ["-p", "x"], "quant-eval": ["--text", __file__], "quant-bench": []}[program]

    def refused(part):
        line = context.attempt(program, folder, *arguments)
        expect(line.returncode == 1 and part in line.stderr, f"expected {part!r}, but got {line.stderr!r}")

    refused("has no config.json")
    write_zero_model(folder, 16)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    refused("is a pickle, which can run any code and is never loaded")


def test_without_tokenizer(context):
    """Ids are evaluated; text has no meaning."""
    folder = context.folder / "model"
    folder.mkdir()
    write_zero_model(folder, 16)
    expect(not any(logits_of(context, folder, [[1, 2, 3]])), "zero weights give zero logits")
    text = pathlib.Path(context.folder / "text.txt")
    text.write_text("hello")
    one_line(context.attempt("quant-eval", folder, "--text", text), "quant-eval")
    one_line(context.attempt("quant-compile", folder / "model.safetensors", "-o", "m.so"), "quant-compile")
