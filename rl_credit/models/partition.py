"""How a decoder is spread over a mesh of the axes `data` and `model`.

Fully sharded data parallel cuts every matrix along `data`: a layer is gathered when it
is needed (ZeRO, arXiv 1910.02054, stage 3). Tensor parallel cuts along `model` what
leaves a projection and what enters the next (Megatron, arXiv 1909.08053, section 3).
Of a matrix both cut different dimensions, so that both together divide it by all
devices. Only vectors (norms, the bias of `output`) stay whole.
"""

from jax.sharding import PartitionSpec

from rl_credit.models.config import DecoderConfig
from rl_credit.ops import names

LAYOUTS = {  # name: the axes it uses
    "fully_sharded": ("data",),
    "tensor": ("model",),
    "both": ("data", "model"),
}
BOTH = (  # pattern of the path of a parameter, axes of its dimensions
    (r"params/embedding$", ("model", "data")),
    (r"params/head$", ("data", "model")),
    (r"attention/query/kernel$", (None, "data", "model")),
    (r"attention/query/bias$", (None, "model")),
    (r"attention/(key|value)/kernel$", (None, "data", "shared")),
    (r"attention/(key|value)/bias$", (None, "shared")),
    (r"attention/output/kernel$", (None, "model", "data")),
    (r"mlp/(gate|up)/kernel$", (None, "data", "model")),
    (r"mlp/down/kernel$", (None, "model", "data")),
)

Rules = tuple[tuple[str, PartitionSpec], ...]


def rules(config: DecoderConfig, layout: str = "both", *, model: int = 1) -> Rules:
    """Patterns of paths, and what the mesh does to the dimensions of each.

    Args:
        layout: a name in `LAYOUTS`.
        model: devices along `model`. Where they do not divide the heads that keys and
            values have, those are whole along it: no head is cut.

    Raises ValueError for another layout, and where `model` does not divide the heads.
    """
    if layout not in LAYOUTS:
        raise ValueError(names.unknown("layout", layout, LAYOUTS))
    used = LAYOUTS[layout]
    if "model" in used and config.heads % model:
        raise ValueError(
            f"{model} devices along 'model' do not divide the {config.heads} heads: "
            f"{', '.join(map(str, _divisors(config.heads)))} do"
        )
    held: dict[str | None, str] = {axis: axis for axis in used}
    if "model" in used and config.kv_heads % model == 0:
        held["shared"] = "model"
    return tuple(
        (pattern, PartitionSpec(*(held.get(axis) for axis in axes)))
        for pattern, axes in BOTH
    )


def cache(config: DecoderConfig, *, model: int = 1) -> PartitionSpec:
    """Of keys and values, [layers batch slots kv_heads dim]."""
    shared = "model" if config.kv_heads % model == 0 else None
    return PartitionSpec(None, "data", None, shared)


def _divisors(number: int) -> list[int]:
    return [n for n in range(1, number + 1) if number % n == 0]
