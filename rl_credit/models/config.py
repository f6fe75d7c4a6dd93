"""What a decoder is made of, read from and written to Hugging Face's config.json."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from rl_credit.ops import names

FAMILIES = {
    "llama": "LlamaForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
}
DTYPES = ("float32", "bfloat16")
ATTENTIONS = ("xla", "cudnn")
SIZES = {  # field of DecoderConfig: key of config.json
    "vocab": "vocab_size",
    "width": "hidden_size",
    "layers": "num_hidden_layers",
    "heads": "num_attention_heads",
    "mlp_width": "intermediate_size",
    "positions": "max_position_embeddings",
}
SCALES = {  # field of RopeScaling: key of rope_parameters
    "factor": "factor",
    "positions": "original_max_position_embeddings",
    "low": "low_freq_factor",
    "high": "high_freq_factor",
    "fast": "beta_fast",
    "slow": "beta_slow",
    "attention": "attention_factor",
    "truncate": "truncate",
}
SCALINGS = {  # kind: the fields it needs, those it may have
    "linear": (("factor",), ()),
    "llama3": (("factor", "positions", "low", "high"), ()),
    "yarn": (("factor", "positions"), ("fast", "slow", "attention", "truncate")),
}
UNSUPPORTED = {  # keys that would change the numbers: the only value that is read
    "hidden_act": "silu",
    "mlp_bias": False,
    "use_sliding_window": False,
    "quantization_config": None,
}


@dataclasses.dataclass(frozen=True)
class RopeScaling:
    """How rotary frequencies are stretched to contexts longer than first trained on.

    kind "linear" divides all by `factor` (arXiv 2306.15595); "llama3" (Llama 3.1) only
    wavelengths above `positions` / low, blending down to `positions` / high; "yarn"
    (arXiv 2309.00071) dimensions that turn less than `slow` times in `positions`,
    blending up to `fast` turns, and multiplies queries and keys by `attention`
    (None: 0.1 ln(factor) + 1).
    """

    kind: str
    factor: float
    positions: int | None = None
    low: float | None = None
    high: float | None = None
    fast: float = 32.0
    slow: float = 1.0
    attention: float | None = None
    truncate: bool = True

    def __post_init__(self):
        if self.kind not in SCALINGS:
            raise ValueError(names.unknown("rope scaling", self.kind, SCALINGS))
        for field in SCALINGS[self.kind][0]:
            if getattr(self, field) is None:
                raise ValueError(
                    f"rope scaling {self.kind!r} needs {SCALES[field]!r} ({field})"
                )


@dataclasses.dataclass(frozen=True)
class DecoderConfig:
    """The sizes and switches of one decoder; hashable, so jit can take it as static.

    Raises ValueError, naming the value and what would do, where they make no decoder.
    """

    family: str  # llama (also SmolLM2), qwen2 (also 2.5) or qwen3, which has qk-norm
    vocab: int
    width: int
    layers: int
    heads: int
    kv_heads: int  # query heads share them in groups of heads / kv_heads
    head_dim: int
    mlp_width: int
    positions: int  # the longest context it was made for
    rope_theta: float = 10000.0
    rope_scaling: RopeScaling | None = None
    norm_epsilon: float = 1e-6
    tied: bool = False  # the output matrix is the embedding
    attention_bias: bool = False
    dtype: str = "float32"  # of products; norms, softmax and angles are float32
    remat: bool = False  # a layer is computed again for its gradient
    unroll: int = 1  # layers in a step of their scan: faster on a CPU, slow to compile
    attention: str = "xla"  # or "cudnn": flash attention, for bfloat16 on a GPU

    @property
    def qk_norm(self) -> bool:
        """Whether queries and keys are normalised head by head."""
        return self.family == "qwen3"

    @property
    def output_bias(self) -> bool:
        """Whether the output projection of attention has a bias, too."""
        return self.attention_bias and self.family != "qwen2"

    def __post_init__(self):
        for kind, known in (
            ("family", FAMILIES),
            ("dtype", DTYPES),
            ("attention", ATTENTIONS),
        ):
            if getattr(self, kind) not in known:
                raise ValueError(names.unknown(kind, getattr(self, kind), known))
        for field in (*SIZES, "kv_heads", "head_dim"):
            if getattr(self, field) < 1:
                value = getattr(self, field)
                raise ValueError(f"{field} is {value}; it must be at least 1")
        if self.heads % self.kv_heads:
            raise ValueError(
                f"heads {self.heads} must be a multiple of kv_heads {self.kv_heads}"
            )
        if self.head_dim % 2:
            raise ValueError(f"head_dim {self.head_dim} must be even, for rotations")
        if self.family == "qwen2" and not self.attention_bias:
            raise ValueError("family 'qwen2' always has biases: attention_bias=True")

    @classmethod
    def of_sizes(cls, sizes: Mapping[str, Any]) -> "DecoderConfig":
        """From fields by name; ValueError for a name that is none, or is missing."""
        fields = {field.name: field for field in dataclasses.fields(cls)}
        for name in sizes:
            if name not in fields:
                raise ValueError(names.unknown("size of a decoder", name, fields))
        for name, field in fields.items():
            if field.default is dataclasses.MISSING and name not in sizes:
                raise ValueError(f"the sizes of the decoder lack {name!r}")
        return cls(**sizes)

    @classmethod
    def from_huggingface(cls, given: Mapping[str, Any]) -> "DecoderConfig":
        """The decoder that a config.json describes, computing in float32.

        Reads the keys of transformers 4 (`rope_theta`, `rope_scaling`) and of 5
        (`rope_parameters`). Raises ValueError for an unknown family or architecture, a
        missing key, or an option that would change the numbers and is not supported.
        """
        family = _family(given)
        _refuse_unsupported(given)
        for key in (*SIZES.values(), "rms_norm_eps"):
            if given.get(key) is None:
                raise ValueError(f"config.json lacks {key!r}")
        theta, scaling = _rope(given)
        heads, width = given["num_attention_heads"], given["hidden_size"]
        default_dim = 128 if family == "qwen3" else width // heads
        return cls(
            family=family,
            kv_heads=given.get("num_key_value_heads") or heads,
            head_dim=given.get("head_dim") or default_dim,
            rope_theta=theta,
            rope_scaling=scaling,
            norm_epsilon=float(given["rms_norm_eps"]),
            tied=bool(given.get("tie_word_embeddings", False)),
            attention_bias=family == "qwen2" or bool(given.get("attention_bias")),
            **{field: given[key] for field, key in SIZES.items()},
        )

    def to_huggingface(self) -> dict[str, Any]:
        """What config.json says of this decoder, for transformers 4 and 5 alike."""
        rope = {"rope_type": "default", "rope_theta": self.rope_theta}
        if self.rope_scaling is not None:
            rope |= _scaling_keys(self.rope_scaling)
        given = {
            "architectures": [FAMILIES[self.family]],
            "model_type": self.family,
            "hidden_act": "silu",
            "num_key_value_heads": self.kv_heads,
            "head_dim": self.head_dim,
            "rms_norm_eps": self.norm_epsilon,
            "rope_theta": self.rope_theta,
            "rope_parameters": rope,
            "tie_word_embeddings": self.tied,
        }
        if self.rope_scaling is not None:
            given["rope_scaling"] = _scaling_keys(self.rope_scaling)
        if self.family != "qwen2":
            given["attention_bias"] = self.attention_bias
        return given | {key: getattr(self, field) for field, key in SIZES.items()}


def _family(given: Mapping[str, Any]) -> str:
    """The family that model_type names, its architecture being a language model."""
    family = given.get("model_type")
    if family not in FAMILIES:
        raise ValueError(names.unknown("model_type", family, FAMILIES))
    for name in given.get("architectures") or ():
        if name != FAMILIES[family]:
            raise ValueError(names.unknown("architecture", name, [FAMILIES[family]]))
    return family


def _refuse_unsupported(given: Mapping[str, Any]) -> None:
    """Raises for an option that would change the numbers."""
    for key, only in UNSUPPORTED.items():
        value = given.get(key, only)
        if value != only:
            raise ValueError(f"{key} {value!r} is not supported, only {only!r}")
    others = sorted(set(given.get("layer_types") or ()) - {"full_attention"})
    if others:
        raise ValueError(f"layer_types {others} are not supported: full_attention only")


def _rope(given: Mapping[str, Any]) -> tuple[float, RopeScaling | None]:
    """Base and scaling of the rotary frequencies, in either style."""
    rope = given.get("rope_parameters") or given.get("rope_scaling") or {}
    theta = rope.get("rope_theta", given.get("rope_theta", 10000.0))
    kind = rope.get("rope_type", rope.get("type", "default"))
    if rope.get("partial_rotary_factor", 1.0) != 1.0:
        raise ValueError("partial_rotary_factor is not supported, only 1.0")
    if kind == "default":
        return float(theta), None
    if kind not in SCALINGS:
        raise ValueError(names.unknown("rope_type", kind, ["default", *SCALINGS]))
    if kind == "yarn" and (rope.get("mscale") or rope.get("mscale_all_dim")):
        raise ValueError("yarn's mscale is not supported: give its attention_factor")
    values = {field: rope.get(SCALES[field]) for field in sum(SCALINGS[kind], ())}
    if "positions" in values and values["positions"] is None:
        values["positions"] = given["max_position_embeddings"]
    present = {field: value for field, value in values.items() if value is not None}
    if "factor" not in present:
        raise ValueError(f"rope_type {kind!r} lacks 'factor'")
    for field in present.keys() - {"positions", "truncate"}:
        present[field] = float(present[field])
    return float(theta), RopeScaling(kind=kind, **present)


def _scaling_keys(scaling: RopeScaling) -> dict[str, Any]:
    """A scaling under the names of rope_parameters."""
    fields = sum(SCALINGS[scaling.kind], ())
    values = {SCALES[field]: getattr(scaling, field) for field in fields}
    present = {key: value for key, value in values.items() if value is not None}
    return {"rope_type": scaling.kind} | present
