"""The part of tiny_models.py that makes folders of encoders; needs torch,
transformers and tokenizers. Weights are small multiples of 1/32 in bfloat16;
what transformers makes of them, in float32, and the ids of its tokenizer are in
expected.json: {"lines", "ids", "mean", "cls", "logits"}."""

import json
import os

import tokenizers
import torch
import transformers
from tokenizers import models, normalizers, pre_tokenizers, processors, trainers

from tiny_model_maker import randomize

SIZES = dict(hidden_size=36, intermediate_size=56, num_hidden_layers=2, num_attention_heads=3,
             max_position_embeddings=40)
TEXT = ["the quick brown fox jumps over the lazy dog", "it is a truth universally acknowledged that a single man",
        "in possession of a good fortune must be in want of a wife", "hackers are people who enjoy programming",
        "naïve café, Über-straße: 3.14 + x_1 (etc.)", "she said: 'why not?' and left, slowly", "北京 is a city"]
LINES = ["The quick brown fox.", "It is a truth universally acknowledged!", "café Über 北京", "x", "",
         "unknown ☃ signs, and [SEP] spelled out", "good fortune; good wife; good dog " * 2]


def word_piece():
    tokenizer = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(TEXT, trainers.WordPieceTrainer(vocab_size=150, special_tokens=special))
    ends = [(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends)
    return tokenizer


def unigram():
    tokenizer = tokenizers.Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("  ", " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer.train_from_iterator(
        TEXT, trainers.UnigramTrainer(vocab_size=130, special_tokens=special, unk_token="<unk>", show_progress=False))
    ends = [("<s>", 0), ("</s>", 2)]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=ends)
    return tokenizer


# name: (class, its configuration, tokenizer, files of sentence-transformers)
FOLDERS = {
    "bert": ("BertModel", transformers.BertConfig, {}, word_piece, "mean"),
    "bert-cls": ("BertModel", transformers.BertConfig, dict(type_vocab_size=1), word_piece, "cls"),
    "bert-classes": ("BertForSequenceClassification", transformers.BertConfig,
                     dict(id2label={0: "calm", 1: "wild", 2: "neither"},
                          label2id={"calm": 0, "wild": 1, "neither": 2}), word_piece, None),
    "xlm-roberta": ("XLMRobertaModel", transformers.XLMRobertaConfig, dict(type_vocab_size=1, pad_token_id=1), unigram,
                    None),
    "roberta-classes": ("RobertaForSequenceClassification", transformers.RobertaConfig,
                        dict(type_vocab_size=1, pad_token_id=1, num_labels=2), unigram, None),
}


def write_modules(path, pooling):
    if not pooling:
        return
    modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
               {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]
    os.makedirs(os.path.join(path, "1_Pooling"), exist_ok=True)
    ways = {"pooling_mode_mean_tokens": pooling == "mean", "pooling_mode_cls_token": pooling == "cls"}
    for name, value in (("modules.json", modules), ("1_Pooling/config.json", ways),
                        ("sentence_bert_config.json", {"max_seq_length": 24})):
        with open(os.path.join(path, name), "w") as file:
            json.dump(value, file)


def expected(model, tokenizer, most, classifies):
    result = {"lines": LINES, "ids": [], "mean": [], "cls": [], "logits": []}
    for line in LINES:
        ids = tokenizer.encode(line).ids
        result["ids"].append(ids)
        if len(ids) > most:  # cut off as sentence-transformers does
            ids = ids[: most - 1] + ids[-1:]
        with torch.no_grad():
            out = model(torch.tensor([ids]))
        rounded = lambda row: [float(f"{value:.7g}") for value in row.tolist()]
        if classifies:
            result["logits"].append(rounded(out.logits[0]))
        else:
            for key, row in (("mean", out.last_hidden_state[0].mean(0)), ("cls", out.last_hidden_state[0, 0])):
                result[key].append(rounded(row / row.norm()))
    return result


def make_encoder(name, folder):
    kind, config, extra, make_tokenizer, pooling = FOLDERS[name]
    tokenizer = make_tokenizer()
    config = config(vocab_size=tokenizer.get_vocab_size(), **{**SIZES, **extra})
    config._attn_implementation = "eager"
    model = getattr(transformers, kind)(config).float().eval()
    randomize(model, seed=sum(map(ord, name)))
    for weight in model.parameters():
        weight.data.copy_((weight.data * 32).round() / 32)
    weights = {key: value.to(torch.bfloat16).contiguous() for key, value in model.state_dict().items()
               if value.is_floating_point()}
    path = os.path.join(folder, name)
    model.save_pretrained(path, state_dict=weights)
    tokenizer.save(os.path.join(path, "tokenizer.json"), pretty=False)
    write_modules(path, pooling)
    with open(os.path.join(path, "expected.json"), "w") as file:
        json.dump(expected(model, tokenizer, 24 if pooling else config.max_position_embeddings - 2, "Classification" in kind), file)


def make_encoders(folder):
    for name in FOLDERS:
        make_encoder(name, folder)
        print(name, flush=True)
