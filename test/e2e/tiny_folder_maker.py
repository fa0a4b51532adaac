"""The part of tiny_models.py that makes Hugging Face folders; needs torch and
transformers. The weights are small multiples of 1/32 in bfloat16, so that a
folder takes a few KB, and the logits are those of float32."""

import os

import torch
import transformers

from tiny_model_maker import answers, randomize

BASE = dict(vocab_size=37, hidden_size=24, intermediate_size=40, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64,
            pad_token_id=None, bos_token_id=1, eos_token_id=2)
LLAMA3 = dict(rope_type="llama3", factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=16)
LONG = dict(rope_type="longrope", rope_theta=10000.0, partial_rotary_factor=0.75,
            original_max_position_embeddings=32, short_factor=[1.0, 1.5, 2.0], long_factor=[4.0] * 3)
YARN = dict(rope_type="yarn", factor=4.0, attention_factor=1.25, original_max_position_embeddings=16)

# name: (class, its configuration, largest shard)
FOLDERS = {
    "llama-biases": ("Llama", dict(attention_bias=True, mlp_bias=True, tie_word_embeddings=True,
                                   rope_parameters=LLAMA3 | dict(rope_theta=10000.0)), "1MB"),
    "mistral-window": ("Mistral", dict(sliding_window=5, head_dim=8), "6KB"),
    "qwen2-window": ("Qwen2", dict(use_sliding_window=True, sliding_window=4, max_window_layers=1,
                                   rope_parameters=YARN | dict(rope_theta=1000.0)), "1MB"),
    "qwen3": ("Qwen3", dict(head_dim=8, tie_word_embeddings=True), "1MB"),
    "gemma3": ("Gemma3Text", dict(num_hidden_layers=7, head_dim=8, sliding_window=5,
                                  query_pre_attn_scalar=12), "1MB"),
    "smollm3": ("SmolLM3", dict(num_hidden_layers=5), "1MB"),
    "phi3": ("Phi3", dict(num_attention_heads=3, num_key_value_heads=1, sliding_window=9,
                          original_max_position_embeddings=32, rope_parameters=LONG), "1MB"),
}


def make_folder(name, folder):
    kind, extra, shard = FOLDERS[name]
    config = getattr(transformers, kind + "Config")(**{**BASE, **extra})
    config._attn_implementation = "eager"
    model = getattr(transformers, kind.removesuffix("Text") + "ForCausalLM")(config)
    model = model.float().eval()
    randomize(model, seed=sum(map(ord, name)))
    for weight in model.parameters():
        weight.data.copy_((weight.data * 32).round() / 32)
    # Only parameters: what a model computes once (rotary frequencies) stays f32.
    weights = {key: value.to(torch.bfloat16).contiguous() for key, value in model.state_dict().items()}
    path = os.path.join(folder, name)
    model.save_pretrained(path, state_dict=weights, max_shard_size=shard)
    os.remove(os.path.join(path, "generation_config.json"))
    generator = torch.Generator().manual_seed(len(name))
    ids = torch.randint(config.vocab_size, (25,), generator=generator).tolist()
    prompts = [ids[:length] for length in (1, 2, 7, 25)]
    answers(model, prompts).numpy().astype("<f4").tofile(os.path.join(path, "expected.f32"))
    with open(os.path.join(path, "prompts.txt"), "w") as file:
        file.writelines(f"{prompt}\n" for prompt in prompts)


def make_folders(folder):
    for name in FOLDERS:
        make_folder(name, folder)
        print(name, flush=True)
