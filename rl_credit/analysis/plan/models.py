"""The sizes of a model, also of one whose files are somewhere else."""

import dataclasses
import pathlib
from typing import Any

from rl_credit.models import pretrained
from rl_credit.models.config import DecoderConfig
from rl_credit.models.tokenizer import ByteTokenizer
from rl_credit.ops import names
from rl_credit.training.settings import Settings

# Of Qwen2.5 (arXiv 2412.15115, table 1, and the config.json of each release).
_QWEN: dict[str, Any] = dict(
    family="qwen2",
    head_dim=128,
    vocab=151936,
    positions=32768,
    rope_theta=1e6,
    attention_bias=True,
)


def _qwen(layers: int, width: int, heads: int, kv_heads: int, mlp_width: int, **other):
    sizes = dict(layers=layers, width=width, heads=heads, kv_heads=kv_heads)
    return DecoderConfig(**{**_QWEN, **sizes, "mlp_width": mlp_width, **other})


KNOWN = {
    "qwen2.5-0.5b": _qwen(24, 896, 14, 2, 4864, head_dim=64, tied=True),
    "qwen2.5-1.5b": _qwen(28, 1536, 12, 2, 8960, tied=True),
    "qwen2.5-3b": _qwen(36, 2048, 16, 2, 11008, tied=True),
    "qwen2.5-7b": _qwen(28, 3584, 28, 4, 18944, vocab=152064),
}


def described(settings: Settings, name: str | None = None) -> DecoderConfig:
    """The decoder of the settings, or the known one of that name.

    A checkpoint that is not here is known by the name of its folder.

    Raises ValueError for a name that is none, and where the vocabulary is made by the
    run.
    """
    model = settings.model
    if name is not None:
        config = named(name)
    elif not model.directory:
        config = DecoderConfig.of_sizes({**model.sizes, "vocab": _vocabulary(settings)})
    elif pretrained.found(model.directory).exists():
        config = pretrained.described(model.directory)
    else:
        config = named(pathlib.Path(model.directory).name)
    return dataclasses.replace(config, dtype=model.dtype, remat=model.remat)


def named(name: str) -> DecoderConfig:
    """A known decoder, whatever it was tuned for; ValueError for another name."""
    plain = name.lower().removesuffix("-instruct")
    if plain not in KNOWN:
        raise ValueError(names.unknown("model", name, KNOWN))
    return KNOWN[plain]


def _vocabulary(settings: Settings) -> int:
    if settings.model.tokenizer != "bytes":
        raise ValueError(
            f"model.tokenizer {settings.model.tokenizer!r} makes its vocabulary when "
            f"the run begins: name a model of like size (known: {', '.join(KNOWN)})"
        )
    return ByteTokenizer().vocab
