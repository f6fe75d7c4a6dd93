"""Config and parameters of a Llama that llama.cpp wrote."""

from typing import Any

import numpy as np

from rl_credit.models import tensors
from rl_credit.models.config import DecoderConfig
from rl_credit.models.gguf_file import GgufFile
from rl_credit.models.tensors import Index, Path, Place, Tensor
from rl_credit.ops import names

ARCHITECTURES = ("llama",)
SIZES = {  # field of DecoderConfig: key after the architecture
    "width": "embedding_length",
    "layers": "block_count",
    "heads": "attention.head_count",
    "mlp_width": "feed_forward_length",
    "positions": "context_length",
}
EMBEDDING, HEAD = "token_embd.weight", "output.weight"
WHOLE = {  # path of a parameter: tensor of the file
    ("embedding",): EMBEDDING,
    ("norm", "scale"): "output_norm.weight",
    ("head",): HEAD,
}
LAYERED = {  # path within a layer: tensor within blk.N
    ("attention_norm", "scale"): "attn_norm",
    ("mlp_norm", "scale"): "ffn_norm",
    ("attention", "query", "kernel"): "attn_q",
    ("attention", "key", "kernel"): "attn_k",
    ("attention", "value", "kernel"): "attn_v",
    ("attention", "output", "kernel"): "attn_output",
    ("mlp", "gate", "kernel"): "ffn_gate",
    ("mlp", "up", "kernel"): "ffn_up",
    ("mlp", "down", "kernel"): "ffn_down",
}


def load(
    file: GgufFile,
    *,
    dtype: str = "float32",
    place: Place = tensors.whole,
) -> tuple[DecoderConfig, dict[str, Any]]:
    """The config and the dequantised parameters; see `weights.load`.

    Raises ValueError for another architecture, a missing key, scaled rotations, or
    tensors that are missing, not expected (as biases) or of another shape.
    """
    config = described(file)
    wanted = list(tensors.listed(config, _name))
    shapes = {tensor.name: tensor.shape for tensor in wanted}
    wrong = tensors.misfits(shapes, file.shapes)
    tensors.refuse(f"tensors in {file.path} do not fit what it says", wrong)
    turned = {"attn_q": config.heads, "attn_k": config.kv_heads}

    def read(tensor: Tensor, index: Index) -> np.ndarray:
        array = file.read(tensor.name)
        heads = turned.get(LAYERED.get(tensor.path[1:], ""))
        return (halves(array, heads) if heads else array)[index]

    return config, tensors.assembled(wanted, read, dtype=dtype, place=place)


def described(file: GgufFile) -> DecoderConfig:
    """The decoder that the file's metadata describe, computing in float32."""
    family = file.field("general.architecture")
    if family not in ARCHITECTURES:
        raise ValueError(
            f"{file.path}: {names.unknown('architecture', family, ARCHITECTURES)}; "
            "take the model's Hugging Face directory"
        )
    scaling = file.field(f"{family}.rope.scaling.type", "none")
    if scaling != "none":
        raise ValueError(f"{file.path}: rope scaling {scaling!r} is not supported")
    sizes = {name: file.field(f"{family}.{key}") for name, key in SIZES.items()}
    head_dim = sizes["width"] // sizes["heads"]
    head_dim = file.field(f"{family}.attention.key_length", head_dim)
    turned = file.field(f"{family}.rope.dimension_count", head_dim)
    if turned != head_dim:
        raise ValueError(
            f"{file.path}: {turned} of a head's {head_dim} dimensions are turned; "
            "only all is supported"
        )
    if EMBEDDING not in file.shapes:
        raise ValueError(f"{file.path} holds no {EMBEDDING}")
    return DecoderConfig(
        family=family,
        vocab=file.shapes[EMBEDDING][0],
        kv_heads=file.field(f"{family}.attention.head_count_kv", sizes["heads"]),
        head_dim=head_dim,
        rope_theta=file.field(f"{family}.rope.freq_base", 10000.0),
        norm_epsilon=file.field(f"{family}.attention.layer_norm_rms_epsilon"),
        tied=HEAD not in file.shapes,
        **sizes,
    )


def halves(rows: np.ndarray, heads: int) -> np.ndarray:
    """Rows [heads * dim, in] of queries or keys, in the order in which we turn them.

    Rotary angle i turns rows i and i + dim / 2 of a head here, as in transformers;
    llama.cpp has the two side by side, at 2 i and 2 i + 1.
    """
    pairs = rows.reshape(heads, -1, 2, rows.shape[-1])
    return pairs.swapaxes(1, 2).reshape(rows.shape)


def _name(path: Path, layer: int | None) -> str:
    """The tensor of the file that a parameter is in."""
    return WHOLE[path] if layer is None else f"blk.{layer}.{LAYERED[path[1:]]}.weight"
