"""Parameters from a Hugging Face directory, and back to one transformers loads."""

import json
import pathlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jax
import numpy as np
import safetensors
import safetensors.numpy

from rl_credit.models import decoder, tensors
from rl_credit.models.config import DecoderConfig
from rl_credit.models.tensors import Index, Path, Place, Tensor

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
FLOATS = ("F32", "BF16", "F16")  # what a file may hold

WHOLE = {  # path of a parameter: tensor of the file
    ("embedding",): "model.embed_tokens.weight",
    ("norm", "scale"): "model.norm.weight",
    ("head",): "lm_head.weight",
}
LAYERED = {  # path within a layer: tensor within model.layers.N
    ("attention_norm",): "input_layernorm",
    ("mlp_norm",): "post_attention_layernorm",
    ("attention", "query"): "self_attn.q_proj",
    ("attention", "key"): "self_attn.k_proj",
    ("attention", "value"): "self_attn.v_proj",
    ("attention", "output"): "self_attn.o_proj",
    ("attention", "query_norm"): "self_attn.q_norm",
    ("attention", "key_norm"): "self_attn.k_norm",
    ("mlp", "gate"): "mlp.gate_proj",
    ("mlp", "up"): "mlp.up_proj",
    ("mlp", "down"): "mlp.down_proj",
}


def described(directory: str | pathlib.Path) -> DecoderConfig:
    """The decoder of a directory's config.json."""
    return DecoderConfig.from_huggingface(_json(pathlib.Path(directory), "config.json"))


def load(
    directory: str | pathlib.Path,
    *,
    dtype: str = "float32",
    place: Place = tensors.whole,
) -> tuple[DecoderConfig, dict[str, Any]]:
    """The config and parameters of config.json and model.safetensors (or shards).

    The host holds one parameter (of all layers) at a time beside what is placed, or
    only those slices of it that `place` asks for.

    Args:
        dtype: of the parameters, whatever the file holds: "float32" to train,
            "bfloat16" for a frozen model.
        place: puts a parameter on devices, given its path, as in
            "params/layers/mlp/up/kernel", and what reads it (`tensors.Stored`).

    Raises:
        FileNotFoundError: the directory, config.json, weights or a shard is missing.
        ValueError: an unsupported config, or tensors that are missing, not expected,
            or of another shape than the config says; before any is read.
    """
    root = pathlib.Path(directory)
    config = described(root)
    wanted = list(tensors.listed(config, _name))
    found = _found(root)
    _check(root, config, wanted, found)

    def read(tensor: Tensor, index: Index) -> np.ndarray:
        with safetensors.safe_open(root / found[tensor.name], "numpy") as file:
            return file.get_slice(tensor.name)[index]

    return config, tensors.assembled(wanted, read, dtype=dtype, place=place)


def save(
    directory: str | pathlib.Path,
    config: DecoderConfig,
    params: Mapping[str, Any],
    *,
    shard_bytes: int = 2**32,
) -> None:
    """Writes config.json and the weights, in the dtype of `params`, for transformers.

    The host holds one shard at a time. Tokenizer files are left to the tokenizer.

    Raises:
        FileExistsError: the directory holds weights already.
        ValueError: the shapes of `params` are not those of `config`.
    """
    root = pathlib.Path(directory)
    _check_params(config, params)
    if present := sorted(root.glob("*.safetensors*")):
        raise FileExistsError(f"{present[0]} exists; save to another directory")
    root.mkdir(parents=True, exist_ok=True)
    shards = list(_shards(tensors.listed(config, _name), params["params"], shard_bytes))
    places: dict[str, str] = {}
    size = 0
    for number, shard in enumerate(shards, 1):
        of_many = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        file = SINGLE if len(shards) == 1 else of_many
        arrays = {tensor.name: _piece(params["params"], tensor) for tensor in shard}
        safetensors.numpy.save_file(arrays, root / file, metadata={"format": "pt"})
        places |= {name: file for name in arrays}
        size += sum(array.nbytes for array in arrays.values())
    if len(shards) > 1:
        index = {"metadata": {"total_size": size}, "weight_map": places}
        (root / INDEX).write_text(json.dumps(index, indent=2) + "\n")
    dtype = {"dtype": str(params["params"]["embedding"].dtype)}
    given = json.dumps(config.to_huggingface() | dtype, indent=2)
    (root / "config.json").write_text(given + "\n")


def _name(path: Path, layer: int | None) -> str:
    """The tensor of a file that a parameter is in."""
    if layer is None:
        return WHOLE[path]
    kind = "bias" if path[-1] == "bias" else "weight"
    return f"model.layers.{layer}.{LAYERED[path[1:-1]]}.{kind}"


def _json(root: pathlib.Path, name: str) -> dict[str, Any]:
    """One JSON file of a model directory."""
    if not root.is_dir():
        raise FileNotFoundError(
            f"no directory {str(root)!r}; give one with config.json and {SINGLE}"
        )
    if not (root / name).is_file():
        raise FileNotFoundError(f"{str(root)!r} holds no {name}")
    return json.loads((root / name).read_text())


def _found(root: pathlib.Path) -> dict[str, str]:
    """Tensor name to file, of one file or of those that the index names."""
    if (root / INDEX).is_file():
        places = _json(root, INDEX)["weight_map"]
        for file in sorted(set(places.values())):
            if not (root / file).is_file():
                raise FileNotFoundError(f"{str(root)!r} lacks {file}, named by {INDEX}")
        return places
    if not (root / SINGLE).is_file():
        others = sorted(path.name for path in root.glob("*.bin"))
        raise FileNotFoundError(
            f"{str(root)!r} holds neither {SINGLE} nor {INDEX}"
            + (f"; convert {others[0]} to safetensors" if others else "")
        )
    with safetensors.safe_open(root / SINGLE, "numpy") as file:
        return dict.fromkeys(file.keys(), SINGLE)


def _check(
    root: pathlib.Path,
    config: DecoderConfig,
    wanted: Iterable[Tensor],
    found: Mapping[str, str],
) -> None:
    """Raises unless the files hold what the config says; reads headers only."""
    shapes = {tensor.name: tensor.shape for tensor in wanted}
    ours = {
        name
        for name in found
        if not name.endswith("rotary_emb.inv_freq")
        and not (config.tied and name == WHOLE["head",])
    }
    headers = list(_headers(root, ours, found))
    wrong = tensors.misfits(shapes, {name: shape for name, shape, _ in headers})
    for name, _, kind in headers:
        if kind not in FLOATS:
            wrong.append(f"{name} is {kind}, none of {FLOATS}")
    tensors.refuse(f"weights in {str(root)!r} do not fit its config.json", wrong)


def _headers(
    root: pathlib.Path, wanted: Iterable[str], found: Mapping[str, str]
) -> Iterator[tuple[str, tuple[int, ...], str]]:
    """Name, shape and dtype of tensors, without their values."""
    for place in sorted(set(found.values())):
        with safetensors.safe_open(root / place, "numpy") as file:
            held = set(file.keys())
            for name in sorted(name for name in wanted if found[name] == place):
                if name not in held:
                    raise ValueError(f"{place} lacks {name}, which {INDEX} says it has")
                header = file.get_slice(name)
                yield name, tuple(header.get_shape()), header.get_dtype()


def _shards(
    pieces: Iterable[Tensor], params: Mapping[str, Any], limit: int
) -> Iterator[list[Tensor]]:
    """Tensors in groups of at most `limit` bytes, or of one larger tensor."""
    shard: list[Tensor] = []
    size = 0
    for piece in pieces:
        item = _leaf(params, piece.path).dtype.itemsize
        bytes_ = int(np.prod(piece.shape)) * item
        if shard and size + bytes_ > limit:
            yield shard
            shard, size = [], 0
        shard.append(piece)
        size += bytes_
    yield shard


def _leaf(params: Mapping[str, Any], path: Path) -> Any:
    """The parameter at a path."""
    leaf: Any = params
    for step in path:
        leaf = leaf[step]
    return leaf


def _piece(params: Mapping[str, Any], tensor: Tensor) -> np.ndarray:
    """One tensor as the file holds it, its memory in that order."""
    leaf = _leaf(params, tensor.path)
    array = np.asarray(leaf if tensor.layer is None else leaf[tensor.layer])
    return np.ascontiguousarray(tensor.flip(array))


def _check_params(config: DecoderConfig, params: Mapping[str, Any]) -> None:
    """Raises where the parameters are not those of the config, naming one that is."""
    given, expected = _named_shapes(params), _named_shapes(decoder.shapes(config))
    for name in sorted(given.keys() | expected.keys()):
        if given.get(name) != expected.get(name):
            raise ValueError(
                f"params do not fit the config: {name} has shape {given.get(name)}, "
                f"expected {expected.get(name)}"
            )


def _named_shapes(params: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """The shape of every parameter by its path, as params/norm/scale."""
    leaves = jax.tree_util.tree_leaves_with_path(params)
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): tuple(leaf.shape)
        for path, leaf in leaves
    }
