"""Makes decoders.npz and decoders.json: what transformers and torch compute.

Development only: tests read the files and never import this. In an environment with
torch 2.13.0 and transformers 5.23.0, from the root of the repository:
    python tests/golden/make_decoders.py
Weights are random and rounded to float16, in which they are stored; logits come from
float32 arithmetic on one CPU thread, a plain batch and a left-padded one.
"""

import json
import pathlib

import numpy as np
import torch
import transformers
from transformers import LlamaConfig, Qwen2Config, Qwen3Config

HERE = pathlib.Path(__file__).parent
COMMON = dict(
    vocab_size=64,
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=16,
    max_position_embeddings=256,
    bos_token_id=None,
    eos_token_id=None,
)
THETA = dict(rope_type="default", rope_theta=100.0)
LLAMA3 = dict(
    rope_type="llama3",
    factor=8.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=64,
)
LINEAR = dict(rope_type="linear", factor=4.0)
YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=64)
CASES = {  # name: whose weights, class, what differs from COMMON
    "llama": ("llama", LlamaConfig, dict(tie_word_embeddings=True)),
    "llama3": ("llama3", LlamaConfig, dict(rope_parameters=THETA | LLAMA3)),
    "linear": (
        "llama",
        LlamaConfig,
        dict(tie_word_embeddings=True, rope_parameters=THETA | LINEAR),
    ),
    "yarn": (
        "llama",
        LlamaConfig,
        dict(tie_word_embeddings=True, rope_parameters=THETA | YARN),
    ),
    "qwen2": ("qwen2", Qwen2Config, dict(head_dim=8, tie_word_embeddings=True)),
    "qwen3": ("qwen3", Qwen3Config, dict()),
}


def randomise(model):
    """Weights large enough that every part of the model shows in its logits."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("norm.weight"):
                drawn = 1.0 + 0.3 * torch.randn(weight.shape)
            elif name.endswith("bias"):
                drawn = 0.5 * torch.randn(weight.shape)
            else:
                drawn = torch.randn(weight.shape) / weight.shape[-1] ** 0.5
            weight.copy_(drawn.half().float())


def logits(model, tokens, where):
    """Float32 scores at every token, positions counted over the real ones."""
    positions = np.maximum(np.cumsum(where, axis=1) - 1, 0)
    with torch.no_grad():
        result = model(
            torch.tensor(tokens),
            attention_mask=torch.tensor(where).long(),
            position_ids=torch.tensor(positions),
        )
    return result.logits.float().numpy()


def main():
    """Writes both files beside this one."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    generator = np.random.default_rng(0)
    tokens = generator.integers(0, 64, (2, 40))
    padded = np.ones((2, 40), bool)
    padded[0, :7], padded[1, :1] = False, False
    arrays = {"tokens": tokens.astype(np.int32), "where": padded}
    models = {}
    for name, (owner, kind, changes) in CASES.items():
        config = kind(**(COMMON | dict(rope_parameters=THETA) | changes))
        model = transformers.AutoModelForCausalLM.from_config(config).float().eval()
        if name == owner:
            randomise(model)
            for key, weight in model.state_dict().items():
                if not (config.tie_word_embeddings and key == "lm_head.weight"):
                    arrays[f"{name}/{key}"] = weight.half().numpy()
        stored = {
            key: torch.tensor(arrays[f"{owner}/{key}"]).float()
            for key in model.state_dict()
            if f"{owner}/{key}" in arrays
        }
        model.load_state_dict(stored, strict=False)
        model.tie_weights()
        arrays[f"{name}:plain"] = logits(model, tokens, np.ones_like(padded))
        arrays[f"{name}:padded"] = logits(model, tokens, padded)
        given = {k: v for k, v in config.to_dict().items() if v is not None}
        given["architectures"] = [type(model).__name__]
        models[name] = {"weights": owner, "config": given}
    np.savez_compressed(HERE / "decoders.npz", **arrays)
    how = "make_decoders.py: random weights, float32 logits on one CPU thread"
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    described = {"provenance": {"how": how, **versions}, "models": models}
    (HERE / "decoders.json").write_text(json.dumps(described, indent=1) + "\n")


if __name__ == "__main__":
    main()
